"""The import rule's check finds what breaks the rule, and only that."""

from __future__ import annotations

import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "ci" / "check-imports"


@pytest.fixture(scope="module")
def check() -> ModuleType:
    """The script as a module."""
    loader = SourceFileLoader("check_imports", str(SCRIPT))
    spec = spec_from_loader("check_imports", loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("testbed/x.py", "from datapath import Client, SetupError\nimport topologies"),
        ("testbed/x.py", "import json, os\nfrom testbed.wait import wait_until"),
        ("pytest_ovsp4/x.py", "from testbed.network import Network\nfrom datapath import errors"),
        ("datapath/ir/x.py", "from datapath.errors import Location\nfrom datapath.ir.model import State"),
        ("datapath/ir/x.py", "from .model import State\nfrom ..errors import Location"),
        ("datapath/p4/x.py", "from datapath.ir import model\nfrom datapath import errors, ir"),
        ("datapath/compiler.py", "from datapath.p4 import load\nfrom datapath.passes import run"),
        ("datapath/xdp/x.py", "from datapath.ir.layout import KeyLayout"),
        ("testbed/x.py", "'import pytest_ovsp4'  # text, not an import"),
    ],
)
def test_allowed(check: ModuleType, path: str, source: str) -> None:
    assert list(check.faults(Path(path), source)) == []


@pytest.mark.parametrize(
    ("path", "source", "message"),
    [
        ("datapath/x.py", "import testbed.wait", "datapath must not import testbed.wait"),
        ("topologies/x.py", "from testbed import network", "topologies must not import testbed"),
        ("testbed/x.py", "import pytest_ovsp4", "testbed must not import pytest_ovsp4"),
        ("testbed/x.py", "from datapath.xdp.headers import find_headers", "import from datapath itself"),
        ("testbed/x.py", "def f():\n    import datapath.ir", "import from datapath itself"),
        (
            "pytest_ovsp4/x.py",
            "if TYPE_CHECKING:\n    from datapath.ir.model import State",
            "import from datapath itself",
        ),
        ("datapath/ir/x.py", "from datapath.p4 import ast", "datapath/ir must not import datapath.p4"),
        ("datapath/ir/x.py", "from datapath import cache", "datapath/ir must not import datapath.cache"),
        ("datapath/ir/x.py", "from ..passes import bound", "datapath/ir must not import datapath.passes"),
        ("datapath/codegen/x.py", "from datapath.passes import validity", "it may import: errors, ir"),
        ("datapath/passes/x.py", "import datapath.codegen.emitter", "datapath/passes must not import"),
        ("datapath/errors.py", "import datapath.ir", "it may import: nothing of ours"),
    ],
)
def test_forbidden(check: ModuleType, path: str, source: str, message: str) -> None:
    found = list(check.faults(Path(path), source))
    assert len(found) == 1
    line, text = found[0]
    assert line == len(source.splitlines())
    assert message in text


def test_a_violation_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "datapath").mkdir()
    (tmp_path / "datapath" / "bad.py").write_text("import os\nimport testbed\n")
    done = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "datapath/bad.py:2: datapath must not import testbed" in done.stdout


def test_an_empty_tree_is_no_success(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
