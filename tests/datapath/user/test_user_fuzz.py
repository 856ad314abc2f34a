"""Random packets, flows and actions through the engine, with the address and undefined-behaviour sanitizers on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from veth_wires import ETH_IPV4

from datapath.build import RUNTIME_DIR, build_program, c_string

HERE = Path(__file__).parent
PROGRAMS = Path(__file__).parents[3] / "datapath" / "programs"
SANITIZE = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
COUNT = 20_000


def c_source(program: str) -> str:
    if program == "eth_ipv4":
        return ETH_IPV4.read_text()
    from datapath.compiler import compile_program

    return compile_program(str(PROGRAMS / f"{program}.p4")).c_source


@pytest.mark.parametrize("program", ["eth_ipv4", "l2l3", "shim"])
@pytest.mark.parametrize("seed", [1, 2])
def test_fuzz(program: str, seed: int) -> None:
    binary = build_program(
        "fuzz",
        [HERE / "fuzz.c"],
        texts={"program.c": c_source(program)},
        include_dirs=[RUNTIME_DIR, RUNTIME_DIR.parent / "user"],
        libs=["xdp", "bpf"],
        defines={"PROGRAM_FILE": c_string("program.c")},
        flags=SANITIZE,
    )
    done = subprocess.run([binary, str(seed), str(COUNT)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    figures = re.match(r"(\d+) hits, (\d+) misses, (\d+) flows", done.stdout)
    assert figures, done.stdout
    hits, misses, flows = map(int, figures.groups())
    assert min(hits, misses) > COUNT // 40  # else most code was not reached
    assert flows > 10
