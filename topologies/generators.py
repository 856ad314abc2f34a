"""Makes the switches, hosts and links of regular networks from a few numbers.

Called by ``reader.py`` for files that name a ``generator``; the shipped ``*.yaml`` are such files.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Parameter:
    """A generator's parameter and its bounds."""

    default: int
    least: int
    most: int


@dataclass(frozen=True)
class Parts:
    """What a generator makes; ``links`` are pairs of node names, in the order that numbers the ports."""

    switches: list[str]
    hosts: list[str]
    links: list[tuple[str, str]]


@dataclass(frozen=True)
class Generator:
    parameters: dict[str, Parameter]
    make: Callable[..., Parts]


def leaf_spine(leaves: int, spines: int, hosts_per_leaf: int) -> Parts:
    """Make a two-level Clos network: every leaf is connected with every spine; hosts are numbered through.

    Ports of a leaf: its hosts first, then its spines; of a spine: port n goes to leaf n.
    """
    leaf_names = [f"leaf{i}" for i in range(1, leaves + 1)]
    spine_names = [f"spine{i}" for i in range(1, spines + 1)]
    hosts = [f"h{i}" for i in range(1, leaves * hosts_per_leaf + 1)]
    links = [(leaf_names[i // hosts_per_leaf], host) for i, host in enumerate(hosts)]
    links += [(leaf, spine) for leaf in leaf_names for spine in spine_names]
    return Parts(leaf_names + spine_names, hosts, links)


def single(hosts: int) -> Parts:
    """Make one switch with all hosts; host n is on port n."""
    names = [f"h{i}" for i in range(1, hosts + 1)]
    return Parts(["s1"], names, [("s1", name) for name in names])


def linear(switches: int, hosts_per_switch: int) -> Parts:
    """Make a row of switches, each with hosts of its own on its first ports."""
    names = [f"s{i}" for i in range(1, switches + 1)]
    hosts = [f"h{i}" for i in range(1, switches * hosts_per_switch + 1)]
    links = [(names[i // hosts_per_switch], host) for i, host in enumerate(hosts)]
    links += list(itertools.pairwise(names))
    return Parts(names, hosts, links)


GENERATORS = {
    "leaf-spine": Generator(
        {"leaves": Parameter(4, 1, 200), "spines": Parameter(2, 1, 64), "hosts_per_leaf": Parameter(2, 1, 200)},
        leaf_spine,
    ),
    "linear": Generator({"switches": Parameter(3, 1, 200), "hosts_per_switch": Parameter(1, 1, 200)}, linear),
    "single": Generator({"hosts": Parameter(2, 1, 200)}, single),
}
