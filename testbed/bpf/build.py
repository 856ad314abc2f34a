"""Compiles the BPF C files of this directory with BCC, and keeps the bytecode in the cache.

BCC runs in a process of its own: it brings all of LLVM with it, which neither pytest nor the benchmark should carry.
A warm build reads one small file.  Read by ``generator.py``, ``measure.py``, ``doctor.py`` and ``bench/``.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datapath import LoadError, NotSupportedError, cache_dir, find_headers
from testbed.bpf.syscall import MapSpec, ProgramSpec

SOURCE_DIR = Path(__file__).parent
COMPILE_TIMEOUT_S = 60


def compile_bpf(function: str, source: str, defines: Mapping[str, str] | None = None) -> ProgramSpec:
    """Compile one XDP function, or find it in the cache.

    Args:
        function: The function's name.
        source: File name beside this module: "generator.c".
        defines: Macros.

    Returns:
        The program, ready to be loaded as often as wanted.

    Raises:
        NotSupportedError: BCC or kernel headers are missing.
        LoadError: The compiler refused it; carries its message.
    """
    flags = [f"-D{key}={value}" for key, value in sorted((defines or {}).items())]
    return compile_text(function, (SOURCE_DIR / source).read_text(), flags)


def compile_text(function: str, text: str, flags: Sequence[str] = ()) -> ProgramSpec:
    """Compile one XDP function of a text; otherwise as ``compile_bpf``."""
    key = json.dumps([2, function, text, list(flags), platform.release(), platform.machine(), _bcc_version()])
    path = cache_dir() / "testbed" / f"{function}-{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
    if not path.exists():
        _write(path, _compile(function, text, flags))
    return _from_json(json.loads(path.read_text()))


def _compile(function: str, text: str, flags: Sequence[str]) -> str:
    """Run this module as a program, which prints the result as JSON."""
    environment = {**os.environ, "BCC_KERNEL_SOURCE": str(find_headers()), "PYTHONPATH": str(SOURCE_DIR.parents[1])}
    command = [sys.executable, "-m", "testbed.bpf.build", function, *flags]
    try:
        done = subprocess.run(
            command, input=text, env=environment, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"compiling {function} took more than {COMPILE_TIMEOUT_S} s") from error
    if "No module named 'bcc'" in done.stderr:
        raise NotSupportedError("BCC", "install python3-bpfcc, and use a venv made with --system-site-packages")
    if done.returncode:
        raise LoadError(f"BCC cannot compile {function}:\n{done.stderr.strip()[-2000:]}")
    return done.stdout


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    scratch.write_text(text)
    scratch.replace(path)


def _from_json(found: dict[str, Any]) -> ProgramSpec:
    maps = tuple(MapSpec(**m) for m in found["maps"])
    return ProgramSpec(found["name"], bytes.fromhex(found["bytecode"]), maps, found["compiler"])


def _bcc_version() -> str:
    """Identify the installed BCC without loading it."""
    for directory in sys.path:
        init = Path(directory) / "bcc" / "version.py"
        if init.exists():
            return init.read_text()
    return ""


# ------------------------------------------------------------------------------------------- in the child process
def main(function: str, flags: list[str]) -> None:
    """Compile standard input by BCC and print the program as JSON, with map descriptors replaced by indexes."""
    import bcc  # type: ignore[import-untyped,unused-ignore]

    module = bcc.BPF(text=sys.stdin.read(), cflags=flags)
    module.load_func(function, bcc.BPF.XDP)
    specs, index_of = _maps(bcc, module)
    code = bytearray(module.dump_func(function))
    for at in range(0, len(code), 8):
        if code[at] == 0x18 and code[at + 1] >> 4 == 1:  # ld_imm64 of a map's descriptor
            fd = int.from_bytes(code[at + 4 : at + 8], "little")
            code[at + 4 : at + 8] = index_of[fd].to_bytes(4, "little")
    compiler = f"bcc {getattr(bcc, '__version__', 'unknown')}"
    print(json.dumps({"name": function, "bytecode": code.hex(), "maps": specs, "compiler": compiler}))


def _maps(bcc: Any, module: Any) -> tuple[list[dict[str, Any]], dict[int, int]]:
    """Return the maps of a module, and each one's index by its descriptor."""
    lib = bcc.lib
    specs: list[dict[str, Any]] = []
    index_of: dict[int, int] = {}
    _declare(lib)
    for i in range(lib.bpf_num_tables(module.module)):
        name = lib.bpf_table_name(module.module, i).decode()
        specs.append(
            {
                "name": name,
                "kind": lib.bpf_table_type_id(module.module, i),
                "key_size": lib.bpf_table_key_size_id(module.module, i),
                "value_size": lib.bpf_table_leaf_size_id(module.module, i),
                "max_entries": lib.bpf_table_max_entries_id(module.module, i),
                "flags": lib.bpf_table_flags_id(module.module, i),
            }
        )
        index_of[lib.bpf_table_fd(module.module, name.encode())] = i
    return specs, index_of


def _declare(lib: Any) -> None:
    """Give ctypes the signatures of libbcc that the bcc module leaves out."""
    lib.bpf_num_tables.restype = ctypes.c_size_t
    lib.bpf_num_tables.argtypes = [ctypes.c_void_p]
    lib.bpf_table_name.restype = ctypes.c_char_p
    for function in (lib.bpf_table_name, lib.bpf_table_key_size_id, lib.bpf_table_leaf_size_id):
        function.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
