"""Choose and open what a bridge forwards with: compiled program, XDP object, user engine, slow path, wired together.

``switch.py`` asks for a bridge's parts; ``bridge.py`` works with them.  One XDP object is loaded per program and serves
all bridges with it; it stays until the daemon ends, as the next bridge will want it again.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import resource
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datapath.compiler import CompiledProgram, compile_program
from datapath.errors import LoadError, SwitchError
from datapath.slowpath.bridge import SlowPath
from datapath.user import binding
from datapath.user.loader import UserEngine

if TYPE_CHECKING:
    from datapath.xdp.loader import XdpObject, XskOnly


_PORT_HINTS = {
    errno.EBUSY: "the interface has another XDP program, or is a port already",
    errno.EOPNOTSUPP: "its driver has no native XDP",
    errno.ERANGE: "the MTU at its far end is too large for XDP (before Linux 6.6 set 3,400 or less), or its index is "
    "above 65535",
}


class KernelEngine:
    """One bridge's part of a loaded XDP object."""

    def __init__(self, xdp_object: XdpObject, bridge_id: int, on_reject: str, user: UserEngine) -> None:
        self.dp = xdp_object.open_bridge(bridge_id, on_reject)
        self._object = xdp_object
        self._user = user  # the operations are called under its lock, the bridge's
        self._ops = binding.Dp.from_address(self.dp).ops.contents

    def add_port(self, port: int, ifindex: int) -> None:
        """Attach the program to an interface, as a port."""
        with self._user.locked():
            error = self._ops.port_add(self.dp, port, ifindex)
        if error:
            hint = _PORT_HINTS.get(-error, os.strerror(-error))
            raise LoadError(f"port {port}: cannot attach the XDP program: {hint}")

    def del_port(self, port: int) -> None:
        """Detach it."""
        with self._user.locked():
            self._ops.port_del(self.dp, port)

    def set_link(self, port: int, is_up: bool) -> None:
        """Say whether a port's link is up."""
        with self._user.locked():
            self._object.set_link(self.dp, port, is_up)

    def port_stats(self, port: int) -> tuple[binding.DpStats, binding.DpStats]:
        """Return what the kernel received and sent at a port."""
        rx, tx = binding.DpStats(), binding.DpStats()
        with self._user.locked():
            self._ops.port_stats(self.dp, port, rx, tx)
        return rx, tx

    def drops(self) -> tuple[dict[str, int], dict[int, int]]:
        """Return the counts that are not zero: by drop reason, and by parser error's number."""
        reasons = binding.drop_reasons()
        drops, errors = (ctypes.c_uint64 * len(reasons))(), (ctypes.c_uint64 * binding.N_PARSER_ERRORS)()
        with self._user.locked():
            self._ops.drops(self.dp, drops, errors)
        by_reason = {reason.name: count for reason, count in zip(reasons, drops, strict=True) if count}
        return by_reason, {number: count for number, count in enumerate(errors) if count}

    def put_value_sets(self, packed: bytes) -> None:
        """Replace the entries of all value sets (``ir.value_sets.pack``)."""
        with self._user.locked():
            error = self._ops.value_sets_put(self.dp, packed, len(packed))
        if error:
            raise SwitchError(f"the kernel does not take the value sets: {os.strerror(-error)}")

    def close(self) -> None:
        """Remove the bridge from the object."""
        with self._user.locked():
            self._ops.close(self.dp)


@dataclass
class BridgeParts:
    """What one bridge is made of."""

    program_path: str
    compiled: CompiledProgram
    engine: str  # "xdp" or "afxdp"
    reason: str  # why not XDP, where that was asked for first
    on_reject: str  # "drop" or "continue"
    user: UserEngine
    kernel: KernelEngine | None  # None in afxdp mode
    program: XskOnly  # on the ports' interfaces; the XDP object, or the one that hands everything to AF_XDP
    slow_path: SlowPath

    def drops(self) -> tuple[dict[str, int], dict[int, int]]:
        """Return drop reasons and parser errors of both engines; a packet handed up is counted by one of them."""
        reasons, errors = Counter[str](), Counter[int]()
        for engine in (self.user, self.kernel):
            if engine is not None:
                by_reason, by_error = engine.drops()
                reasons.update(by_reason)
                errors.update(by_error)
        return dict(reasons), dict(errors)

    def port_stats(self, port: int) -> dict[str, int]:
        """Return a port's counters, the sum of both engines'; a packet handed up is counted by one of them."""
        total = dict.fromkeys(("rx_packets", "rx_bytes", "tx_packets", "tx_bytes"), 0)
        for engine in (self.user, self.kernel):
            if engine is not None:
                rx, tx = engine.port_stats(port)
                total["rx_packets"] += rx.n_packets
                total["rx_bytes"] += rx.n_bytes
                total["tx_packets"] += tx.n_packets
                total["tx_bytes"] += tx.n_bytes
        return total

    def set_link(self, port: int, is_up: bool) -> None:
        """Tell the engines whether a port's link is up: packets for one that is down are dropped and counted."""
        for engine in (self.user, self.kernel):
            if engine is not None:
                with contextlib.suppress(LoadError, SwitchError):  # its interface is gone: the next report says so
                    engine.set_link(port, is_up)

    def close(self, ifindexes: Iterable[int]) -> None:
        """Stop forwarding and free everything but the XDP object.

        Args:
            ifindexes: Of the interfaces that are still ports.
        """
        self.user.stop()  # from here on no upcall comes
        self.slow_path.close()
        if self.kernel is not None:
            self.kernel.close()  # detaches its ports
        else:
            for ifindex in ifindexes:
                self.program.detach(ifindex)
                self.program.xsk_unregister(ifindex)
        self.user.close()  # all sockets at once, which is much faster than port by port


class Engines:
    """The XDP objects of this process, by program."""

    def __init__(self) -> None:
        # Three file descriptors a bridge and one a port: the usual soft limit of 1,024 ends at some 100 switches.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self._objects: dict[str, XdpObject] = {}
        self._refusals: dict[str, LoadError] = {}  # not tried again: the kernel will not change its mind
        self._xsk_only: XskOnly | None = None

    def open_bridge(
        self,
        bridge_id: int,
        program: str,
        datapath: str,
        on_reject: str,
        include_dirs: Sequence[str],
        defines: Mapping[str, str],
    ) -> BridgeParts:
        """Compile, load and connect the parts of a bridge; it has no ports yet and forwards nothing.

        Args:
            bridge_id: Stands in its packets' keys.
            program: Path of the P4 file.
            datapath: "xdp", "afxdp", or "auto": the first, or the second where the kernel refuses the program.
            on_reject: "drop" or "continue".
            include_dirs: For the preprocessor.
            defines: Likewise.

        Raises:
            P4Errors: The program is wrong.
            LoadError: The machine refuses it.
        """
        compiled = compile_program(program, include_dirs=tuple(include_dirs), defines=dict(defines))
        xdp_object, reason = self._choose(compiled, datapath)
        with contextlib.ExitStack() as undo:
            user = UserEngine(compiled, bridge_id, on_reject=on_reject)
            undo.callback(user.close)
            slow_path = SlowPath(compiled.layout, user.lock)
            undo.callback(slow_path.close)
            slow_path.dp_add(user.dp)
            kernel = None
            if xdp_object is not None:
                kernel = KernelEngine(xdp_object, bridge_id, on_reject, user)
                undo.callback(kernel.close)
                slow_path.dp_add(kernel.dp)
            loaded = xdp_object or self._load_xsk_only()
            user.set_upcall(slow_path.upcall_pointer, slow_path.pointer)
            user.start()
            undo.pop_all()
        engine = "afxdp" if kernel is None else "xdp"
        return BridgeParts(program, compiled, engine, reason, on_reject, user, kernel, loaded, slow_path)

    def _choose(self, compiled: CompiledProgram, datapath: str) -> tuple[XdpObject | None, str]:
        """Return the XDP object to use, or None and why there is none."""
        if datapath == "afxdp":
            return None, ""
        try:
            return self._load(compiled), ""
        except LoadError as error:
            if datapath == "xdp":
                raise
            return None, str(error)

    def _load(self, compiled: CompiledProgram) -> XdpObject:
        from datapath.xdp.loader import load

        digest = hashlib.sha256(compiled.c_source.encode()).hexdigest()
        if digest in self._refusals:
            raise self._refusals[digest]
        if digest not in self._objects:
            try:
                self._objects[digest] = load(compiled.c_source, compiled.layout)
            except LoadError as error:
                self._refusals[digest] = error
                raise
        return self._objects[digest]

    def _load_xsk_only(self) -> XskOnly:
        from datapath.xdp.loader import load_xsk_only

        if self._xsk_only is None:
            self._xsk_only = load_xsk_only()
        return self._xsk_only

    def close(self) -> None:
        """Unload the programs; every bridge is closed before."""
        for loaded in (*self._objects.values(), self._xsk_only):
            if loaded is not None:
                loaded.close()
        self._objects.clear()
        self._xsk_only = None


def attach_port(parts: BridgeParts, interface: str, port: int, ifindex: int) -> None:
    """Make an interface a port of the engines, or of none of them.

    The program is attached last: from then on packets come in.

    Raises:
        SwitchError: An engine refuses it.
        LoadError: The interface cannot have an XDP program.
    """
    with contextlib.ExitStack() as undo:
        parts.user.add_port(port, interface)
        undo.callback(parts.user.del_port, port)
        parts.program.xsk_register(ifindex, parts.user.xsk_fd(port))
        undo.callback(parts.program.xsk_unregister, ifindex)
        if parts.kernel is not None:
            parts.kernel.add_port(port, ifindex)
        else:
            parts.program.attach(ifindex)
        undo.pop_all()


def detach_port(parts: BridgeParts, port: int, ifindex: int) -> None:
    """Take a port away from the engines; its interface may be gone already."""
    if parts.kernel is not None:
        parts.kernel.del_port(port)
    else:
        parts.program.detach(ifindex)
    parts.program.xsk_unregister(ifindex)
    with contextlib.suppress(SwitchError):
        parts.user.del_port(port)
