"""Root of the test configuration; the plugin under test is loaded by its entry point, like any user's."""

import pytest

pytest_plugins = ["pytester"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of our own tests that compare with golden files."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files instead of comparing")
