"""All bridges of one network and the interfaces between them.

``requests.py`` calls it; each bridge's work is in ``bridge.py``.  Interfaces are looked after here, because the kernel
reports on them for the whole namespace.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from datapath.errors import SwitchError
from datapath.openflow.match_text import N_PORTS
from datapath.vswitchd.bridge import Bridge, Port
from datapath.vswitchd.engines import Engines
from datapath.vswitchd.links import LinkWatch, is_up, set_up

_N_BRIDGES = 1024  # XDP_N_BRIDGES of xdp/maps.h


class Switch:
    """The state of a ``vswitchd``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.links = LinkWatch()
        self._bridges: dict[str, Bridge] = {}
        self._engines = Engines()

    def bridge(self, name: str) -> Bridge:
        """Return a bridge.

        Raises:
            SwitchError: There is none of that name.
        """
        if name not in self._bridges:
            known = ", ".join(self._bridges) or "none yet"
            raise SwitchError(f"no bridge {name!r} in network {self.name} (bridges: {known})")
        return self._bridges[name]

    def show(self) -> dict[str, Any]:
        """Describe the network."""
        return {"name": self.name, "pid": os.getpid(), "bridges": {n: b.show() for n, b in self._bridges.items()}}

    # ------------------------------------------------------------------------------------------------ bridges
    def add_bridge(
        self,
        name: str,
        program: str,
        datapath: str,
        on_reject: str,
        include_dirs: Sequence[str],
        defines: Mapping[str, str],
    ) -> dict[str, str]:
        """Compile a program, load it into the engines and make a bridge of it."""
        if name in self._bridges:
            raise SwitchError(f"bridge {name!r} is there already")
        if not name or any(c.isspace() for c in name):
            raise SwitchError(f"bad bridge name {name!r}: not empty, without blanks")
        for value, legal in ((datapath, ("auto", "xdp", "afxdp")), (on_reject, ("drop", "continue"))):
            if value not in legal:
                raise SwitchError(f"{value!r} is none of {', '.join(legal)}")
        number = self._free_number()
        parts = self._engines.open_bridge(number, program, datapath, on_reject, include_dirs, defines)
        self._bridges[name] = Bridge(name, number, parts)
        return {"engine": parts.engine, "reason": parts.reason}

    def _free_number(self) -> int:
        used = {bridge.number for bridge in self._bridges.values()}
        free = next((n for n in range(_N_BRIDGES) if n not in used), None)
        if free is None:
            raise SwitchError(f"network {self.name} has {_N_BRIDGES} bridges, the most there can be")
        return free

    def del_bridge(self, name: str) -> None:
        """Remove a bridge and its ports."""
        self.bridge(name).close()
        del self._bridges[name]

    # ------------------------------------------------------------------------------------------------ ports
    def add_port(self, bridge_name: str, interface: str, port: int) -> None:
        """Attach an interface to a bridge, and set it up."""
        bridge = self.bridge(bridge_name)
        if not 0 < port < N_PORTS:
            raise SwitchError(f"port {port} of {bridge_name}: a port number is 1 to {N_PORTS - 1}")
        for other in self._bridges.values():
            if interface in other.ports:
                raise SwitchError(f"{interface} is port {other.ports[interface].number} of bridge {other.name} already")
        for taken in bridge.ports.values():
            if taken.number == port:
                raise SwitchError(f"port {port} of {bridge_name} is {taken.interface} already")
        try:
            ifindex = socket.if_nametoindex(interface)
            set_up(interface)
        except OSError as error:
            raise SwitchError(
                f"no interface {interface} in the network's fabric namespace ({error.strerror}): "
                f"create it in /proc/{os.getpid()}/ns/net first"
            ) from error
        bridge.add_port(Port(interface, port, ifindex, bool(is_up(ifindex))))

    def del_port(self, bridge_name: str, interface: str) -> None:
        """Detach an interface from a bridge."""
        bridge = self.bridge(bridge_name)
        if interface not in bridge.ports:
            known = ", ".join(bridge.ports) or "none"
            raise SwitchError(f"{interface} is no port of {bridge_name} (ports: {known})")
        bridge.del_port(interface)

    def follow_links(self) -> None:
        """React to what the kernel reports: a port went up or down, or its interface is gone."""
        changed = self.links.read_changed()
        for bridge in self._bridges.values():
            for port in list(bridge.ports.values()):
                if changed is not None and port.ifindex not in changed:
                    continue
                state = is_up(port.ifindex)
                if state is None:  # deleted, or moved to another namespace
                    bridge.del_port(port.interface)
                else:
                    bridge.set_link(port.interface, state)

    # ------------------------------------------------------------------------------------------------ time
    def tick(self) -> None:
        """Let every bridge look after timeouts and counters; once a second."""
        for bridge in self._bridges.values():
            bridge.tick()

    def shut_down(self) -> None:
        """Stop all engines at the end of the process; nothing works any more after that.

        Side by side, because the kernel takes its time to close an AF_XDP socket.
        """
        threads = [threading.Thread(target=bridge.shut_down) for bridge in self._bridges.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
