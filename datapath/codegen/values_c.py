"""Values in C: how bits are read from and written to bytes in network order, and numbers of any width.

A value of up to 64 bits is one C expression, a wider one a list of them, least significant first ("limbs").  Bits that
still stand in memory stay a ``Bits`` until they are needed, so a slice of a wide field loads only the slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

LIMB = 64  # bits


@dataclass(frozen=True)
class Limb:
    """A C expression of an unsigned value."""

    text: str
    width: int  # bits that may be set
    is_u64: bool = False  # its C type, else a narrower one
    is_atom: bool = False  # needs no parentheses as an operand
    constant: int | None = None

    @property
    def operand(self) -> str:
        """The text as an operand of any operator."""
        return self.text if self.is_atom else f"({self.text})"

    @property
    def u64(self) -> str:
        """The text as an operand of C type __u64."""
        if self.constant is not None:
            return f"{self.text.removesuffix('ULL')}ULL"
        return self.operand if self.is_u64 else f"(__u64){self.operand}"

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the greatest number that it may be."""
        return (0, mask_of(self.width)) if self.constant is None else (self.constant, self.constant)


@dataclass(frozen=True)
class Bits:
    """``width`` bits in memory, ``offset`` bits behind ``base``, where ``size`` bytes can be read."""

    base: str
    offset: int
    width: int
    size: int


Value = tuple[Limb, ...]


def mask_of(width: int) -> int:
    return (1 << width) - 1


def c_number(value: int) -> str:
    """Return a C constant: small ones decimal, others hexadecimal."""
    text = str(value) if value < 10 else f"0x{value:x}"
    return text + "ULL" if value > 0x7FFFFFFF else text


def constant(value: int, width: int) -> Value:
    """Return a constant as limbs."""
    parts = []
    for low in range(0, max(width, 1), LIMB):
        size = min(LIMB, width - low)
        part = value >> low & mask_of(size)
        parts.append(Limb(c_number(part), size, part > 0x7FFFFFFF, True, part))
    return tuple(parts)


def variable(names: Sequence[str], width: int) -> Value:
    """Return the __u64 variables that hold a value, as limbs."""
    sizes = [min(LIMB, width - low) for low in range(0, width, LIMB)]
    return tuple(Limb(name, size, True, True) for name, size in zip(names, sizes, strict=True))


def masked(limb: Limb, width: int) -> Limb:
    """Return the low ``width`` bits of a limb."""
    if limb.width <= width:
        return limb
    if limb.constant is not None:
        return constant(limb.constant & mask_of(width), width)[0]
    return Limb(f"{limb.operand} & {c_number(mask_of(width))}", width, limb.is_u64)


# ---------------------------------------------------------------------------------------------------- memory
def at(base: str, offset: int) -> str:
    return f"{base} + {offset}" if offset else base


def load(bits: Bits) -> Value:
    """Return the limbs of bits in memory."""
    limbs = []
    for low in range(0, bits.width, LIMB):
        size = min(LIMB, bits.width - low)
        limbs.append(_load_limb(bits.base, bits.offset + bits.width - low - size, size, bits.size))
    return tuple(limbs)


def _load_limb(base: str, start: int, width: int, size: int) -> Limb:
    """Return the expression that reads ``width`` (at most 64) bits at bit ``start`` of ``base``."""
    first, end = start // 8, (start + width + 7) // 8
    for n in (1, 2, 4, 8):
        # The bytes [place, place + n) hold them all; at the start if that can be read, else as far right as possible.
        place = min(first, size - n)
        if n >= end - first and place >= 0 and place + n >= end:
            text = f"{base}[{place}]" if n == 1 else f"load_be{n * 8}({at(base, place)})"
            limb = Limb(text, n * 8, n == 8, True)
            tail = (place + n) * 8 - (start + width)
            if tail:
                limb = Limb(f"{limb.operand} >> {tail}", n * 8 - tail, n == 8)
            return masked(limb, width)
    # No such window: the last byte apart from the others.
    tail = end * 8 - (start + width)
    high = _load_limb(base, start, width - (8 - tail), size)
    low = _load_limb(base, end * 8 - 8, 8 - tail, size)
    return Limb(f"{high.u64} << {8 - tail} | {low.operand}", width, True)


def store(base: str, offset: int, width: int, value: Value) -> list[str]:
    """Return statements that write a value over ``width`` bits at bit ``offset`` of ``base``.

    The limbs must be cheap to repeat: constants or variables.
    """
    whole = {8: "", 16: "store_be16", 32: "store_be32", 64: "store_be64"}
    if offset % 8 == 0 and width in whole:
        if width == 8:
            return [f"{base}[{offset // 8}] = {_narrow(value[0], 8)};"]
        return [f"{whole[width]}({at(base, offset // 8)}, {value[0].text});"]
    lines = []
    for byte in range(offset // 8, (offset + width + 7) // 8):
        high, low = max(byte * 8, offset), min(byte * 8 + 8, offset + width)  # bits of this byte that are written
        tail, n = byte * 8 + 8 - low, low - high
        part = slice_limbs(value, offset + width - low, n)[0]
        shifted = part if not tail else Limb(f"{part.operand} << {tail}", n + tail, part.is_u64)
        if n == 8:
            lines.append(f"{base}[{byte}] = {_narrow(shifted, 8)};")
        else:
            kept = 0xFF & ~(mask_of(n) << tail)
            whole_byte = Limb(f"({base}[{byte}] & {c_number(kept)}) | {shifted.operand}", 8, True)
            lines.append(f"{base}[{byte}] = {_narrow(whole_byte, 8)};")
    return lines


def _narrow(limb: Limb, width: int) -> str:
    return limb.text if limb.constant is not None else f"(__u{width}){limb.operand}"


# ---------------------------------------------------------------------------------------------------- limbs
def slice_limbs(value: Value, low: int, width: int) -> Value:
    """Return bits ``low`` .. ``low + width - 1`` of a value."""
    result = []
    for start in range(low, low + width, LIMB):
        size = min(LIMB, low + width - start)
        i, shift = divmod(start, LIMB)
        limb = shift_right(value[i], shift)
        missing = size - (LIMB - shift)
        if missing > 0:
            upper = value[i + 1]
            if upper.constant is not None and limb.constant is not None:
                limb = constant((upper.constant << (LIMB - shift) | limb.constant) & mask_of(LIMB), LIMB)[0]
            else:
                limb = Limb(f"{limb.operand} | {upper.u64} << {LIMB - shift}", LIMB, True)
        result.append(masked(limb, size))
    return tuple(result)


def shift_right(limb: Limb, shift: int) -> Limb:
    """Return a limb shifted by a constant below 64."""
    if not shift:
        return limb
    if limb.constant is not None:
        return constant(limb.constant >> shift, max(limb.width - shift, 1))[0]
    if shift >= limb.width:
        return constant(0, 1)[0]
    return Limb(f"{limb.operand} >> {shift}", max(limb.width - shift, 1), limb.is_u64)


def concat_limbs(parts: Sequence[tuple[Value, int]]) -> Value:
    """Return the values, each of so many bits, joined; the first is the most significant."""
    width = sum(w for _, w in parts)
    pieces: list[list[Limb]] = [[] for _ in range(0, width, LIMB)]
    low = width
    for value, part_width in parts:
        low -= part_width
        done = 0
        while done < part_width:
            i, shift = divmod(low + done, LIMB)
            size = min(LIMB - shift, part_width - done)
            piece = slice_limbs(value, done, size)[0]
            if piece.constant != 0:
                shifted = Limb(f"{piece.u64} << {shift}", size + shift, True) if shift else piece
                pieces[i].append(shifted)
            done += size
    result = []
    for i, limbs in enumerate(pieces):
        size = min(LIMB, width - i * LIMB)
        if not limbs:
            result.append(constant(0, size)[0])
        elif len(limbs) == 1:
            result.append(replace(limbs[0], width=size))
        else:
            result.append(Limb(" | ".join(p.operand for p in limbs), size, any(p.is_u64 for p in limbs)))
    return tuple(result)
