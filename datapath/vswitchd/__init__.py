"""The daemon that hosts the bridges of one network, and how to start it."""
