"""Recomputes the checksums that a P4 program declares over its own headers, from the headers as they stand in a packet.

``checksums.py`` knows the Internet's protocols; this knows whatever the program's parser extracts.  Left out are sums
over the payload, over constants (a pseudo-header's) and over headers of varying length, and packets that the parser
rejects.  The reference model parses, so this shares nothing with the switch's incremental updates.  Used by the
plugin's ``packet_checksums``.

Source: RFC 1071.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from datapath import interpret_packet
from testbed.checksums import ChecksumResult, internet_checksum

if TYPE_CHECKING:
    from datapath import CompiledProgram, ParseOutcome

_WORD_BITS = 16


def check_declared(compiled: CompiledProgram, packet: bytes) -> list[ChecksumResult]:
    """Return every checksum of the program's that the packet has, recomputed.

    Args:
        compiled: the program of the switches.
        packet: a frame.
    """
    outcome = interpret_packet(compiled.program, packet)
    if outcome.verdict == "reject":
        return []
    results = []
    for checksum in compiled.program.checksums:
        parts = [(part.header, part.field, part.offset_bits, part.width_bits) for part in checksum.covered]
        own = outcome.headers.get(checksum.header)
        if own is None or checksum.with_payload or not all(field for _, field, _, _ in parts):
            continue
        found = own.fields[checksum.field]
        expected = _sum(outcome, parts)
        if expected is None or (checksum.zero_is_none and found == 0):
            continue
        if checksum.zero_is_none and expected == 0:
            expected = 0xFFFF
        results.append(ChecksumResult(f"{checksum.header}.{checksum.field}", found, expected))
    return results


def _sum(outcome: ParseOutcome, parts: list[tuple[str, str, int, int]]) -> int | None:
    """Return the Internet checksum of (header, field, offset, width) parts; None if a header's length varies.

    A header that is not there adds nothing.
    """
    end = max((offset + width for _, _, offset, width in parts), default=0)
    size_bits = end + -end % _WORD_BITS
    summed = 0
    for path, field, offset, width in parts:
        header = outcome.headers.get(path)
        if header is not None and header.varbit_bits:
            return None
        if header is not None:
            summed |= header.fields[field] << (size_bits - offset - width)
    return internet_checksum(summed.to_bytes(size_bits // 8, "big"))
