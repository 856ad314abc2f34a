"""The daemon's loop: management connections, link news, the clock, and the lifeline to whoever started it.

One thread, one request at a time: a request sees the switch between two others and never in the midst of one.
Packets do not come by here.  ``__main__.py`` makes it; ``requests.py`` answers what it reads.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from datapath.client import SOCKET_PREFIX
from datapath.errors import OvsP4Error, SwitchError
from datapath.vswitchd.isolation import peer_uid

TICK_S = 1.0
_SEND_TIMEOUT_S = 5.0  # a client that does not read for so long is cut off
_LINE_MAX = 64 << 20  # bytes of one request

Handler = Callable[[Mapping[str, Any]], Any]


def open_listener(name: str) -> tuple[socket.socket, str]:
    """Listen on the abstract socket of a network, or on one with the process id behind the name if that is taken.

    Returns:
        The socket, and the network's full name.

    Raises:
        SwitchError: The name is unusable.
    """
    if not re.fullmatch(r"[!-.0-~]{1,80}", name):
        raise SwitchError(f"bad network name {name!r}: 1 to 80 printable ASCII characters, no blank, no slash")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listener.bind(f"\0{SOCKET_PREFIX}{name}")
    except OSError:
        name = f"{name}.{os.getpid()}"
        listener.bind(f"\0{SOCKET_PREFIX}{name}")
    listener.listen(16)
    return listener, name


class Server:
    """Runs until the lifeline closes or a signal comes."""

    def __init__(self, listener: socket.socket, handlers: Mapping[str, Handler], lifeline: int | None) -> None:
        """Prepare the loop.

        Args:
            listener: Of the management socket.
            handlers: Method -> what answers it, given the request's parameters.
            lifeline: A pipe; the loop ends when its other end closes.  None: only signals end it.
        """
        self._handlers = handlers
        self._selector = selectors.DefaultSelector()
        self._is_running = True
        self._listener = listener
        self._ticks: list[Callable[[], None]] = []
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        if lifeline is not None:
            self._selector.register(lifeline, selectors.EVENT_READ, self.stop)
        self._catch_signals()

    def _catch_signals(self) -> None:
        """Make SIGTERM and SIGINT end the loop, also while it sleeps."""
        wake_read, wake_write = socket.socketpair()
        wake_read.setblocking(False)
        wake_write.setblocking(False)
        self._wake = (wake_read, wake_write)
        signal.set_wakeup_fd(wake_write.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        self._selector.register(wake_read, selectors.EVENT_READ, lambda: wake_read.recv(4096))

    def stop(self) -> None:
        """End the loop after the request at hand."""
        self._is_running = False

    def watch(self, source: Any, react: Callable[[], Any]) -> None:
        """Call ``react`` whenever ``source`` (a file descriptor or what has one) is readable."""
        self._selector.register(source, selectors.EVENT_READ, react)

    def every_second(self, tick: Callable[[], None]) -> None:
        """Call ``tick`` once a second."""
        self._ticks.append(tick)

    def run(self) -> None:
        """Serve until told to stop."""
        next_tick = time.monotonic() + TICK_S
        while self._is_running:
            for key, _ in self._selector.select(max(0.0, next_tick - time.monotonic())):
                key.data()
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + TICK_S
                for tick in self._ticks:
                    tick()

    # ------------------------------------------------------------------------------------------------ connections
    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        uid = peer_uid(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid not in (0, os.geteuid()):  # whoever may write here rules the network
            connection.close()
            return
        connection.settimeout(_SEND_TIMEOUT_S)
        received = bytearray()
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._receive(connection, received))

    def _receive(self, connection: socket.socket, received: bytearray) -> None:
        try:
            chunk = connection.recv(1 << 20)
            received += chunk
            while chunk and (end := received.find(b"\n")) >= 0:
                line = bytes(received[:end])
                del received[: end + 1]
                connection.sendall(json.dumps(self._answer(line)).encode() + b"\n")
        except OSError:
            chunk = b""
        if not chunk or len(received) > _LINE_MAX:
            self._selector.unregister(connection)
            connection.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        number = None
        try:
            request = json.loads(line)
            if not isinstance(request, dict) or not isinstance(request.get("params", {}), dict):
                raise SwitchError('not a request: one JSON object a line, {"id":…,"method":…,"params":{…}}')
            number = request.get("id")
            handler = self._handlers.get(str(request.get("method")))
            if handler is None:
                raise SwitchError(f"no method {request.get('method')!r}: {', '.join(self._handlers)}")
            return {"id": number, "result": handler(request.get("params", {}))}
        except OvsP4Error as error:
            return {"id": number, "error": {"kind": type(error).__name__, "message": str(error)}}
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            return {"id": number, "error": {"kind": "SwitchError", "message": f"not JSON: {error}"}}
        except Exception as error:  # a bug in one request must not take the other bridges' traffic down
            traceback.print_exc(file=sys.stderr)
            message = f"bug in vswitchd ({type(error).__name__}: {error}); its log has the traceback"
            return {"id": number, "error": {"kind": "SwitchError", "message": message}}
