"""Makes a ``Trace`` of a translation: which tables, flows and buckets one packet takes, and where it comes out.

Called by ``bridge.py`` with what ``sp_trace`` has filled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from datapath.ir.layout import KeyLayout
from datapath.slowpath import byte_code, native
from datapath.slowpath.byte_code import ByteAction
from datapath.slowpath.model import Flow, Trace, TraceStep

_TTL_OVER = "its time to live is over"
_OVERFLOW = {  # by enum xl_overflow
    1: f"the flows make more than {native.ACTIONS_MAX} actions",
    2: f"an edit changes more than {native.SLOTS} checksums that sum other checksums",
    3: "the edits change too many different sets of checksums",
    4: "no memory is left",
}


def make_trace(
    layout: KeyLayout, key: bytes, result: native.Result, chosen: int, flows: Mapping[int, Flow], ports: set[int]
) -> Trace:
    """Return the trace of one packet.

    Args:
        layout: Of the program.
        key: The packet's.
        result: The translation, of all alternatives of a select group.
        chosen: Which of them this packet takes, from 1; 0 if there are none.
        flows: By the number under which C knows them.
        ports: That are up.
    """
    alternatives = (0, chosen)
    steps = tuple(
        TraceStep(step.table, flows.get(step.flow_id))
        for step in result.steps[: result.n_steps]
        if step.alternative in alternatives
    )
    buckets = tuple((b.group, b.bucket) for b in result.buckets[: result.n_buckets] if b.in_select in alternatives)
    actions = byte_code.decode(bytes(result.actions)[: result.n_actions * byte_code.SIZE])
    paths = [h.path for h in sorted(layout.headers, key=lambda h: h.header_id)]
    run = _Run(layout, key, ports)
    taken = _of_packet(actions, chosen)
    run.actions(taken)
    return Trace(
        steps=steps,
        groups=buckets,
        mask=bytes(result.mask)[: layout.key_size],
        actions=byte_code.to_text(actions, paths),
        taken=byte_code.to_text(taken, paths),
        output_ports=tuple(run.outputs),
        dropped="" if run.outputs or run.to_controller else _why(result, steps, run),
    )


def _of_packet(actions: Sequence[ByteAction], chosen: int) -> list[ByteAction]:
    """Return the list without DP_SELECT: what comes before it, then the chosen bucket."""
    at = next((i for i, a in enumerate(actions) if a.op == byte_code.SELECT), None)
    if at is None:
        return list(actions)
    before = list(actions[:at])
    at += 1
    for _ in range(chosen - 1):
        at += 1 + actions[at].arg
    return before + list(actions[at + 1 : at + 1 + actions[at].arg])


def _why(result: native.Result, steps: Sequence[TraceStep], run: _Run) -> str:
    if result.overflow:
        return _OVERFLOW[result.overflow]
    if run.stopped or run.unsent:
        return run.stopped or run.unsent
    if steps and steps[-1].flow is None:
        return f"no flow matches in table {steps[-1].table}"
    return "its flows send it nowhere"


class _Run:
    """Follows one packet through its actions as an engine does."""

    def __init__(self, layout: KeyLayout, key: bytes, ports: set[int]) -> None:
        self._offsets = {h.header_id: h.key_offset for h in layout.headers}
        self._key = bytearray(key)
        self._in_port = int.from_bytes(key[:4], "big")
        self._ports = ports
        self.outputs: list[int] = []
        self.to_controller = False
        self.unsent = ""  # why an output had no effect
        self.stopped = ""  # why the list was left

    def actions(self, actions: Sequence[ByteAction]) -> None:
        for action in actions:
            if action.op == byte_code.OUTPUT:
                self._output(action)
            elif action.op == byte_code.CONTROLLER:
                self.to_controller = True
            elif action.op == byte_code.SET:
                self._set(action)
            elif action.op == byte_code.DEC_TTL and not self._dec_ttl(action):
                return

    def _output(self, action: ByteAction) -> None:
        if action.arg == self._in_port and not action.flags & byte_code.F_IN_PORT:
            self.unsent = f"port {action.arg} is where it came from"
        elif action.arg not in self._ports:
            self.unsent = f"port {action.arg} does not exist or is down"
        else:
            self.outputs.append(action.arg)

    def _set(self, action: ByteAction) -> None:
        start = self._offsets[action.header] + action.arg
        for i in range(action.size):
            mask = action.mask[i]
            self._key[start + i] = (self._key[start + i] & ~mask) | (action.value[i] & mask)

    def _dec_ttl(self, action: ByteAction) -> bool:
        at = self._offsets[action.header] + action.arg
        if self._key[at] < 2 and action.flags & byte_code.F_GO_ON:
            self.unsent = _TTL_OVER
            return True
        if self._key[at] < 2:
            self.stopped = _TTL_OVER
            return False
        self._key[at] -= 1
        return True
