"""Checksums and hashes over fields, in the IR's arithmetic.  Stands on ``lower_calls.py``.

A computation keeps its state in one variable, which each piece of data changes; so the IR needs to know none of them.
Data that does not fill the algorithm's last word has zeros behind it.

Source: RFC 1071 (Internet checksum).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from datapath.errors import Location
from datapath.ir import model as ir
from datapath.p4.algorithms import Algorithm, carryless_inverse
from datapath.p4.lower_calls import LowerCalls

CRC_BYTES = 4  # at once: the product of 32 bits and the polynomial of a CRC-32 has 64


class LowerAlgorithms(LowerCalls):
    """Checksums and hashes."""

    def absorb(
        self, algorithm: Algorithm, state: ir.VarRef, data: Sequence[ir.Expr], location: Location, off: bool = False
    ) -> None:
        """Take data into the state, or off a sum again."""
        words = list(_words(data, algorithm.word))
        if algorithm.kind == "sum" and words:
            self._add(state, [ir.Unary("~", w, 16) if off else w for w in words], location)
        elif algorithm.kind == "xor":
            for word in words:
                self.emit(ir.Assign(state, ir.Binary("^", state, word, 16), location))
        elif algorithm.kind == "crc":
            for i in range(0, len(words), CRC_BYTES):
                self._divide(algorithm, state, words[i : i + CRC_BYTES], location)
        elif algorithm.kind == "identity" and data:
            self.emit(ir.Assign(state, ir.Slice(ir.Concat((state, *data)), state.width - 1, 0), location))

    def result(self, algorithm: Algorithm, state: ir.VarRef) -> ir.Expr:
        inverted = ir.Const(algorithm.inverted, state.width)
        return ir.Binary("^", state, inverted, state.width) if algorithm.inverted else state

    def digest(self, algorithm: Algorithm, width: int, data: Sequence[ir.Expr], location: Location) -> ir.Expr:
        """Return the result of a computation of its own."""
        state = self.temporary(ir.Const(algorithm.initial, algorithm.width or width), location)
        self.absorb(algorithm, state, data, location)
        return self.result(algorithm, state)

    def _add(self, state: ir.VarRef, words: Sequence[ir.Expr], location: Location) -> None:
        """Add 16-bit words to a ones'-complement sum."""
        total: ir.Expr = ir.Resize(state, 32)
        for word in words:
            total = ir.Binary("+", total, ir.Resize(word, 32), 32)
        folded = self.temporary(total, location)
        for _ in range(2):
            high, low_half = ir.Slice(folded, 31, 16), ir.Slice(folded, 15, 0)
            value = ir.Binary("+", ir.Resize(high, 32), ir.Resize(low_half, 32), 32)
            self.emit(ir.Assign(folded, value, location))
        self.emit(ir.Assign(state, ir.Slice(folded, 15, 0), location))

    def _divide(self, algorithm: Algorithm, state: ir.VarRef, data: Sequence[ir.Expr], location: Location) -> None:
        """Take bytes into a cyclic redundancy check: what is left when state and data are divided by the polynomial.

        Barrett's way, with shifts and exclusive ors alone: asking bit by bit would branch in BPF, and the verifier
        would follow each combination of bits.
        """
        width = 8 * len(data)
        divisor = algorithm.polynomial << 1 | 1
        word: ir.Expr = ir.Concat(tuple(reversed(data))) if len(data) > 1 else data[0]
        total = self.temporary(ir.Binary("^", ir.Resize(state, 64), ir.Resize(word, 64), 64), location)
        quotient = ir.Slice(_product(total, carryless_inverse(divisor, width)), width - 1, 0)
        product = _product(self.temporary(ir.Resize(quotient, 64), location), divisor)
        rest = ir.Binary("^", total, product, 64)
        self.emit(ir.Assign(state, ir.Slice(rest, width + state.width - 1, width), location))


def _product(value: ir.Expr, factor: int) -> ir.Expr:
    """Multiply without carries."""
    shifts = [i for i in range(factor.bit_length()) if factor >> i & 1]
    result: ir.Expr = value
    assert shifts[0] == 0
    for shift in shifts[1:]:
        result = ir.Binary("^", result, ir.Binary("<<", value, ir.Const(shift, 8), 64), 64)
    return result


def _words(data: Sequence[ir.Expr], size: int) -> Iterator[ir.Expr]:
    """Cut data into words, the last of which may end in zeros."""
    parts: list[ir.Expr] = []
    missing = size
    for expr in data:
        left = expr.width
        while left:
            taken = min(left, missing)
            whole = taken == expr.width and not expr.signed
            parts.append(expr if whole else ir.Slice(expr, left - 1, left - taken))
            left, missing = left - taken, missing - taken
            if not missing:
                yield ir.Concat(tuple(parts)) if len(parts) > 1 else parts[0]
                parts, missing = [], size
    if parts:
        yield ir.Concat((*parts, ir.Const(0, missing)))
