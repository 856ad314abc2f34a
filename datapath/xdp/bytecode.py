"""Compiles XDP programs with BCC into byte code that is kept in the cache.

BCC (clang) takes half a second and a hundred megabytes a program, the kernel's verifier a tenth of a second: so what
BCC makes is stored as instructions and a list of maps, and a warm start never runs it.  It runs in a process of its own
(``run_bcc.py``), which it may end as it likes.  Used by ``loader.py``.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import platform
import re
import signal
import struct
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datapath.cache import cache_dir, write_atomically
from datapath.errors import LoadError, NotSupportedError
from datapath.xdp.headers import find_headers

FORMAT = 1  # of the files in the cache
MAX_INSTRUCTIONS = 32767  # how far a jump reaches (struct bpf_insn); clang before 17 does not notice one too far
LOG_LINES = 12  # of a log that go into an error
COMPILE_TIMEOUT_S = 120
LOAD_IMMEDIATE_64 = 0x18  # BPF_LD | BPF_IMM | BPF_DW; a map where the source register says so
PSEUDO_MAP_FD = 1
MAPS_OF_MAPS = (12, 13)  # array, hash
INSTRUCTION = struct.Struct("<BBhi")
HINT = "  hint: a smaller parser may fit; AF_XDP runs any (--datapath=afxdp, or auto)"


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
        return len(self.instructions) // INSTRUCTION.size

    def linked(self, map_fds: dict[str, int]) -> bytes:
        """Return the instructions with the maps' file descriptors filled in."""
        linked = bytearray(self.instructions)
        for index, name in self.references:
            struct.pack_into("<i", linked, index * INSTRUCTION.size + 4, map_fds[name])
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
    write_atomically(path, to_json(bytecode).encode())
    return bytecode


def to_json(bytecode: Bytecode) -> str:
    """Return the text that ``compile_bytecode`` keeps."""
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
    """Run BCC in a child process; turn what it says, or its death, into our errors."""
    package_root = str(Path(__file__).resolve().parents[2])
    python_path = os.pathsep.join(p for p in (package_root, os.environ.get("PYTHONPATH", "")) if p)
    environment = {**os.environ, "BCC_KERNEL_SOURCE": str(find_headers()), "PYTHONPATH": python_path}
    command = [sys.executable, "-m", "datapath.xdp.run_bcc", name]
    try:
        done = subprocess.run(
            command, input=text.encode(), env=environment, capture_output=True, timeout=COMPILE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"compiling the XDP program took BCC more than {COMPILE_TIMEOUT_S} s\n{HINT}") from error
    said = done.stderr.decode(errors="replace")
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        end = _end(done.returncode)
        message = f"LLVM cannot translate the XDP program and ended BCC ({end})\n{last_lines([said])}\n{HINT}"
        raise LoadError(message) from None
    _raise_errors(answer, said)
    sys.stderr.write(said)  # warnings
    bytecode = _from_json(done.stdout.decode())
    if bytecode.n_instructions > MAX_INSTRUCTIONS:
        n = f"{bytecode.n_instructions:,}"
        raise LoadError(f"the XDP program has {n} instructions, and jumps reach {MAX_INSTRUCTIONS:,}\n{HINT}")
    return bytecode


def _raise_errors(answer: dict[str, Any], said: str) -> None:
    """Raise what ``run_bcc`` reports, if it is no byte code."""
    if "missing" in answer:
        raise NotSupportedError(
            "BCC (Python module bcc)", "apt-get install python3-bpfcc, and use a venv with --system-site-packages"
        )
    if "error" not in answer:
        return
    if "permi" in answer["error"] + said and os.geteuid():
        raise NotSupportedError("compiling XDP programs with BCC", "needs root (CAP_BPF): it makes maps")
    raise LoadError(f"BCC cannot compile the XDP program: {answer['error']}\n{last_lines([said])}")


def _end(status: int) -> str:
    """Say how a process ended that should not have."""
    return f"exit status {status}" if status >= 0 else signal.Signals(-status).name


def last_lines(log: list[str]) -> str:
    """Return the last lines of a log that say something: not the source lines that the verifier quotes."""
    lines = [line for line in "".join(log).splitlines() if line.strip() and not re.match(r"\s*; ", line)]
    return "\n".join(lines[-LOG_LINES:])
