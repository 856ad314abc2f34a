"""What the flow tables hold, in terms of key bits: the language between flow syntax, OpenFlow wire and the slow path.

Made by ``openflow/`` (from text or from the wire); consumed and returned by ``slowpath/bridge.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Reserved ports of OpenFlow 1.3, section A.2.1; a port number is 1 .. 1023 here.
PORT_IN_PORT = 0xFFFFFFF8
PORT_FLOOD = 0xFFFFFFFB  # all ports but in_port
PORT_ALL = 0xFFFFFFFC  # the same here: no port is excluded from flooding
PORT_CONTROLLER = 0xFFFFFFFD

N_TABLES = 254  # tables 0 .. 253, as in OVS
ALL_TABLES = 0xFF  # in a filter or a loose deletion: every table (OpenFlow's OFPTT_ALL)
DEFAULT_PRIORITY = 32768


@dataclass(frozen=True)
class Match:
    """Bytes of the flow key and their mask; ``key`` is zero where ``mask`` is.

    A match on a header's field also matches on the header's validity bit: whoever builds a Match adds it.
    """

    key: bytes
    mask: bytes


@dataclass(frozen=True)
class Output:
    """To a port, or a reserved port (FLOOD, ALL, IN_PORT)."""

    port: int


@dataclass(frozen=True)
class ToController:
    max_size: int = 0xFFFF  # bytes of the packet that go along


@dataclass(frozen=True)
class SetField:
    """Write the ``mask`` bits of ``value`` into a field; both are ``width_bits`` wide.

    Skipped for packets that lack the field's header, which ``header`` names: headers may share a slot of the key, and
    then the offset alone does not tell.
    """

    offset_bits: int  # in the key
    width_bits: int
    value: int
    mask: int
    header: str = ""  # path; "" only for a program whose slots are not shared


@dataclass(frozen=True)
class DecTtl:
    """Decrement the 8-bit field at ``offset_bits`` of the key; a packet whose value is 0 or 1 goes no further.

    Skipped for packets that lack ``header``.
    """

    offset_bits: int
    header: str = ""


@dataclass(frozen=True)
class ToGroup:
    group: int


Action = Output | ToController | SetField | DecTtl | ToGroup


@dataclass(frozen=True)
class Flow:
    """An entry of a flow table.  No actions and no ``goto_table`` drops."""

    match: Match
    actions: tuple[Action, ...] = ()
    table: int = 0
    priority: int = DEFAULT_PRIORITY
    goto_table: int | None = None  # greater than ``table``
    cookie: int = 0
    idle_timeout_s: int = 0  # 0: never
    hard_timeout_s: int = 0


@dataclass(frozen=True)
class FlowStats:
    flow: Flow
    n_packets: int
    n_bytes: int
    duration_s: float
    idle_s: float


@dataclass(frozen=True)
class RemovedFlow:
    """A flow that is gone, with its last counters; ``reason``: "delete", "replace", "idle", "hard", "group"."""

    stats: FlowStats
    reason: str


@dataclass(frozen=True)
class Bucket:
    actions: tuple[Action, ...]
    weight: int = 1
    watch_port: int = 0  # the bucket is out of use while this port is down; 0: none


@dataclass(frozen=True)
class Group:
    """``kind`` "select": one bucket by hash over ``hash_mask`` (key bytes); "all": every bucket on its own copy;
    "indirect": the only bucket.

    ``hash_masks`` is ``hash_mask`` header by header, (path, key bytes), "" for what is in no header: where headers
    share a slot, only the bits of those that a packet has are hashed.  Without it ``hash_mask`` is taken as it is.
    """

    group: int
    kind: str
    buckets: tuple[Bucket, ...]
    hash_mask: bytes = b""
    hash_masks: tuple[tuple[str, bytes], ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Megaflow:
    """A megaflow as installed; ``actions`` in the text of ``runtime/dp.h``'s byte code."""

    key: bytes
    mask: bytes
    actions: str
    n_packets: int
    n_bytes: int
    idle_s: float
    engines: tuple[str, ...]  # where it is installed: ("user", "xdp")


@dataclass(frozen=True)
class TraceStep:
    """One table's lookup; ``flow`` is None for a miss."""

    table: int
    flow: Flow | None


@dataclass(frozen=True)
class Trace:
    steps: tuple[TraceStep, ...]
    groups: tuple[tuple[int, int], ...]  # (group, bucket chosen for this packet)
    mask: bytes  # the megaflow's
    actions: str  # the megaflow's byte code, as text
    taken: str  # the part of ``actions`` that this packet runs: without select groups, but for the chosen bucket
    output_ports: tuple[int, ...]  # where this packet goes
    dropped: str = ""  # why nothing goes out, else ""


@dataclass(frozen=True)
class PacketIn:
    """A packet for the controller; ``reason``: "action" (ToController) or "ttl" (DecTtl of 0 or 1)."""

    reason: str
    in_port: int
    packet: bytes  # as much of it as was asked for
    size: int  # of the whole packet, bytes
    key: bytes  # the flow key as parsed on arrival: ``SlowPath.translate`` tells table and cookie
