"""The flow key of a program: which field stands at which bit; the one description that the control side works from.

Fed by ``passes/``' final program; read by ``codegen/layout_c.py`` (the C struct), the slow path (header and checksum
tables), the field registry of the flow syntax, ``ovsp4 parse`` and ``ovsp4 layout``.  Engines see bytes only.

The key, byte by byte (everything in network order, so a prefix is a byte mask):

    0   in_port        32 bits   OpenFlow port number
    4   parser_error    8 bits   index into ``errors``
    5   (zero)          8 bits
    6   bridge         16 bits   set by the engine, matched exactly by every megaflow, never seen by the user
    8   valid                    a bit a header, header 0 first (most significant bit of byte 8), padded to 8 bytes
    ..  variables                those with ``in_key``; each starts on a byte, as wide as its bits need, right-aligned
    ..  varbit lengths 16 bits   in bits; one for each header with a varbit
    ..  header slots             wire format without the varbit; each starts on a byte (the last byte zero-padded);
                                 headers that no packet has together may share a slot
    padded with zeros to a multiple of 8 bytes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

LAYOUT_VERSION = 1
IN_PORT_OFFSET = 0
PARSER_ERROR_OFFSET = 4
BRIDGE_OFFSET = 6
VALID_OFFSET = 8


@dataclass(frozen=True)
class KeyField:
    """A matchable field."""

    path: str  # "ipv4.dstAddr", "meta.vrf", "in_port", "ethernet.$valid", "ipv4.options.$length"
    offset_bits: int  # in the key
    width_bits: int
    header: str = ""  # the header that must be valid for the field to mean anything, else ""
    header_offset_bits: int = 0  # in that header
    signed: bool = False


@dataclass(frozen=True)
class KeyHeader:
    """A header instance as the engines know it."""

    path: str
    type_name: str
    header_id: int  # index into hdr_off, and the bit in ``valid``
    key_offset: int  # bytes
    size: int  # bytes, rounded up, without the varbit
    width_bits: int
    emit_index: int  # place in the deparser's order
    varbit_field: str = ""
    varbit_header_offset_bits: int = 0  # where in the header the varbit starts


@dataclass(frozen=True)
class KeyChecksum:
    """A declared checksum; ``cover_mask`` (hex, key_size bytes) has a one for each key bit that it sums.

    ``swapped`` lists the headers whose bytes stand in the sum at the other parity than they do in the header.
    ``cover_masks`` is ``cover_mask`` header by header, (path, hex): where headers share a slot, a bit of the key alone
    does not say whether it is summed, so ask for the header that is changed.  A checksum that sums a header at both
    parities (TCP does so with IPv6's nextHdr) is listed twice, with disjoint masks.
    """

    header: str
    field: str
    header_id: int
    header_offset: int  # bytes, of the checksum in its header
    cover_mask: str
    swapped: tuple[str, ...] = ()
    with_payload: bool = False
    zero_is_none: bool = False
    cover_masks: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class KeyLayout:
    version: int
    program: str
    key_size: int  # bytes, a multiple of 8
    headers: tuple[KeyHeader, ...]
    fields: tuple[KeyField, ...]  # built-in ones first, then in key order
    checksums: tuple[KeyChecksum, ...]
    errors: tuple[str, ...]
    states: tuple[str, ...] = ()  # names of the states, by the number the generated code traces them under

    @property
    def hash(self) -> int:
        """A 64-bit digest of all that an engine built for this layout depends on."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

    def header(self, path: str) -> KeyHeader:
        return next(h for h in self.headers if h.path == path)

    def field(self, path: str) -> KeyField:
        return next(f for f in self.fields if f.path == path)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> KeyLayout:
        data: dict[str, Any] = json.loads(text)
        return KeyLayout(
            version=data["version"],
            program=data["program"],
            key_size=data["key_size"],
            headers=tuple(KeyHeader(**h) for h in data["headers"]),
            fields=tuple(KeyField(**f) for f in data["fields"]),
            checksums=tuple(_checksum_from(c) for c in data["checksums"]),
            errors=tuple(data["errors"]),
            states=tuple(data["states"]),
        )


def _checksum_from(data: dict[str, Any]) -> KeyChecksum:
    masks = tuple((path, mask) for path, mask in data["cover_masks"])
    return KeyChecksum(**{**data, "swapped": tuple(data["swapped"]), "cover_masks": masks})
