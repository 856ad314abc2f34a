"""Networks as data: YAML files, and the frozen ``Topology`` they are read into.  Knows no Mininet and no kernel."""

from topologies.model import End, Host, L3Fields, Link, Switch, Topology
from topologies.reader import load, names

__all__ = ["End", "Host", "L3Fields", "Link", "Switch", "Topology", "load", "names"]
