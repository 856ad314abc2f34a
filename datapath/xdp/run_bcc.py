"""Compiles one program with BCC, in a process of its own: ``python -m datapath.xdp.run_bcc FUNCTION < TEXT``.

Started by ``bytecode.py``.  LLVM ends the process it runs in when it meets what it cannot translate (it writes a
message and calls ``exit``), and it may crash: neither must happen to a switch.  The answer is one line of JSON on
standard output; all else that BCC says goes to standard error.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import Any

from datapath.xdp.bytecode import (
    INSTRUCTION,
    LOAD_IMMEDIATE_64,
    MAPS_OF_MAPS,
    PSEUDO_MAP_FD,
    Bytecode,
    MapSpec,
    to_json,
)

CFLAGS = ["-Wno-macro-redefined"]


def main(name: str) -> None:
    """Compile what stands on standard input; answer with the byte code, or with BCC's exception."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # BCC writes to standard output too
    try:
        from bcc import BPF, lib
    except ImportError:
        answer.write(json.dumps({"missing": True}))
        answer.close()
        return
    try:
        bpf = BPF(text=sys.stdin.buffer.read(), cflags=CFLAGS)
    except Exception as error:  # BCC raises the bare class
        answer.write(json.dumps({"error": str(error)}))
    else:
        maps, names = _maps(bpf, lib)
        code: bytes = bpf.dump_func(name.encode())
        answer.write(to_json(Bytecode(name, code, maps, _references(code, names))))
    answer.close()


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
    numbers = (spec.type, spec.key_size, spec.value_size, spec.max_entries, spec.flags)
    return MapSpec(spec.name, *numbers, inner=template)


def _references(code: bytes, names: dict[int, str]) -> tuple[tuple[int, str], ...]:
    """Find the instructions that load a map."""
    found = []
    for index, (opcode, registers, _, immediate) in enumerate(INSTRUCTION.iter_unpack(code)):
        if opcode == LOAD_IMMEDIATE_64 and registers >> 4 == PSEUDO_MAP_FD:
            found.append((index, names[immediate]))
    return tuple(found)


if __name__ == "__main__":
    main(sys.argv[1])
