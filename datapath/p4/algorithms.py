"""The checksum and hash algorithms that a parser may use, by the names that architectures have for them.

Read by ``lower_algorithms.py``, which computes them.

Source: RFC 1071 (Internet checksum); CRC-16/ARC and CRC-32/ISO-HDLC, which BMv2 takes for ``crc16`` and ``crc32``;
Portable Switch Architecture 1.2, section 7.5 (``PSA_HashAlgorithm_t``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Algorithm:
    """``kind``: sum (ones' complement), xor (of words), crc (reflected), identity (the last bits of the data)."""

    kind: str
    width: int  # of the state; 0: as wide as the result
    polynomial: int = 0  # of a crc, lowest power first
    initial: int = 0
    inverted: int = 0  # what the result is the state's exclusive or with

    @property
    def word(self) -> int:
        """Bits that are taken in at once."""
        return {"crc": 8, "identity": 1}.get(self.kind, 16)


INTERNET_SUM = Algorithm("sum", 16, inverted=0xFFFF)
CRC16 = Algorithm("crc", 16, 0xA001)
CRC32 = Algorithm("crc", 32, 0xEDB88320, 0xFFFFFFFF, 0xFFFFFFFF)
# By the members of the architectures' enums, in capitals.  The polynomials of the custom ones are as they start out.
ALGORITHMS = {
    "CRC16": CRC16,
    "CRC16_CUSTOM": CRC16,
    "CRC32": CRC32,
    "CRC32_CUSTOM": CRC32,
    "IDENTITY": Algorithm("identity", 0),
    "ONES_COMPLEMENT16": INTERNET_SUM,
    "CSUM16": INTERNET_SUM,
    "XOR16": Algorithm("xor", 16),
}


def carryless_inverse(value: int, width: int) -> int:
    """Return what ``value`` times it is 1, multiplied without carries, as far as the lowest ``width`` bits go."""
    inverse, product = 0, 0
    for i in range(width):
        if product >> i & 1 != (i == 0):
            inverse |= 1 << i
            product ^= value << i
    return inverse
