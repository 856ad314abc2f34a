"""Arithmetic on wide numbers: products, quotients, saturation and run-time shifts, against the reference model."""

from __future__ import annotations

import os
import random

import pytest
from differential import check_engine, check_passes

from datapath.compiler import compile_program

UNSIGNED = ("a * b", "a / b", "a % b", "a |+| b", "a |-| b", "a << n", "a >> n", "a << b", "a >> b")
SIGNED = ("a * b", "a |+| b", "a |-| b", "a << n", "a >> n")


def source(width, kind, operators):
    fields = "".join(f" {kind}<{width}> r{i};" for i in range(len(operators)))
    steps = "".join(
        f" m.r{i} = {op.replace('a ', 'h.h.a ').replace(' b', ' h.h.b').replace(' n', ' h.h.n')};"
        for i, op in enumerate(operators)
    )
    return f"""
#include <core.p4>
header h_t {{ {kind}<{width}> a; {kind}<{width}> b; bit<9> n; bit<{-(2 * width + 9) % 8 or 8}> pad; }}
struct headers_t {{ h_t h; }}
struct metadata_t {{{fields} }}
parser P(packet_in packet, out headers_t h, out metadata_t m) {{
    state start {{ packet.extract(h.h);{steps} transition accept; }}
}}
"""


def packets(width):
    rng = random.Random(width)
    full = (1 << width) - 1
    ends = (0, 1, 2, full, full >> 1, (full >> 1) + 1, 1 << 63 & full, (1 << 64) - 1 & full, 1 << width // 2)
    n_bits = 2 * width + 9
    for _ in range(200):
        a, b = (rng.choice((rng.choice(ends), rng.getrandbits(rng.randrange(1, width + 1)))) for _ in range(2))
        n = rng.choice((0, 1, 63, 64, 65, width - 1, width, 511, rng.randrange(512)))
        bits = ((a << width | b) << 9 | min(n, 511)) << (-n_bits % 8 or 8)
        yield bits.to_bytes((n_bits + (-n_bits % 8 or 8)) // 8, "big")


@pytest.fixture(params=[(64, "int"), (65, "bit"), (100, "int"), (128, "bit"), (200, "bit"), (256, "int")], ids=str)
def case(request, tmp_path):
    width, kind = request.param
    path = tmp_path / "wide.p4"
    path.write_text(source(width, kind, UNSIGNED if kind == "bit" else SIGNED))
    return compile_program(path), list(packets(width))


def test_native_code_agrees_with_the_reference_model(case):
    compiled, packets = case
    check_passes(compiled.program, packets)
    check_engine(compiled, packets, "user")


@pytest.mark.kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")
def test_kernel_agrees_with_the_reference_model(case):
    compiled, packets = case
    check_engine(compiled, packets, "xdp")
