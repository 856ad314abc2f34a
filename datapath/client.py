"""The management client: one call a method of a running ``vswitchd``, over its abstract Unix socket.

Used by the testbed, the plugin and the command line (``cli/switch.py``).  What the switch refuses is raised here as the
class of ``errors.py`` that it was there.

A network's socket is ``@ovsp4/<name>`` in the network namespace that started it; where that name is taken by another
run of the same topology, ``@ovsp4/<name>.<pid>``.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from datapath import errors
from datapath.errors import OvsP4Error, SwitchError

SOCKET_PREFIX = "ovsp4/"
_TIMEOUT_S = 180.0  # of one request; compiling a large program with a cold cache is the slowest (twice: gcc, BCC)
_PROGRAMS = Path(__file__).parent / "programs"

Json = dict[str, Any]


def running_networks() -> list[str]:
    """Return the names of the networks whose ``vswitchd`` listens in this network namespace."""
    names = set()
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split(None, 7)  # address, references, protocol, flags, type, state, inode, path
        listens = len(fields) == 8 and int(fields[3], 16) & 0x10000  # __SO_ACCEPTCON, include/linux/net.h
        if listens and fields[7].startswith("@" + SOCKET_PREFIX):
            names.add(fields[7].removeprefix("@" + SOCKET_PREFIX))
    return sorted(names)


def choose_network(name: str | None) -> str:
    """Return the full name of a running network.

    Args:
        name: As given when it was started, or None for the only one that runs.

    Raises:
        SwitchError: There is none, or the name fits several.
    """
    running = running_networks()
    if name is not None:
        fitting = [n for n in running if name and name in (n, n.rpartition(".")[0])]
        if name in fitting or len(fitting) == 1:
            return name if name in fitting else fitting[0]
        if not fitting:
            known = f"running: {', '.join(running)}" if running else "none runs here"
            raise SwitchError(f"no network '{name}' is running ({known})")
        raise SwitchError(f"several networks {name} are running: {', '.join(fitting)}; name one of them")
    if not running:
        raise SwitchError("no network is running here: start one, as by ovsp4 up leaf-spine")
    if len(running) > 1:
        raise SwitchError(f"several networks are running: {', '.join(running)}; choose one by --network NAME")
    return running[0]


def find_program(program: str | os.PathLike[str]) -> str:
    """Return the absolute path of a P4 program given by path or by the name of one that ships.

    Raises:
        SwitchError: There is no such file.
    """
    given = Path(program)
    for path in (given, _PROGRAMS / given, _PROGRAMS / f"{given}.p4"):
        if path.is_file():
            return str(path.absolute())
    shipped = ", ".join(sorted(path.stem for path in _PROGRAMS.glob("*.p4")))
    raise SwitchError(f"no P4 program {program}: neither a file nor one that ships ({shipped})")


class Client:
    """A connection to the ``vswitchd`` of one network; it is made at the first call, and may be used by any thread."""

    def __init__(self, name: str | None = None) -> None:
        """Name the network.

        Args:
            name: As given when it was started, or None for the only one that runs.
        """
        self.name = name
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._replies: Any = None
        self._last_id = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; a later call makes a new one."""
        if self._socket is not None:
            self._replies.close()
            self._socket.close()
            self._socket = None

    # ------------------------------------------------------------------------------------------------ bridges, ports
    def show(self) -> Json:
        """Return bridges, the engine in use and why, ports, program."""
        return dict(self._ask("show"))

    def add_bridge(
        self,
        bridge: str,
        program: str | os.PathLike[str],
        datapath: str = "auto",
        on_reject: str = "drop",
        include_dirs: Sequence[str | os.PathLike[str]] = (),
        defines: Mapping[str, str] | None = None,
    ) -> Json:
        """Add a bridge.

        Args:
            bridge: Its name.
            program: Path of a P4 program, or the name of one that ships.
            datapath: "xdp", "afxdp", or "auto": the first, and the second if the kernel refuses the parser.
            on_reject: "drop" packets that the parser rejects, or "continue" with ``parser_error`` to match on.
            include_dirs: Where the preprocessor looks.
            defines: Its macros.

        Returns:
            ``{"engine": "xdp" or "afxdp", "reason": why not the first choice}``.
        """
        answer = self._ask(
            "add_bridge",
            bridge=bridge,
            program=find_program(program),
            datapath=datapath,
            on_reject=on_reject,
            include_dirs=[str(Path(d).absolute()) for d in include_dirs],
            defines=dict(defines or {}),
        )
        return dict(answer)

    def del_bridge(self, bridge: str) -> None:
        """Remove a bridge; its interfaces stay."""
        self._ask("del_bridge", bridge=bridge)

    def add_port(self, bridge: str, interface: str, port: int) -> None:
        """Attach an interface of the fabric namespace to a bridge, and set it up."""
        self._ask("add_port", bridge=bridge, interface=interface, port=port)

    def del_port(self, bridge: str, interface: str) -> None:
        """Detach an interface from a bridge."""
        self._ask("del_port", bridge=bridge, interface=interface)

    # ------------------------------------------------------------------------------------------------ flows, groups
    def add_flows(self, bridge: str, texts: Sequence[str]) -> None:
        """Add flows, all or none; when this returns, no packet is forwarded by the old tables any more."""
        self._ask("add_flows", bridge=bridge, texts=list(texts))

    def del_flows(self, bridge: str, text: str = "", strict: bool = False) -> int:
        """Remove the flows that a filter selects (all by default); return how many."""
        return int(self._ask("del_flows", bridge=bridge, text=text, strict=strict))

    def dump_flows(self, bridge: str, text: str = "") -> list[Json]:
        """Return the flows that a filter selects, with their counters."""
        return list(self._ask("dump_flows", bridge=bridge, text=text))

    def add_groups(self, bridge: str, texts: Sequence[str]) -> None:
        """Add groups, or replace those of the same number; all or none."""
        self._ask("add_groups", bridge=bridge, texts=list(texts))

    def del_groups(self, bridge: str, text: str = "") -> int:
        """Remove groups (``group_id=N``; all by default); return how many."""
        return int(self._ask("del_groups", bridge=bridge, text=text))

    def dump_groups(self, bridge: str) -> list[Json]:
        """Return the groups."""
        return list(self._ask("dump_groups", bridge=bridge))

    # ------------------------------------------------------------------------------------------------ looking inside
    # ------------------------------------------------------------------------------------------------ value sets
    def value_set_add(self, bridge: str, name: str, entries: Sequence[str]) -> None:
        """Add entries to a value set of a bridge's parser, all or none; those that are there already stay.

        Args:
            bridge: Its name.
            name: The set's, as the program declares it; one of a sub-parser is called ``instance.set``.
            entries: ``0x800``, ``0x800/0xff00``, ``80..90``, ``_``; with commas between the fields of a struct.
        """
        self._ask("value_set_add", bridge=bridge, name=name, entries=list(entries))

    def value_set_del(self, bridge: str, name: str, entries: Sequence[str] = ()) -> int:
        """Remove entries (all by default); return how many."""
        return int(self._ask("value_set_del", bridge=bridge, name=name, entries=list(entries)))

    def value_set_dump(self, bridge: str, name: str = "") -> list[Json]:
        """Return one value set, or all: ``{"name", "size", "keys", "entries"}``."""
        return list(self._ask("value_set_dump", bridge=bridge, name=name))

    def dump_megaflows(self, bridge: str) -> list[Json]:
        """Return the megaflows that are installed now, with their counters."""
        return list(self._ask("dump_megaflows", bridge=bridge))

    def trace(self, bridge: str, packet: bytes, in_port: int) -> Json:
        """Return what the switch would do with a packet, step by step; nothing is sent, nothing is counted."""
        return dict(self._ask("trace", bridge=bridge, packet=packet.hex(), in_port=in_port))

    def stats(self, bridge: str) -> Json:
        """Return counters: ports, drops by reason, parser errors, megaflows, upcalls."""
        return dict(self._ask("stats", bridge=bridge))

    # ------------------------------------------------------------------------------------------------ the wire
    def _ask(self, method: str, **params: Any) -> Any:
        """Send one request and return its result.

        Raises:
            OvsP4Error: The class that the switch raised.
            SwitchError: The switch cannot be reached.
        """
        with self._lock:
            self._last_id += 1
            line = json.dumps({"id": self._last_id, "method": method, "params": params}) + "\n"
            try:
                if self._socket is None:
                    self._connect()
                assert self._socket is not None
                self._socket.sendall(line.encode())
                reply_line = self._replies.readline()
            except OSError as error:
                self.close()
                raise SwitchError(f"vswitchd of network {self.name or ''} does not answer: {error}") from error
            except BaseException:  # Ctrl-C: the reply will come, and must not be taken for the next request's
                self.close()
                raise
            if not reply_line:
                self.close()
                raise SwitchError(f"vswitchd of network {self.name or ''} went away during {method}")
            reply = json.loads(reply_line)
        assert reply["id"] in (None, self._last_id)
        if "error" in reply:
            raise as_exception(reply["error"])
        return reply["result"]

    def _connect(self) -> None:
        name = choose_network(self.name)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_TIMEOUT_S)
        try:
            connection.connect(f"\0{SOCKET_PREFIX}{name}")
        except OSError:
            connection.close()
            raise
        self._socket, self._replies = connection, connection.makefile("rb")


def as_exception(error: Json) -> OvsP4Error:
    """Return an exception of the class that the switch raised, with its message."""
    kind = getattr(errors, error["kind"], SwitchError)
    if not (isinstance(kind, type) and issubclass(kind, OvsP4Error)):
        kind = SwitchError
    exception = kind.__new__(kind)  # constructors differ, and the message is complete already
    Exception.__init__(exception, error["message"])
    if isinstance(exception, errors.NotSupportedError):
        exception.feature, _, exception.remedy = error["message"].partition(": ")
    elif isinstance(exception, errors.P4Errors):
        exception.diagnostics = ()  # they stay where the compiler ran; the message has all of them
    elif isinstance(exception, errors.FlowError):
        exception.column = 1
    return exception
