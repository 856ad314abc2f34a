"""Root of the test configuration; the plugin under test is loaded by its entry point, like any user's."""

pytest_plugins = ["pytester"]
