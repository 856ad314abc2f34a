"""ci/demo's account of a run: a sentence a test, under what its network is."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "ci" / "tell-demo"


@pytest.fixture
def tell_demo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr("sys.dont_write_bytecode", True)  # none beside the script
    spec = spec_from_loader("tell_demo", SourceFileLoader("tell_demo", str(SCRIPT)))
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_test_is_a_sentence_under_its_network(pytester: pytest.Pytester, tell_demo: ModuleType) -> None:
    pytester.makepyfile(
        '''
        """What these are for."""
        import pytest

        @pytest.fixture(params=["net"])
        def on_net(request):
            request.node.user_properties += [("ovsp4_network", "net"), ("ovsp4_about", "net: 2 switches")]

        @pytest.mark.parametrize("kind", ["udp", "tcp"])
        def test_packets_arrive(on_net, kind):
            assert kind == "udp"

        def test_is_skipped(on_net):
            pytest.skip("no reason")
        '''
    )
    result = pytester.runpytest_inprocess("-q", "-o", "console_output_style=classic", plugins=[tell_demo.Story()])
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "What these are for.",
            "net: 2 switches",
            "  ok      packets arrive (udp)",
            "  FAILED  packets arrive (tcp)",
            "  skipped is skipped",
        ]
    )


def test_the_examples_are_there(tell_demo: ModuleType) -> None:
    root = SCRIPT.parents[1]
    assert all((root / example).exists() for example in [*tell_demo.EXAMPLES, tell_demo.PROGRAM])
