"""Flow and group texts in Open vSwitch's syntax, over whatever fields a P4 program has."""
