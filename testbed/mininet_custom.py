"""Makes our classes known to Mininet's own command.

    mn --custom testbed/mininet_custom.py --switch ovsp4 --controller none --topo linear,3 --test pingall
    mn --custom ... --switch ovsp4,datapath=afxdp,program=my.p4 --host ovsp4 --link ovsp4

``mn`` must run on the Python that has ovsp4 (``.venv/bin/python $(which mn) ...``).  It reads the tables below.
"""

from testbed.links import OvsP4Link
from testbed.nodes import OvsP4Host, OvsP4Switch

switches = {"ovsp4": OvsP4Switch}
hosts = {"ovsp4": OvsP4Host}
links = {"ovsp4": OvsP4Link}
