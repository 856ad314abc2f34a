"""Compiles XDP programs with BCC into byte code that is kept in the cache.

BCC (clang) takes half a second and a hundred megabytes a program, the kernel's verifier a tenth of a second: so what
BCC makes is stored as instructions and a list of maps, and a warm start never imports it.  Used by ``loader.py``.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import hashlib
import json
import os
import platform
import re
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datapath.cache import cache_dir, write_atomically
from datapath.errors import LoadError, NotSupportedError
from datapath.xdp.headers import find_headers

FORMAT = 1  # of the files in the cache
LOG_LINES = 12  # of a log that go into an error
LOAD_IMMEDIATE_64 = 0x18  # BPF_LD | BPF_IMM | BPF_DW; a map where the source register says so
PSEUDO_MAP_FD = 1
MAPS_OF_MAPS = (12, 13)  # array, hash
_INSTRUCTION = struct.Struct("<BBhi")


@dataclass(frozen=True)
class MapSpec:
    """A map as ``bpf(BPF_MAP_CREATE)`` wants it; ``inner`` names the template of a map of maps."""

    name: str
    type: int
    key_size: int
    value_size: int
    max_entries: int
    flags: int
    inner: str = ""


@dataclass(frozen=True)
class Bytecode:
    """One program before it is loaded."""

    name: str
    instructions: bytes
    maps: tuple[MapSpec, ...]  # templates before the maps that name them
    references: tuple[tuple[int, str], ...]  # (instruction, the map that it loads)

    @property
    def n_instructions(self) -> int:
        return len(self.instructions) // _INSTRUCTION.size

    def linked(self, map_fds: dict[str, int]) -> bytes:
        """Return the instructions with the maps' file descriptors filled in."""
        linked = bytearray(self.instructions)
        for index, name in self.references:
            struct.pack_into("<i", linked, index * _INSTRUCTION.size + 4, map_fds[name])
        return bytes(linked)


def compile_bytecode(text: str, name: str) -> Bytecode:
    """Compile a BCC text, or find it in the cache.

    Args:
        text: The whole program.
        name: Its function.

    Raises:
        NotSupportedError: BCC or kernel headers are missing.
        LoadError: The text does not compile; carries the compiler's words.
    """
    digest = hashlib.sha256(f"{FORMAT}\0{platform.machine()}\0{name}\0{text}".encode()).hexdigest()[:24]
    path = cache_dir() / "xdp" / f"{name}-{digest}.json"
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):  # a damaged entry is made again
        return _from_json(path.read_text())
    bytecode = _compile(text, name)
    write_atomically(path, _to_json(bytecode).encode())
    return bytecode


def _to_json(bytecode: Bytecode) -> str:
    data = {**asdict(bytecode), "instructions": base64.b64encode(bytecode.instructions).decode()}
    return json.dumps(data, indent=1)


def _from_json(text: str) -> Bytecode:
    data: dict[str, Any] = json.loads(text)
    return Bytecode(
        name=data["name"],
        instructions=base64.b64decode(data["instructions"], validate=True),
        maps=tuple(MapSpec(**m) for m in data["maps"]),
        references=tuple((index, name) for index, name in data["references"]),
    )


def _compile(text: str, name: str) -> Bytecode:
    """Run BCC, and take out of it what the kernel needs."""
    try:
        from bcc import BPF, lib
    except ImportError as error:
        raise NotSupportedError(
            "BCC (Python module bcc)", "apt-get install python3-bpfcc, and use a venv with --system-site-packages"
        ) from error
    log: list[str] = []
    try:
        with _kernel_source(find_headers()), _captured_stderr(log):
            bpf = BPF(text=text.encode(), cflags=["-Wno-macro-redefined"])
    except NotSupportedError:
        raise
    except Exception as error:  # BCC raises the bare class
        if "permi" in str(error) + "".join(log) and os.geteuid():
            raise NotSupportedError("compiling XDP programs with BCC", "needs root (CAP_BPF): it makes maps") from error
        raise LoadError(f"BCC cannot compile the XDP program: {error}\n{last_lines(log)}") from error
    maps, names = _maps(bpf, lib)
    code: bytes = bpf.dump_func(name.encode())
    bpf.cleanup()
    return Bytecode(name, code, maps, _references(code, names))


def _maps(bpf: Any, lib: Any) -> tuple[tuple[MapSpec, ...], dict[int, str]]:
    """Return the maps of BCC's module, and their names by the file descriptor that its instructions carry."""
    numbers = ("type_id", "key_size_id", "leaf_size_id", "max_entries_id", "flags_id", "fd_id")
    functions = {name: getattr(lib, f"bpf_table_{name}") for name in (*numbers, "name")}
    for function in functions.values():  # BCC declares some of them only, and a pointer is no int
        function.argtypes = [ctypes.c_void_p, ctypes.c_ulonglong]
    lib.bpf_num_tables.argtypes, lib.bpf_num_tables.restype = [ctypes.c_void_p], ctypes.c_size_t
    functions["name"].restype = ctypes.c_char_p
    functions["max_entries_id"].restype = ctypes.c_ulonglong
    specs: list[MapSpec] = []
    names: dict[int, str] = {}
    for i in range(lib.bpf_num_tables(bpf.module)):
        table = {key: function(bpf.module, i) for key, function in functions.items()}
        name = table["name"].decode()
        map_type, key_size, value_size, max_entries, flags = (int(table[key]) for key in numbers[:-1])
        specs.append(MapSpec(name, map_type, key_size, value_size, max_entries, flags))
        names[table["fd_id"]] = name
    specs.sort(key=lambda s: (s.type in MAPS_OF_MAPS, s.name))
    templates = [s.name for s in specs if s.name.endswith("_template")]
    return tuple(_with_template(s, templates) for s in specs), names


def _with_template(spec: MapSpec, templates: list[str]) -> MapSpec:
    """Name the template of a map of maps: it is called after it."""
    if spec.type not in MAPS_OF_MAPS:
        return spec
    template = f"{spec.name}_template"
    assert template in templates
    return MapSpec(**{**asdict(spec), "inner": template})


def _references(code: bytes, names: dict[int, str]) -> tuple[tuple[int, str], ...]:
    """Find the instructions that load a map."""
    found = []
    for index, (opcode, registers, _, immediate) in enumerate(_INSTRUCTION.iter_unpack(code)):
        if opcode == LOAD_IMMEDIATE_64 and registers >> 4 == PSEUDO_MAP_FD:
            found.append((index, names[immediate]))
    return tuple(found)


def last_lines(log: list[str]) -> str:
    """Return the last lines of a log that say something: not the source lines that the verifier quotes."""
    lines = [line for line in "".join(log).splitlines() if line.strip() and not re.match(r"\s*; ", line)]
    return "\n".join(lines[-LOG_LINES:])


@contextlib.contextmanager
def _captured_stderr(log: list[str]) -> Iterator[None]:
    """Take what C code writes to file descriptor 2; append it to ``log`` if there was an error.

    Whatever else of this process was written meanwhile is in it too: without an error all goes where it was meant to.
    """
    with tempfile.TemporaryFile() as file:
        saved = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        except BaseException:
            file.seek(0)
            log.append(file.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
        file.seek(0)
        os.write(2, file.read())


@contextlib.contextmanager
def _kernel_source(directory: Path) -> Iterator[None]:
    """Name the kernel headers to BCC."""
    before = os.environ.get("BCC_KERNEL_SOURCE")
    os.environ["BCC_KERNEL_SOURCE"] = str(directory)
    try:
        yield
    finally:
        if before is None:
            del os.environ["BCC_KERNEL_SOURCE"]
        else:
            os.environ["BCC_KERNEL_SOURCE"] = before
