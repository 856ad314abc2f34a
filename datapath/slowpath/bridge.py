"""The slow path of one bridge for Python: flows, groups, ports and engines in; statistics, traces and packets out.

``SlowPath`` speaks the dataclasses of ``model.py``; the work is done in C (``slowpath.h``), this file passes it on.
``vswitchd/`` makes one for each bridge, gives ``pointer`` and ``upcall_pointer`` to the bridge's user engine and
``lock_pointer`` to all its engines, calls ``tick`` once a second, and everything else when a user asks for it.

C knows flows by numbers; the ``Flow`` objects themselves are kept here, and handed back as they were given.
"""

from __future__ import annotations

import ctypes
import errno
import os
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from ctypes import POINTER, byref, c_void_p

from datapath.errors import SwitchError
from datapath.ir.layout import KeyLayout
from datapath.slowpath import byte_code, encode, native
from datapath.slowpath.model import (
    ALL_TABLES,
    Action,
    DecTtl,
    Flow,
    FlowStats,
    Group,
    Match,
    Megaflow,
    PacketIn,
    RemovedFlow,
    SetField,
    ToGroup,
    Trace,
)
from datapath.slowpath.trace import make_trace

MEGAFLOW_LIMIT = 65_536
TABLE_LIMIT = 200_000
IDLE_S = 10.0
_REASONS = ("", "delete", "replace", "idle", "hard", "group")  # enum removed_reason
_UPCALLS = {1: "action", 2: "ttl"}  # enum dp_upcall_reason
_NS = 1_000_000_000


class SlowPath:
    """Flow tables, groups and megaflows of one bridge.  Calls may come from any thread."""

    def __init__(
        self,
        layout: KeyLayout,
        lock_ptr: int | None = None,
        *,
        megaflow_limit: int = MEGAFLOW_LIMIT,
        table_limit: int = TABLE_LIMIT,
        megaflow_idle_s: float = IDLE_S,
        flags: Sequence[str] | None = None,
    ) -> None:
        """Build empty tables.

        Args:
            layout: The program's key layout.
            lock_ptr: Address of the ``struct dp_lock`` to use; without it the slow path has its own.
            megaflow_limit: How many megaflows are kept; beyond it packets are translated one by one.
            table_limit: How many flows one table holds.
            megaflow_idle_s: Megaflows without packets for so long are removed.
            flags: Compiler flags for the C library, for tests.
        """
        self.layout = layout
        self._lib = native.library(tuple(flags)) if flags else native.library()
        self._tables = native.LayoutTables(layout)
        self._table_limit = table_limit
        self.megaflow_limit = megaflow_limit
        config = native.Config(megaflow_limit, table_limit, int(megaflow_idle_s * _NS))
        self._sp: int | None = self._lib.sp_new(byref(self._tables.struct), byref(config), lock_ptr)
        if not self._sp:
            raise MemoryError("no memory for the slow path's tables")
        self._guard = threading.RLock()  # keeps the dictionaries below in step with C
        self._flows: dict[int, Flow] = {}
        self._groups: dict[int, Group] = {}
        self._engines: dict[int, tuple[int, str]] = {}  # address -> (place, name)
        self._ports: dict[int, bool] = {}
        self._header_paths = [h.path for h in sorted(layout.headers, key=lambda h: h.header_id)]

    @property
    def pointer(self) -> int:
        """The C object's address: the first argument of the upcall function."""
        assert self._sp is not None, "the slow path is closed"
        return self._sp

    @property
    def upcall_pointer(self) -> int:
        """The address of ``sp_upcall``, a ``dp_upcall_fn``."""
        address = ctypes.cast(self._lib.sp_upcall, c_void_p).value
        assert address
        return address

    @property
    def lock_pointer(self) -> int:
        """The address of the bridge's ``struct dp_lock``."""
        return int(self._lib.sp_lock(self.pointer))

    @property
    def packet_in_fd(self) -> int:
        """A file descriptor that is readable while packets for the controller wait."""
        return int(self._lib.sp_packet_in_fd(self.pointer))

    def close(self) -> None:
        """Free everything; the engines must have stopped calling before.  Twice is harmless."""
        with self._guard:
            sp, self._sp = self._sp, None
            if sp:
                self._lib.sp_free(sp)

    def __enter__(self) -> SlowPath:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Engines and ports

    def dp_add(self, dp: int) -> None:
        """Install all megaflows in the engine at this address, from now on too.

        Raises:
            SwitchError: The engine was built for another layout or another version of the interface.
        """
        with self._guard:
            place = self._lib.sp_dp_add(self.pointer, dp)
            if place == -errno.EPROTO:
                raise SwitchError("the engine was built for another version of the engine interface: rebuild it")
            if place == -errno.EINVAL:
                raise SwitchError(
                    f"the engine was not built for the layout of {self.layout.program!r} "
                    f"(hash {self.layout.hash:016x}): rebuild it from the same program"
                )
            if place < 0:
                raise SwitchError(f"no room for one more engine: {os.strerror(-place)}")
            self._engines[dp] = (place, native.engine_name(dp))

    def dp_del(self, dp: int) -> None:
        """Remove all megaflows from the engine, keep their counters, and forget it."""
        with self._guard:
            if self._engines.pop(dp, None):
                self._lib.sp_dp_del(self.pointer, dp)

    def port_put(self, port: int, up: bool = True) -> None:
        """Tell of a port, or of its state."""
        with self._guard:
            if self._lib.sp_port_put(self.pointer, port, up):
                raise SwitchError(f"port {port}: ports are 1 to {encode.PORTS_MAX - 1}")
            self._ports[port] = up

    def port_del(self, port: int) -> None:
        """Tell that a port is gone."""
        with self._guard:
            if self._ports.pop(port, None) is not None:
                self._lib.sp_port_del(self.pointer, port)

    # Flows

    def change(self, add: Iterable[Flow] = (), delete: Iterable[tuple[Flow, bool]] = ()) -> list[RemovedFlow]:
        """Change the tables in one step: first the deletions, then the additions in order.

        When it returns no packet is forwarded by the old tables any more.

        Args:
            add: Each replaces the flow with the same table, match and priority, if there is one.
            delete: (filter, strict).  Strict removes the flow with this table, match and priority; loose all of the
                table (``ALL_TABLES``: of every table) whose match is equal or more specific.

        Returns:
            What is gone, replaced flows included.

        Raises:
            SwitchError: A flow is impossible, its group is missing, or its table is full; nothing was changed.
        """
        added = list(add)
        with self._guard:
            batch = self._encode_batch(added, list(delete))
            outcome = native.Outcome()
            self._lib.sp_batch_commit(self.pointer, batch, byref(outcome))
            if outcome.error:
                raise SwitchError(self._refusal(outcome, added))
            self._flows.update(enumerate(added, outcome.first_id))
            return self._take_removed(outcome)

    def _encode_batch(self, add: list[Flow], delete: list[tuple[Flow, bool]]) -> int:
        """Check everything, then fill a batch."""
        for flow in add:
            encode.check_flow(self.layout, flow)
        for flow, _ in delete:
            encode.check_match(self.layout, flow.match)
        actions = [encode.encode_actions(self.layout, flow.actions) for flow in add]
        batch = self._lib.sp_batch_new(self.pointer)
        err = 0 if batch else -errno.ENOMEM
        for flow, strict in delete:
            match = _masked(flow.match)
            err = err or self._lib.sp_batch_delete(batch, *match, flow.table, flow.priority, strict)
        for flow, encoded in zip(add, actions, strict=True):
            goto = -1 if flow.goto_table is None else flow.goto_table
            timeouts = flow.idle_timeout_s, flow.hard_timeout_s
            spec = native.FlowSpec(flow.cookie, flow.table, flow.priority, goto, *timeouts, len(encoded))
            err = err or self._lib.sp_batch_add(batch, *_masked(flow.match), byref(spec), encoded)
        if err:
            raise MemoryError("no memory for the changes")
        return int(batch)

    def _refusal(self, outcome: native.Outcome, added: list[Flow]) -> str:
        flow = added[outcome.index]
        if outcome.error == -errno.ENOSPC:
            return (
                f"table {flow.table} is full: it holds {self._table_limit} flows, and number {outcome.index + 1} of "
                f"the {len(added)} to add does not fit; delete flows first"
            )
        if outcome.error == -errno.ENOENT:
            used = {a.group for a in flow.actions if isinstance(a, ToGroup)}
            missing = ", ".join(str(g) for g in sorted(used - self._groups.keys()))
            return f"no group {missing}: add the group before the flow that uses it"
        return f"the flow tables refused the change: {os.strerror(-outcome.error)}"

    def _take_removed(self, outcome: native.Outcome) -> list[RemovedFlow]:
        """Turn a C outcome into dataclasses, and forget its flows."""
        removed = []
        for i in range(outcome.n_removed):
            entry = outcome.removed[i]
            flow = self._flows.pop(entry.flow_id)
            removed.append(RemovedFlow(_flow_stats(flow, entry), _REASONS[entry.reason]))
        self._lib.sp_release(ctypes.cast(outcome.removed, c_void_p))
        return removed

    def flow_put(self, *flows: Flow) -> None:
        """Add or replace flows, all or nothing."""
        self.change(add=flows)

    def flow_del(self, flow: Flow, strict: bool = True) -> int:
        """Delete by a filter (see ``change``); returns how many are gone."""
        return len(self.change(delete=[(flow, strict)]))

    def flows(self, match: Match | None = None, table: int | None = None) -> list[FlowStats]:
        """Return the flows whose match is equal to ``match`` or more specific, by table and age."""
        if match:
            encode.check_match(self.layout, match)
        key = _masked(match) if match else (None, None)
        entries = POINTER(native.FlowStats)()
        with self._guard:
            n = self._lib.sp_flow_dump(self.pointer, *key, ALL_TABLES if table is None else table, byref(entries))
            if n < 0:
                raise MemoryError("no memory for a dump of the flows")
            found = [_flow_stats(self._flows[entries[i].flow_id], entries[i]) for i in range(n)]
        self._lib.sp_release(ctypes.cast(entries, c_void_p))
        return found

    # Groups

    def group_put(self, group: Group) -> None:
        """Create a group, or replace the one with this number."""
        encode.check_group(self.layout, group)
        buckets, kept_actions = encode.encode_buckets(self.layout, group.buckets)
        parts, kept_masks = encode.encode_hash(self.layout, group)
        kind = encode.GROUP_KINDS[group.kind]
        head = native.GroupHead(None, group.group, kind, len(buckets), len(parts), parts)
        with self._guard:
            if self._lib.sp_group_put(self.pointer, byref(head), buckets):
                raise MemoryError(f"no memory for group {group.group}")
            del kept_actions, kept_masks  # C has its own copies by now
            self._groups[group.group] = group

    def group_del(self, group: int) -> list[RemovedFlow]:
        """Delete a group, and the flows that use it (OpenFlow 1.3, 6.5); returns these."""
        outcome = native.Outcome()
        with self._guard:
            if self._lib.sp_group_del(self.pointer, group, byref(outcome)):
                raise SwitchError(f"no group {group}")
            del self._groups[group]
            return self._take_removed(outcome)

    def groups(self) -> list[Group]:
        """Return all groups by number."""
        with self._guard:
            return [self._groups[g] for g in sorted(self._groups)]

    # What is going on

    def megaflows(self) -> list[Megaflow]:
        """Return what is installed in the engines, with fresh counters."""
        memory = c_void_p()
        with self._guard:
            n = self._lib.sp_megaflow_dump(self.pointer, byref(memory))
            if n < 0:
                raise MemoryError("no memory for a dump of the megaflows")
            names = dict(self._engines.values())
        dump = _Reader(memory.value or 0)
        found = [self._read_megaflow(dump, names) for _ in range(n)]
        self._lib.sp_release(memory)
        return found

    def _read_megaflow(self, dump: _Reader, names: dict[int, str]) -> Megaflow:
        entry = native.Megaflow.from_buffer_copy(dump.take(ctypes.sizeof(native.Megaflow)))
        key, mask = dump.take(self.layout.key_size), dump.take(self.layout.key_size)
        actions = byte_code.decode(dump.take(entry.n_actions * byte_code.SIZE))
        return Megaflow(
            key,
            mask,
            byte_code.to_text(actions, self._header_paths),
            entry.stats.n_packets,
            entry.stats.n_bytes,
            entry.idle_ns / _NS,
            tuple(names[i] for i in range(native.ENGINES_MAX) if entry.engines & 1 << i and i in names),
        )

    def translate(self, key: bytes) -> Trace:
        """Say what happens to a packet with this key; nothing changes."""
        if len(key) != self.layout.key_size:
            raise SwitchError(f"a key of {self.layout.program!r} has {self.layout.key_size} bytes, this one {len(key)}")
        result = native.Result()
        with self._guard:
            chosen = self._lib.sp_trace(self.pointer, key, byref(result))
            ports = {port for port, up in self._ports.items() if up}
            return make_trace(self.layout, key, result, chosen, self._flows, ports)

    def execute(self, in_port: int, packet: bytes, actions: Sequence[Action], key: bytes | None = None) -> None:
        """Run actions on a packet (packet-out).

        Args:
            in_port: Where it is said to come from; FLOOD leaves this port out.
            packet: The frame.
            actions: Any of model.py's.
            key: The packet's flow key; needed for SetField and DecTtl, which depend on its headers.

        Raises:
            SwitchError: No key for actions that need one, no engine, or the engine refused.
        """
        needs_key = any(isinstance(a, SetField | DecTtl | ToGroup) for a in actions)
        if key is None and needs_key:
            raise SwitchError("set-field, dec_ttl and group on a packet need its flow key: parse it first")
        encoded = encode.encode_actions(self.layout, actions)
        with self._guard:
            err = self._lib.sp_execute(self.pointer, in_port, packet, len(packet), key, encoded, len(encoded))
        if err == -errno.ENODEV:
            raise SwitchError("the bridge has no engine to send a packet with")
        if err < 0:
            raise SwitchError(f"the engine refused to send the packet: {os.strerror(-err)}")

    def packet_ins(self, limit: int = 64) -> list[PacketIn]:
        """Take up to so many of the packets that wait for the controller; does not block."""
        packets: list[PacketIn] = []
        while len(packets) < limit and (memory := self._lib.sp_packet_in_get(self.pointer)):
            dump = _Reader(memory)
            head = native.PacketInHead.from_buffer_copy(dump.take(ctypes.sizeof(native.PacketInHead)))
            data, key = dump.take(head.n_data), dump.take(self.layout.key_size)
            packets.append(PacketIn(_UPCALLS[head.reason], head.in_port, data, head.size, key))
            self._lib.sp_release(memory)
        return packets

    def stats(self) -> dict[str, int]:
        """Return counters: upcalls, uncached, overflows, revalidated, evicted, megaflows, installed, deleted,
        modified, refused, failed, flows, groups, packet_ins, packet_ins_lost (``slowpath.h`` says what they count)."""
        stats = native.Stats()
        with self._guard:
            self._lib.sp_stats_get(self.pointer, byref(stats))
        return {field[0]: getattr(stats, field[0]) for field in stats._fields_}

    def tick(self) -> list[RemovedFlow]:
        """Take counters from the engines, remove idle megaflows, time out flows; returns the latter."""
        outcome = native.Outcome()
        with self._guard:
            self._lib.sp_tick(self.pointer, byref(outcome))
            return self._take_removed(outcome)

    def advance_clock(self, seconds: float) -> None:
        """Let time pass, for tests."""
        self._lib.sp_clock_advance(self.pointer, int(seconds * _NS))

    def __del__(self) -> None:
        with suppress(AttributeError):  # a constructor that failed has nothing to free
            self.close()


class _Reader:
    """Reads C memory from an address on."""

    def __init__(self, address: int) -> None:
        self._address = address

    def take(self, size: int) -> bytes:
        data = ctypes.string_at(self._address, size) if size else b""
        self._address += size
        return data


def _masked(match: Match) -> tuple[bytes, bytes]:
    """Return key and mask, the key zero where the mask is."""
    return bytes(k & m for k, m in zip(match.key, match.mask, strict=True)), match.mask


def _flow_stats(flow: Flow, entry: native.FlowStats | native.Removed) -> FlowStats:
    stats = entry.stats
    return FlowStats(flow, stats.n_packets, stats.n_bytes, entry.duration_ns / _NS, entry.idle_ns / _NS)
