"""A pytest plugin that runs tests on networks of P4-programmed switches; ``plugin.py`` is where pytest comes in."""
