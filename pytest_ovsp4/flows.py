"""Flows and groups that a test adds, taken back at its end; behind the ``add_flows`` and ``add_groups`` fixtures."""

from __future__ import annotations

from datapath import Client


class TemporaryFlows:
    """Remembers each switch's tables before the first change, and puts them back."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._flows: dict[str, list[str]] = {}
        self._groups: dict[str, list[str]] = {}

    def add_flows(self, switch: str, *texts: str) -> None:
        """Add flows to a switch; they may replace others."""
        self._remember(switch)
        self._client.add_flows(switch, texts)

    def add_groups(self, switch: str, *texts: str) -> None:
        """Add groups to a switch, or replace them."""
        self._remember(switch)
        self._client.add_groups(switch, texts)

    def _remember(self, switch: str) -> None:
        if switch not in self._flows:
            self._flows[switch] = [flow["text"] for flow in self._client.dump_flows(switch)]
            self._groups[switch] = [group["text"] for group in self._client.dump_groups(switch)]

    def restore(self) -> None:
        """Put the tables back as they were."""
        for switch, flows in self._flows.items():
            self._client.del_flows(switch)
            self._client.del_groups(switch)
            self._client.add_groups(switch, self._groups[switch])
            self._client.add_flows(switch, flows)
        self._flows, self._groups = {}, {}
