"""Paths through a parser: a packet for each (``enumerate.py``), and which of them given packets take (``coverage.py``).

``machine.py`` runs a parser on a packet that is not known yet, ``explorer.py`` decides which way it goes where it could
go several, ``values.py`` is its arithmetic.  Read by ``cli/paths.py``, the pytest plugin and the differential tests.
"""
