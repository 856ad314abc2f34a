"""Checksums that a program declares: found wrong where they are, left alone where they cannot be computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from datapath import CompiledProgram, compile_program, find_program
from testbed.checksums import internet_checksum
from testbed.declared_checksums import check_declared

ETHERNET = bytes(12)
PROGRAM = """
#include <core.p4>
#include <ovsp4.p4>
header link_t { bit<96> ignored; bit<16> carries; }
header tag_t { bit<4> kind; bit<12> zone; @checksum bit<16> sum; bit<8> hops; bit<8> more; }
header whole_t { bit<16> a; @checksum["payload"] bit<16> sum; }
struct headers_t { link_t link; tag_t tag; whole_t whole; }
parser P(packet_in packet, out headers_t hdr) {
    state start {
        packet.extract(hdr.link);
        transition select(hdr.link.carries) { 0x88b5: tag; 0x88b6: whole; default: reject; }
    }
    state tag { packet.extract(hdr.tag); transition select(hdr.tag.hops) { 0: reject; default: accept; } }
    state whole { packet.extract(hdr.whole); transition accept; }
}
Switch(P()) main;
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> CompiledProgram:
    path: Path = tmp_path_factory.mktemp("declared") / "tag.p4"
    path.write_text(PROGRAM)
    return compile_program(path)


def _tag(checksum: int) -> bytes:
    return ETHERNET + bytes.fromhex("88b5 7123") + checksum.to_bytes(2, "big") + bytes.fromhex("0940")


def test_right_and_wrong_sums(program: CompiledProgram) -> None:
    right = internet_checksum(bytes.fromhex("7123 0940"))
    assert [str(result) for result in check_declared(program, _tag(right) + b"payload")] == [
        f"tag.sum checksum 0x{right:04x}: correct"
    ]
    (wrong,) = check_declared(program, _tag(right ^ 1))
    assert (wrong.correct, wrong.expected) == (False, right)


@pytest.mark.parametrize(
    "packet",
    [
        ETHERNET + b"\x88\xb6" + bytes(4) + b"payload",
        ETHERNET + b"\x08\0" + bytes(8),
        ETHERNET + b"\x88\xb5",
        ETHERNET + bytes.fromhex("88b5 7123 0000 0040"),  # rejected behind a header with a wrong sum
    ],
)
def test_nothing_is_said_of_other_packets(program: CompiledProgram, packet: bytes) -> None:
    assert check_declared(program, packet) == []


def test_headers_of_varying_length_are_left_to_those_who_know_them() -> None:
    program = compile_program(find_program("l2l3"))
    header = bytearray.fromhex("4500 0014 0001 0000 40fd 0000 0a000101 0a000402")
    header[10:12] = internet_checksum(bytes(header)).to_bytes(2, "big")
    (plain,) = check_declared(program, ETHERNET + b"\x08\0" + bytes(header))
    assert plain.correct
    header[0], header[2:4] = 0x46, (24).to_bytes(2, "big")
    assert check_declared(program, ETHERNET + b"\x08\0" + bytes(header) + bytes(4)) == []
