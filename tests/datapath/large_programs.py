"""P4 parsers as large as one likes, each kind of which is hard for the verifier in its own way.

Deterministic: the same kind, size and seed give the same text.  ``large_program`` is the way in; ``KINDS`` names what
there is.  ``ci/fuzz large`` loads them at random, ``codegen/test_large_programs.py`` at the sizes that are promised.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Text:
    """A program being written."""

    rng: random.Random
    headers: list[str] = field(default_factory=list)  # declarations of types
    members: list[str] = field(default_factory=list)  # of the headers struct
    before: list[str] = field(default_factory=list)  # other parsers
    instances: list[str] = field(default_factory=list)  # of the parser: locals, value sets, sub-parsers
    states: list[str] = field(default_factory=list)

    def header(self, name: str, fields: str, size: int = 0) -> None:
        """Declare a header of a type of its own; a stack where a size is given."""
        self.headers.append(f"header {name}_t {{ {fields} }}")
        self.members.append(f"{name}_t{f'[{size}]' if size else ''} {name};")

    def state(self, name: str, *statements: str) -> None:
        body = "\n        ".join(statements)
        self.states.append(f"    state {name} {{\n        {body}\n    }}")

    def p4(self) -> str:
        lines = ["#include <core.p4>", "#include <ovsp4.p4>", *self.headers]
        lines += ["struct headers_t {", *(f"    {m}" for m in self.members), "}", *self.before]
        lines += ["parser Large(packet_in packet, out headers_t hdr) {", *(f"    {i}" for i in self.instances)]
        lines += [*self.states, "}", "Switch(Large()) main;"]
        return "\n".join(lines) + "\n"


def select(key: str, arms: Sequence[tuple[str, str]], default: str = "accept") -> str:
    """Return a select transition of (keyset, state) arms."""
    text = "".join(f" {keyset}: {target};" for keyset, target in arms)
    return f"transition select({key}) {{{text} default: {default}; }}"


def extract(name: str) -> str:
    return f"packet.extract(hdr.{name});"


# ------------------------------------------------------------------------------------------------ shapes of the graph
def graph(text: Text, n: int, targets: Callable[[int], Sequence[int]], width: Callable[[], int]) -> None:
    """Write n states, each extracting a header of its own and going on to some of the others."""
    for i in range(n):
        text.header(f"h{i}", f"bit<16> next; bit<{width()}> a;")
    text.state("start", "transition s0;")
    for i in range(n):
        arms = [(f"{257 * j % 65536}", f"s{j}") for j in targets(i)]
        text.state(f"s{i}", extract(f"h{i}"), select(f"hdr.h{i}.next", arms))


def dag(text: Text, n: int) -> None:
    """Every state is reached by several ways, of many lengths."""
    rng = text.rng

    def targets(i: int) -> list[int]:
        near = list(range(i + 2, min(n, i + 9)))
        return [j for j in (i + 1,) if j < n] + rng.sample(near, min(2, len(near)))

    graph(text, n, targets, lambda: 8 * rng.randint(1, 3))


def tree(text: Text, n: int) -> None:
    """Every state is reached by one way."""
    graph(text, n, lambda i: range(4 * i + 1, min(n, 4 * i + 5)), lambda: 8 * text.rng.randint(1, 8))


def chain(text: Text, n: int) -> None:
    """One long way, which may end anywhere."""
    graph(text, n, lambda i: range(i + 1, min(n, i + 2)), lambda: 8)


def unaligned(text: Text, n: int) -> None:
    """A graph of headers that end inside bytes."""
    rng = text.rng

    def targets(i: int) -> list[int]:
        near = list(range(i + 2, min(n, i + 6)))
        return [j for j in (i + 1,) if j < n] + rng.sample(near, min(1, len(near)))

    graph(text, n, targets, lambda: rng.choice([1, 3, 5, 8, 13, 21]))


# ------------------------------------------------------------------------------------------------ loops
def stacks(text: Text, n: int) -> None:
    """Stacks of eight behind one another: n / 9 of them, so about n states when they are unrolled."""
    kinds = max(1, n // 9)
    for i in range(kinds):
        text.header(f"k{i}", f"bit<7> a{i}; bit<1> last; bit<8> next;", 8)
    text.state("start", "transition k0;")
    for i in range(kinds):
        behind = [j for j in (i + 1, i + 2) if j < kinds]
        text.state(f"k{i}", extract(f"k{i}.next"), select(f"hdr.k{i}.last.last", [("0", f"k{i}")], f"behind{i}"))
        text.state(f"behind{i}", select(f"hdr.k{i}.last.next", [(f"{j}", f"k{j}") for j in behind]))


def labels(text: Text, n: int) -> None:
    """Two stacks that alternate: every pair of heights is a state of its own; then a graph; n headers in all."""
    n = max(1, n - 11)
    text.header("outer", "bit<20> label; bit<3> tc; bit<1> last; bit<8> ttl;", 8)
    text.header("inner", "bit<12> vid; bit<4> kind;", 3)
    text.state("start", extract("outer.next"), select("hdr.outer.last.last", [("0", "more")], "s0"))
    text.state("more", select("packet.lookahead<bit<4>>()", [("1", "tag"), ("2", "start")], "s0"))
    text.state("tag", extract("inner.next"), select("hdr.inner.last.kind", [("1", "tag"), ("2", "start")], "s0"))
    for i in range(n):
        text.header(f"h{i}", "bit<16> next; bit<16> a;")
        arms = [(f"{j}", f"s{j}") for j in (i + 1, i + 3) if j < n]
        text.state(f"s{i}", extract(f"h{i}"), select(f"hdr.h{i}.next", arms))


def options(text: Text, n: int) -> None:
    """Loops over options behind one another, each of six kinds and bounded by a length; n / 8 loops."""
    loops = max(1, n // 8)
    text.instances.append("bit<8> left;")
    text.state("start", "transition base0;")
    for i in range(loops):
        text.header(f"base{i}", "bit<8> size; bit<8> next;")
        then = f"base{i + 1}" if i + 1 < loops else "accept"
        text.state(f"base{i}", extract(f"base{i}"), f"left = hdr.base{i}.size;", f"transition option{i};")
        arms = [("(0, _)", f"ended{i}"), ("(_, 0)", f"ended{i}"), ("(_, 1)", f"nop{i}")]
        for k in range(2, 5):
            text.header(f"o{i}_{k}", f"bit<8> kind; bit<8> size; bit<{16 * k}> value;")
            text.state(f"kind{i}_{k}", extract(f"o{i}_{k}"), f"left = left |-| {2 + 2 * k};", f"transition option{i};")
            arms.append((f"(_, {k})", f"kind{i}_{k}"))
        text.state(f"option{i}", select("left, packet.lookahead<bit<8>>()", arms, f"other{i}"))
        text.state(f"nop{i}", "packet.advance(8);", "left = left - 1;", f"transition option{i};")
        text.state(
            f"other{i}",
            "bit<8> size = packet.lookahead<bit<16>>()[7:0];",
            "verify(size >= 2 && size <= left, error.ParserInvalidArgument);",
            "packet.advance((bit<32>)size << 3);",
            "left = left - size;",
            f"transition option{i};",
        )
        text.state(f"ended{i}", select(f"hdr.base{i}.next", [("1", then)]))


def tangle(text: Text, n: int) -> None:
    """One loop of n states, each of which goes to any: what the verifier has to refuse."""
    for i in range(n):
        text.header(f"h{i}", "bit<16> next; bit<16> a;")
        arms = [(f"{j}", f"s{j}") for j in text.rng.sample(range(1, n), 4)] + [(f"{n}", f"s{i + 1}")][: i + 1 < n]
        text.state(f"s{i}" if i else "start", extract(f"h{i}"), select(f"hdr.h{i}.next", arms))


# ------------------------------------------------------------------------------------------------ what a state can do
def subparsers(text: Text, n: int) -> None:
    """A sub-parser of four states, called from n / 5 places."""
    calls = max(1, n // 5)
    text.headers += ["header a_t { bit<8> kind; bit<24> x; }", "header b_t { bit<8> size; varbit<64> y; }"]
    text.headers.append("struct inner_t { a_t a; b_t b; a_t c; }")
    text.before.append(
        """parser Inner(packet_in packet, out inner_t inner, in bit<8> what)(bit<8> kind) {
    state start { packet.extract(inner.a); transition select(inner.a.kind) { 1: sized; kind: last; default: accept; } }
    state sized {
        packet.extract(inner.b, (bit<32>)(packet.lookahead<bit<8>>() & 7) << 3);
        transition select(inner.b.size) { 0x80 &&& 0x80: last; default: accept; }
    }
    state last { packet.extract(inner.c); inner.c.kind = what; transition accept; }
}"""
    )
    text.instances.append("Inner(2) inner;")
    for i in range(calls):
        text.members.append(f"inner_t i{i};")
        text.header(f"h{i}", "bit<8> next;")
        name = f"s{i}" if i else "start"
        arms = [(f"{j}", f"s{j}") for j in (i + 1, i + 2) if j < calls]
        text.state(
            name, extract(f"h{i}"), f"inner.apply(packet, hdr.i{i}, hdr.h{i}.next);", select(f"hdr.h{i}.next", arms)
        )


def wide_selects(text: Text, n: int) -> None:
    """States of 64 arms each, with masks and ranges over two keys; n / 8 of them, and n leaves."""
    rng = text.rng
    hubs = max(1, n // 8)
    for i in range(n):
        text.header(f"leaf{i}", "bit<16> next; bit<32> a;")
    for i in range(hubs):
        text.header(f"hub{i}", "bit<16> x; int<16> y;")
        own = range(i * n // hubs, (i + 1) * n // hubs)  # leaves of this hub, which go on to the next
        arms = []
        for _ in range(64):
            low = rng.randint(-3000, 2000)
            x = rng.choice([f"{rng.getrandbits(16)} &&& {rng.getrandbits(16)}", f"{rng.getrandbits(16)}", "_"])
            y = rng.choice([f"{low} .. {low + 900}", f"{low}", "_"]) if x != "_" else f"{low} .. {low + 40}"
            arms.append((f"({x}, {y})", f"leaf{rng.choice(own)}"))
        name = f"hub{i}" if i else "start"
        text.state(name, extract(f"hub{i}"), select(f"hdr.hub{i}.x, hdr.hub{i}.y", arms))
        for leaf in own:
            then = [("7", f"hub{i + 1}")] if i + 1 < hubs else []
            text.state(f"leaf{leaf}", extract(f"leaf{leaf}"), select(f"hdr.leaf{leaf}.next", then))


def lookaheads(text: Text, n: int) -> None:
    """States that decide by bits ahead, at odd places and of odd widths."""
    rng = text.rng
    for i in range(n):
        text.header(f"h{i}", f"bit<{8 * rng.randint(1, 4)}> a;")
        bits, width = rng.randint(1, 23), rng.randint(1, 33)
        name = f"s{i}" if i else "start"
        ahead = f"packet.lookahead<bit<{bits + width}>>()[{width - 1}:0]"
        arms = [(f"{rng.getrandbits(width)} &&& {rng.getrandbits(width)}", f"s{j}") for j in (i + 1, i + 4) if j < n]
        text.state(name, extract(f"h{i}"), select(ahead, arms))


def varbits(text: Text, n: int) -> None:
    """A graph of headers of run-time sizes: nothing is known of where they stand."""
    for i in range(n):
        text.header(f"h{i}", "bit<4> size; bit<4> a; bit<8> next; varbit<120> tail; bit<8> z;")
        size = "((bit<32>)(packet.lookahead<bit<4>>())) << 3"
        name = f"s{i}" if i else "start"
        arms = [(f"{j}", f"s{j}") for j in (i + 1, i + 2, i + 5) if j < n]
        text.state(name, f"packet.extract(hdr.h{i}, {size});", select(f"hdr.h{i}.next", arms))


def value_sets(text: Text, n: int) -> None:
    """States that ask value sets, n / 8 of which there are."""
    sets = max(1, n // 8)
    text.headers.append("struct pair_t { bit<16> x; @match(ternary) bit<16> y; }")
    for i in range(sets):
        text.instances.append(f"value_set<pair_t>(8) set{i};")
    for i in range(n):
        text.header(f"h{i}", "bit<16> x; bit<16> y;")
        name = f"s{i}" if i else "start"
        arms = [(f"set{i % sets}", f"s{i + 1}"), (f"(_, {i})", f"s{min(i + 2, n - 1)}")] if i + 1 < n else []
        text.state(name, extract(f"h{i}"), select(f"hdr.h{i}.x, hdr.h{i}.y", arms))


TOO_MUCH = "tangle"  # no KIND: of some 100 states the kernel does not take it
KINDS: dict[str, Callable[[Text, int], None]] = {
    make.__name__: make
    for make in (
        dag, tree, chain, unaligned, stacks, labels, options, subparsers, wide_selects, lookaheads, varbits, value_sets,
    )
}  # fmt: skip


def large_program(kind: str, n: int, seed: int = 1) -> str:
    """Return a program's text.

    Args:
        kind: One of ``KINDS``, or ``TOO_MUCH``.
        n: Roughly the number of states that the parser has when its stacks are unrolled.
        seed: Of what is random in it.
    """
    text = Text(random.Random(seed))
    (tangle if kind == TOO_MUCH else KINDS[kind])(text, n)
    return text.p4()
