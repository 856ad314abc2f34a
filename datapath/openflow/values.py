"""Field values and masks as text: numbers, MAC, IPv4 and IPv6 addresses, prefixes.

Every field takes a number; what else it takes follows from its width (48 bits: MAC, 32: IPv4, 128: IPv6).  ``style``
only chooses how a value is printed.  Used by ``match_text.py`` and ``action_text.py``.
"""

from __future__ import annotations

import ipaddress
import re

from datapath.openflow.text import parse_unsigned


def parse_value(text: str, width_bits: int, signed: bool = False) -> tuple[int, int]:
    """Read ``value`` or ``value/mask``.

    Args:
        text: The mask is in the notation of the value, or the length of a prefix behind an address.  What looks like
            a length behind a number, and would cut the number's bits off, is refused.
        width_bits: Of the field.
        signed: Whether a minus sign is allowed.

    Returns:
        Value and mask, the value cleared where the mask is zero.

    Raises:
        ValueError: The message says what is wrong, without the text.
    """
    all_ones = (1 << width_bits) - 1
    value_text, slash, mask_text = text.partition("/")
    value, is_address = _parse_one(value_text, width_bits, signed)
    if not slash:
        return value, all_ones
    if is_address and width_bits != 48 and re.fullmatch(r"[0-9]+", mask_text):
        length = int(mask_text)
        if length > width_bits:
            raise ValueError(f"a prefix has at most {width_bits} bits")
        mask = all_ones & ~((1 << (width_bits - length)) - 1)
    else:
        mask, _ = _parse_one(mask_text, width_bits, False, "mask")
        if re.fullmatch(r"[0-9]+", mask_text) and mask <= width_bits and value & ~mask:
            prefix = all_ones & ~(all_ones >> mask)
            raise ValueError(f"a mask is bits: write /{prefix:#x} for a prefix of {mask}, or /{mask:#x}")
    return value & mask, mask


def _parse_one(text: str, width_bits: int, signed: bool, what: str = "value") -> tuple[int, bool]:
    """Read a single value; also return whether it was written as an address."""
    if not text:
        raise ValueError(f"{what} missing")
    address = _parse_address(text, width_bits)
    if address is not None:
        return address, True
    number = parse_unsigned(text.lstrip("-")) if text.startswith("-") and signed else parse_unsigned(text)
    if number is None:
        raise ValueError(f"not a {what} of {_bits(width_bits)}: {_legal_notations(width_bits)}")
    if text.startswith("-"):
        if number > 1 << (width_bits - 1):
            raise ValueError(f"{what} below the least of {_bits(width_bits)}, -{1 << (width_bits - 1)}")
        return -number & ((1 << width_bits) - 1), False
    if number >> width_bits:
        raise ValueError(f"{what} does not fit {_bits(width_bits)}: at most {(1 << width_bits) - 1:#x}")
    return number, False


def _parse_address(text: str, width_bits: int) -> int | None:
    """Return an address in the notation of this width, None if the text is not one.

    Raises:
        ValueError: It looks like one and is wrong.
    """
    if width_bits == 48 and ":" in text:
        if not re.fullmatch(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}", text):
            raise ValueError("not a MAC address: six hexadecimal bytes with colons")
        return int.from_bytes(bytes(int(byte, 16) for byte in text.split(":")), "big")
    if width_bits == 32 and "." in text:
        try:
            return int(ipaddress.IPv4Address(text))
        except ipaddress.AddressValueError:
            raise ValueError("not an IPv4 address: four decimal bytes with dots") from None
    if width_bits == 128 and ":" in text:
        try:
            return int(ipaddress.IPv6Address(text))
        except ipaddress.AddressValueError:
            raise ValueError("not an IPv6 address") from None
    return None


def _bits(width_bits: int) -> str:
    return "1 bit" if width_bits == 1 else f"{width_bits} bits"


def _legal_notations(width_bits: int) -> str:
    address = {48: " or a MAC address", 32: " or an IPv4 address", 128: " or an IPv6 address"}.get(width_bits, "")
    return f"write a decimal or 0x number{address}"


def format_value(value: int, mask: int, width_bits: int, style: str) -> str:
    """Print a value so that ``parse_value`` reads it back; the mask only where it is not all ones.

    Args:
        value: Zero where the mask is.
        mask: Of the field.
        width_bits: Of both.
        style: "mac", "ipv4", "ipv6", "hex" or "decimal".
    """
    all_ones = (1 << width_bits) - 1
    if mask == all_ones:
        return _format_one(value, width_bits, style)
    prefix_bits = (mask ^ all_ones).bit_length()
    if style in ("ipv4", "ipv6") and mask == all_ones & ~((1 << prefix_bits) - 1):
        return f"{_format_one(value, width_bits, style)}/{width_bits - prefix_bits}"
    shown = style if style in ("mac", "ipv4", "ipv6") else "hex"
    return f"{_format_one(value, width_bits, shown)}/{_format_one(mask, width_bits, shown)}"


def _format_one(value: int, width_bits: int, style: str) -> str:
    if style == "mac":
        return value.to_bytes(6, "big").hex(":")
    if style == "ipv4":
        return str(ipaddress.IPv4Address(value))
    if style == "ipv6":
        return str(ipaddress.IPv6Address(value))
    return str(value) if style == "decimal" else f"{value:#x}"
