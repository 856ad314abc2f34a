"""The parse graph as a picture: ``nodes.py`` says what is in it, ``dot.py`` writes DOT, ``draw.py`` calls Graphviz."""
