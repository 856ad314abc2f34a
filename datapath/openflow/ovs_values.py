"""The fields of Open vSwitch whose values are more than a number: VLAN presence, fragments, TCP flags.

Used by ``match_text.py``.  Source: ovs-fields(7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from datapath.openflow.fields import FieldSpec
from datapath.openflow.text import parse_unsigned
from datapath.openflow.values import parse_value

SPECIAL_NAMES = frozenset({"dl_vlan", "vlan_vid", "vlan_tci", "ip_frag", "tcp_flags"})

_TAG_PRESENT = 0x1000  # the CFI bit, which Open vSwitch and OpenFlow use to say "there is a tag"
_TCP_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns")


@dataclass(frozen=True)
class Bits:
    """A value for some bits of the key."""

    offset_bits: int
    width_bits: int
    value: int
    mask: int


def parse_special(name: str, text: str, spec: FieldSpec, valid_offset_bits: int) -> list[Bits] | None:
    """Read a value of one of ``SPECIAL_NAMES``.

    Args:
        name: Of the field.
        text: The value.
        spec: The bits it stands for.
        valid_offset_bits: The key bit that says whether its header is there.

    Returns:
        The key bits to match on; None if the value is an ordinary one of that field.

    Raises:
        ValueError: The message says what is wrong.
    """
    if name in ("dl_vlan", "vlan_vid", "vlan_tci"):
        return _parse_vlan(name, text, spec, Bits(valid_offset_bits, 1, 0, 1))
    if name == "ip_frag":
        return [_parse_fragment(text, spec)]
    return _parse_tcp_flags(text, spec)


def _parse_vlan(name: str, text: str, spec: FieldSpec, no_tag: Bits) -> list[Bits] | None:
    """``dl_vlan``: 0xffff is no tag.  ``vlan_vid``, ``vlan_tci``: 0x1000 is the tag's presence."""
    value, mask = parse_value(text, 16)
    if name == "dl_vlan":
        return [no_tag] if value == mask == 0xFFFF or text == "0xffff" else None
    if not mask & _TAG_PRESENT:
        if name == "vlan_vid" and mask >> 12:
            raise ValueError("a VLAN id has 12 bits, and 0x1000 for the tag's presence")
    elif not value & _TAG_PRESENT:
        if value:
            if name == "vlan_vid":
                return None  # a plain VLAN id, as in dl_vlan
            raise ValueError("0x1000 is missing from the value: only a tagged packet has a VLAN id or a priority")
        return [no_tag]
    elif name == "vlan_vid" and value >> 13:
        raise ValueError("a VLAN id has 12 bits, and 0x1000 for the tag's presence")
    tag_mask = mask & ~_TAG_PRESENT & ((1 << spec.width_bits) - 1)
    tagged = Bits(no_tag.offset_bits, 1, 1, 1)
    return [tagged, Bits(spec.offset_bits, spec.width_bits, value & tag_mask, tag_mask)]


def _parse_fragment(text: str, spec: FieldSpec) -> Bits:
    """``spec`` covers the more-fragments bit and the 13 bits of the offset."""
    more, offset = 0x2000, 0x1FFF
    if text == "no":
        return Bits(spec.offset_bits, spec.width_bits, 0, more | offset)
    if text == "first":
        return Bits(spec.offset_bits, spec.width_bits, more, more | offset)
    if text == "not_later":
        return Bits(spec.offset_bits, spec.width_bits, 0, offset)
    if text in ("yes", "later"):
        rest = "no" if text == "yes" else "not_later"
        raise ValueError(f"no single mask says this: put a flow with ip_frag={rest} above one without ip_frag")
    raise ValueError("ip_frag is no, first or not_later")


def _parse_tcp_flags(text: str, spec: FieldSpec) -> list[Bits] | None:
    """``+syn-ack``; a number with or without mask is ordinary."""
    if parse_unsigned(text.partition("/")[0]) is not None:
        return None
    if not re.fullmatch(r"([+-][a-z]+)+", text):
        raise ValueError("write +syn-ack, or a number and a mask")
    value = mask = 0
    for sign, flag in re.findall(r"([+-])([a-z]+)", text):
        if flag not in _TCP_FLAGS:
            raise ValueError(f"no TCP flag is called {flag}: {', '.join(_TCP_FLAGS)}")
        bit = 1 << _TCP_FLAGS.index(flag)
        mask |= bit
        value |= bit if sign == "+" else 0
    return [Bits(spec.offset_bits, spec.width_bits, value, mask)]
