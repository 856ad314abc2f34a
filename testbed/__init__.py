"""The testbed: networks of switches in namespaces, traffic and measurement, and the ``ovsp4`` command."""
