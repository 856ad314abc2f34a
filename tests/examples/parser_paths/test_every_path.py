"""Every path through the switches' parser, driven through a running switch: it must count what the model predicts.

Its marker puts it on one switch; without the marker it runs on any topology.  What was covered:
pytest --p4-cov tests/examples/parser_paths
"""

import pytest

from testbed.traffic import MIN_SIZE
from testbed.wait import wait_until

pytestmark = pytest.mark.topology("single")
HIGHEST = 65535


@pytest.fixture
def dropped(network, topology):
    """Count what the first host's switch dropped: by reason, and by parser error."""
    switch = topology.attachment(topology.hosts[0].name).node

    def count() -> dict[str, int]:
        stats = network.client.stats(switch)
        drops = {reason: n for reason, n in stats["drops"].items() if reason in ("NO_ACTION", "PARSER_REJECT")}
        return {name: n for name, n in (drops | stats["parser_errors"]).items() if n}

    return count


def test_switch_parses_as_the_model(parser_path, topology, inject, add_flows, dropped):
    if len(parser_path.packet) < MIN_SIZE:
        pytest.skip("an interface sends no packet this short")
    host = topology.hosts[0].name
    port = topology.attachment(host)
    if parser_path.in_port not in (None, port.port):
        pytest.skip("another port's path")
    add_flows(port.node, f"priority={HIGHEST},in_port={port.port},actions=drop")
    outcome = parser_path.outcome
    expected = dropped()
    rejected = outcome.verdict == "reject"
    if rejected:
        expected[outcome.error] = expected.get(outcome.error, 0) + 1
    reason = "PARSER_REJECT" if rejected and topology.on_reject == "drop" else "NO_ACTION"
    expected[reason] = expected.get(reason, 0) + 1
    inject(host, parser_path.packet)
    what = f"the switch to count {expected}, as predicted for {parser_path} (packet {parser_path.packet.hex()})"
    wait_until(dropped, until=lambda counted: counted == expected, what=what)
