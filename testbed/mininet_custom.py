"""Makes our classes known to Mininet's own command.

    mn --custom testbed/mininet_custom.py --switch ovsp4 --controller none --topo linear,3 --test pingall
    mn --custom ... --switch ovsp4,datapath=afxdp,program=my.p4 --host ovsp4 --link ovsp4

``mn`` must run on the Python that has ovsp4 (``.venv/bin/python $(which mn) ...``).  It takes every global name of this
file for its own: tables of classes are added to its tables, anything else replaces what it has under that name.
"""

import __main__
from testbed.links import OvsP4Link
from testbed.nodes import OvsP4Host, OvsP4Switch

switches = {"ovsp4": OvsP4Switch}
hosts = {"ovsp4": OvsP4Host}
LINKS = {**getattr(__main__, "LINKS", {}), "ovsp4": OvsP4Link}  # mn 2.3.0 does not add a table called "links"


def cleanup() -> None:
    """Take the place of mn's cleanup, which it calls when it is interrupted or fails.

    That one kills processes and deletes interfaces and files by name, those of other networks too.  What is made of
    our classes goes by itself.
    """
