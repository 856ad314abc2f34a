"""Compares two packets bit by bit under a mask, and says field by field what differs.

Used by ``capture.py`` for its failure messages, and by tests.  Both packets are dissected by scapy, by the layers of
the expected one where scapy does not know what follows what; where their layers differ, bytes are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_BYTES_SHOWN = 24  # of a differing payload


@dataclass(frozen=True)
class FieldPlace:
    """Where a field of a dissected packet stands."""

    name: str  # "IP.ttl"; "IP[1].ttl" for the second IP header
    start_bits: int
    end_bits: int
    value: Any


def field_places(packet: Any) -> list[FieldPlace]:
    """Return the place of every field of a scapy packet in its bytes."""
    places: list[FieldPlace] = []
    start = 0
    for name, layer in _layers(packet):
        if name == "Raw" or not layer.fields_desc:
            size = len(layer.load) if name == "Raw" else 0
            places.append(FieldPlace("payload", start, start + 8 * size, bytes(layer)[:size]))
            start += 8 * size
            continue
        built: Any = b""
        begin = 0
        for field in layer.fields_desc:
            value = layer.getfieldval(field.name)
            built = field.addfield(layer, built, value)
            end = 8 * len(built[0]) + built[1] if isinstance(built, tuple) else 8 * len(built)
            if end > begin:
                shown = _shown(field, layer, value)
                places.append(FieldPlace(f"{name}.{field.name}", start + begin, start + end, shown))
            begin = end
        start += begin
    return places


def _layers(packet: Any) -> Iterator[tuple[str, Any]]:
    """Yield the layers with names that are unique in the packet."""
    counts: dict[str, int] = {}
    layer = packet
    while layer is not None and layer.__class__.__name__ != "NoPayload":
        name = layer.__class__.__name__
        number = counts.get(name, 0)
        counts[name] = number + 1
        yield (f"{name}[{number}]" if number else name), layer
        layer = layer.payload


def _shown(field: Any, layer: Any, value: Any) -> Any:
    """Return a field's value as a person writes it."""
    try:
        return field.i2repr(layer, value)
    except Exception:  # scapy's fields raise anything on odd values; this is for a message only
        return value


def ignore_mask(packet: Any, ignore: Iterable[str]) -> bytes:
    """Return a mask with ones for the bits to compare.

    Args:
        packet: the expected packet, dissected.
        ignore: fields not to compare, as ``IP.ttl``, a whole layer as ``UDP``, or ``payload``.

    Raises:
        ValueError: The packet has no such field; says which it has.
    """
    __tracebackhide__ = True  # pytest shows the test that named the field
    places = field_places(packet)
    size = len(bytes(packet))
    mask = bytearray(b"\xff" * size)
    for wanted in ignore:
        chosen = [p for p in places if p.name == wanted or p.name.partition(".")[0] == wanted]
        if not chosen:
            raise ValueError(f"the packet has no field '{wanted}'; it has {', '.join(p.name for p in places)}")
        for place in chosen:
            for bit in range(place.start_bits, place.end_bits):
                mask[bit // 8] &= ~(0x80 >> bit % 8) & 0xFF
    return bytes(mask)


def matches(expected: bytes, actual: bytes, mask: bytes = b"") -> bool:
    """Tell whether two frames agree where the mask has ones (everywhere without one).

    Zeros behind the end of a frame of under 60 bytes are padding of the wire and do not count.
    """
    if not mask:
        mask = b"\xff" * len(expected)
    if not _same_size(expected, actual):
        return False
    return all(not ((a ^ b) & m) for a, b, m in zip(expected, actual, mask, strict=False))


def _same_size(expected: bytes, actual: bytes) -> bool:
    longer = max(expected, actual, key=len)
    size = min(len(expected), len(actual))
    return len(longer) == size or (len(longer) <= 60 and not any(longer[size:]))


def diff_packets(expected: Any, actual: Any, mask: bytes = b"") -> str:
    """Return the differences, a field a line; "" if there are none.

    Args:
        expected: a scapy packet, or bytes that begin with Ethernet.
        actual: the same.
        mask: ones for the bits that count.
    """
    want, have = dissect(expected), dissect(actual, like=expected)
    want_bytes, have_bytes = bytes(expected), bytes(actual)
    if matches(want_bytes, have_bytes, mask):
        return ""
    want_fields = {place.name: place for place in field_places(want)}
    have_fields = {place.name: place for place in field_places(have)}
    lines = [
        _field_line(name, want_fields.get(name), have_fields.get(name))
        for name in {**want_fields, **have_fields}
        if _differs(want_fields.get(name), have_fields.get(name), want_bytes, have_bytes, mask)
    ]
    if len(want_bytes) != len(have_bytes):
        lines.append(f"  size: expected {len(want_bytes)} bytes, got {len(have_bytes)}")
    return "\n".join(lines or _byte_lines(want_bytes, have_bytes, mask))


def dissect(packet: Any, like: Any = None) -> Any:
    """Return a packet as scapy sees it on the wire, every field filled in.

    Where scapy loses the thread (a test's own header that is bound to no EtherType) the layers are those that the test
    put together.

    Args:
        packet: a scapy packet, or bytes.
        like: the packet whose layers the bytes may have.
    """
    from scapy.layers.l2 import Ether  # scapy takes 0.3 s

    data = bytes(packet)
    model = next((p for p in (packet, like) if hasattr(p, "fields_desc")), None)
    if model is None:
        return Ether(data)
    seen = model.__class__(data)
    if len(list(_layers(model))) <= len(list(_layers(seen))):
        return seen
    return _dissect_by_layers(data, model) or seen


def _dissect_by_layers(data: bytes, model: Any) -> Any:
    """Return the bytes dissected by the layers of another packet; None if they do not fit."""
    whole: Any = None
    for _, given in _layers(model):
        if not data:
            break
        layer = given.__class__()
        size = len(given) - len(given.payload) if layer.__class__.__name__ == "Raw" and given.payload else len(data)
        try:
            rest = layer.post_dissect(layer.do_dissect(layer.pre_dissect(data[:size])))
        except Exception:  # scapy's layers raise anything on bytes that are not theirs
            return None
        data = rest + data[size:]
        whole = layer if whole is None else whole / layer
    return whole / data if data else whole


def _bits(data: bytes, place: FieldPlace) -> int:
    whole = int.from_bytes(data, "big")
    return (whole >> max(0, 8 * len(data) - place.end_bits)) & ((1 << (place.end_bits - place.start_bits)) - 1)


def _differs(
    want: FieldPlace | None, have: FieldPlace | None, want_bytes: bytes, have_bytes: bytes, mask: bytes
) -> bool:
    if want is None or have is None:
        return want is not None or not (have is not None and have.name.startswith("Padding"))
    if want.end_bits - want.start_bits != have.end_bits - have.start_bits:
        return True
    cared = _bits(mask.ljust(len(want_bytes), b"\xff"), want) if mask else -1
    return bool((_bits(want_bytes, want) ^ _bits(have_bytes, have)) & cared)


def _field_line(name: str, want: FieldPlace | None, have: FieldPlace | None) -> str:
    if want is None:
        assert have is not None
        return f"  {name}: not expected, got {_short(have.value)}"
    if have is None:
        return f"  {name}: expected {_short(want.value)}, not there"
    return f"  {name}: expected {_short(want.value)}, got {_short(have.value)}"


def _short(value: Any) -> str:
    if isinstance(value, bytes):
        return value[:_BYTES_SHOWN].hex(" ") + (" ..." if len(value) > _BYTES_SHOWN else "")
    return str(value)


def _byte_lines(want: bytes, have: bytes, mask: bytes) -> list[str]:
    mask = mask or b"\xff" * len(want)
    return [
        f"  byte {i}: expected {a:02x}, got {b:02x}"
        for i, (a, b, m) in enumerate(zip(want, have, mask, strict=False))
        if (a ^ b) & m
    ][:_BYTES_SHOWN]
