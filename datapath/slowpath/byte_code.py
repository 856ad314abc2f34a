"""The engines' action byte code (``runtime/dp.h``) as text, and that text as byte code again.

    set(ethernet+0,6,0x02000000000a,unsummed) dec_ttl(ipv4+8,restart) csum(ipv4+10) output(3)
    select(hash=0,bucket(weight=1,output(1)),bucket(weight=2,output(2)))

``set(HEADER+BYTE,SIZE,VALUE[/MASK][,FLAG...])``: the mask is left out when all its bits are one.
``csum(HEADER+BYTE[,from=SLOT][,to=SLOT...][,FLAG...])``: folds in what is in the slot ``from`` too, and adds its own
change to the slots ``to`` (``to=~SLOT``: with its bytes swapped).  A list without actions is ``drop``.  ``bridge.py``
shows megaflows with it; tests parse it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

OUTPUT, SET, DEC_TTL, CSUM, SELECT, BUCKET, CONTROLLER = range(1, 8)
F_RESTART, F_UNSUMMED, F_SWAPPED, F_ZERO_NONE, F_IN_PORT, F_INNER_ONLY, F_GO_ON = 1, 2, 4, 8, 16, 32, 64
_FLAGS = {
    "restart": F_RESTART,
    "unsummed": F_UNSUMMED,
    "swapped": F_SWAPPED,
    "zero_none": F_ZERO_NONE,
    "in_port": F_IN_PORT,
    "inner_only": F_INNER_ONLY,
    "go_on": F_GO_ON,
}
SIZE = 24  # bytes of a struct dp_action


@dataclass(frozen=True)
class ByteAction:
    """A ``struct dp_action``; ``value`` and ``mask`` are 8 bytes."""

    op: int
    size: int = 0
    header: int = 0
    flags: int = 0
    arg: int = 0
    value: bytes = bytes(8)
    mask: bytes = bytes(8)

    def encode(self) -> bytes:
        head = bytes((self.op, self.size, self.header, self.flags))
        return head + self.arg.to_bytes(4, "little") + self.value + self.mask


def decode(code: bytes) -> list[ByteAction]:
    """Split an array of ``struct dp_action``."""
    actions = []
    for at in range(0, len(code), SIZE):
        c = code[at : at + SIZE]
        actions.append(ByteAction(c[0], c[1], c[2], c[3], int.from_bytes(c[4:8], "little"), c[8:16], c[16:24]))
    return actions


def to_text(actions: Sequence[ByteAction], headers: Sequence[str]) -> str:
    """Return the list as text; ``headers`` are the paths by header id."""
    if not actions:
        return "drop"
    words = []
    at = 0
    while at < len(actions):
        word, at = _word(actions, at, headers)
        words.append(word)
    return " ".join(words)


def _word(actions: Sequence[ByteAction], at: int, headers: Sequence[str]) -> tuple[str, int]:
    """Return the text of the action at ``at`` and the index behind it."""
    action = actions[at]
    flags = "".join(f",{name}" for name, bit in _FLAGS.items() if action.flags & bit)
    place = f"{headers[action.header]}+{action.arg}" if action.header < len(headers) else "?"
    if action.op == OUTPUT:
        return f"output({action.arg}{flags})", at + 1
    if action.op == SET:
        value, mask = (b[: action.size].hex() for b in (action.value, action.mask))
        slash = "" if mask == "ff" * action.size else f"/0x{mask}"
        return f"set({place},{action.size},0x{value}{slash}{flags})", at + 1
    if action.op == DEC_TTL:
        return f"dec_ttl({place}{flags})", at + 1
    if action.op == CSUM:
        return f"csum({place}{_slots(action)}{flags})", at + 1
    if action.op == CONTROLLER:
        return f"controller({action.arg})", at + 1
    assert action.op == SELECT
    return _select(actions, at, headers)


def _slots(action: ByteAction) -> str:
    added, swapped = action.value[0], action.mask[0]
    words = [f",from={action.size - 1}"] if action.size else []
    words += [f",to={'~' if swapped >> slot & 1 else ''}{slot}" for slot in range(8) if added >> slot & 1]
    return "".join(words)


def _select(actions: Sequence[ByteAction], at: int, headers: Sequence[str]) -> tuple[str, int]:
    parts = [f"hash={actions[at].arg}"]
    n_buckets = actions[at].size
    at += 1
    for _ in range(n_buckets):
        bucket = actions[at]
        assert bucket.op == BUCKET
        inner = to_text(actions[at + 1 : at + 1 + bucket.arg], headers)
        parts.append(f"bucket(weight={int.from_bytes(bucket.value[:4], 'big')},{inner})")
        at += 1 + bucket.arg
    return f"select({','.join(parts)})", at


_TOKEN = re.compile(r"\s*([a-z_]+)\(")
_SIMPLE = re.compile(r"([^()]*)\)")


def from_text(text: str, headers: Sequence[str]) -> list[ByteAction]:
    """Parse what ``to_text`` writes.

    Raises:
        ValueError: The text is not such a list; says where.
    """
    if text.strip() == "drop":
        return []
    actions, at = _parse_list(text, 0, headers)
    if text[at:].strip():
        raise ValueError(f"unexpected {text[at:]!r} at column {at + 1}")
    return actions


def _parse_list(text: str, at: int, headers: Sequence[str]) -> tuple[list[ByteAction], int]:
    actions: list[ByteAction] = []
    while token := _TOKEN.match(text, at):
        if token[1] == "select":
            more, at = _parse_select(text, token.end(), headers)
            actions += more
            continue
        simple = _SIMPLE.match(text, token.end())
        if not simple:
            raise ValueError(f"no closing parenthesis for {token[1]} at column {at + 1}")
        actions.append(_parse_simple(token[1], simple[1].split(","), headers))
        at = simple.end()
    return actions, at


def _parse_select(text: str, at: int, headers: Sequence[str]) -> tuple[list[ByteAction], int]:
    head = re.compile(r"hash=(\d+)").match(text, at)
    if not head:
        raise ValueError(f"expected hash=N at column {at + 1}")
    at = head.end()
    buckets: list[ByteAction] = []
    n_buckets = 0
    while bucket := re.compile(r",bucket\(weight=(\d+),(drop)?").match(text, at):
        inner, at = ([], bucket.end()) if bucket[2] else _parse_list(text, bucket.end(), headers)
        weight = int(bucket[1]).to_bytes(4, "big") + bytes(4)
        buckets += [ByteAction(BUCKET, arg=len(inner), value=weight), *inner]
        n_buckets += 1
        at = _closing(text, at)
    return [ByteAction(SELECT, size=n_buckets, arg=int(head[1])), *buckets], _closing(text, at)


def _closing(text: str, at: int) -> int:
    if text[at : at + 1] != ")":
        raise ValueError(f"expected a closing parenthesis at column {at + 1}")
    return at + 1


def _parse_simple(name: str, words: list[str], headers: Sequence[str]) -> ByteAction:
    flags = sum(_FLAGS[w] for w in words if w in _FLAGS)
    words = [w for w in words if w not in _FLAGS]
    if name == "output":
        return ByteAction(OUTPUT, flags=flags, arg=int(words[0]))
    if name == "controller":
        return ByteAction(CONTROLLER, flags=flags, arg=int(words[0]))
    path, _, offset = words[0].rpartition("+")
    if path not in headers:
        raise ValueError(f"no header {path!r}")
    header = list(headers).index(path)
    if name == "dec_ttl":
        return ByteAction(DEC_TTL, 0, header, flags, int(offset))
    if name == "csum":
        return _parse_csum(ByteAction(CSUM, 0, header, flags, int(offset)), words[1:])
    if name != "set":
        raise ValueError(f"no action {name!r}")
    size = int(words[1])
    value, _, mask = words[2].partition("/")
    return ByteAction(
        SET, size, header, flags, int(offset), _eight(value), _eight(mask) if mask else _eight("0x" + "ff" * size)
    )


def _parse_csum(action: ByteAction, words: Sequence[str]) -> ByteAction:
    value = mask = size = 0
    for word in words:
        name, _, slot = word.partition("=")
        if name == "from":
            size = 1 + int(slot)
        elif name == "to":
            value |= 1 << int(slot.removeprefix("~"))
            mask |= 1 << int(slot[1:]) if slot.startswith("~") else 0
        else:
            raise ValueError(f"no flag {word!r}")
    return replace(action, size=size, value=bytes((value, *bytes(7))), mask=bytes((mask, *bytes(7))))


def _eight(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x")).ljust(8, b"\0")
