"""Intermediate representation of a P4 parser; see ``model.py``."""
