"""Typed stash keys: what the plugin keeps on pytest's objects; read and written by the other modules here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ovsp4.options import Options
    from pytest_ovsp4.pool import Pool

OPTIONS: pytest.StashKey[Options] = pytest.StashKey()
POOL: pytest.StashKey[Pool] = pytest.StashKey()
