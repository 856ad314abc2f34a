"""``ovsp4 bench``: our engines side by side with what else forwards packets on this machine.

``traffic.py`` says what is sent, ``rig.py`` builds the namespaces, ``cases.py`` and the files beside it set up each
forwarder, ``run.py`` takes turns and medians, ``report.py`` prints.  ``parsing.py`` is apart: the parser alone, without
a network.
"""
