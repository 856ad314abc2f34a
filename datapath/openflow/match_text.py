"""The match part of a flow text: ``in_port=1,ipv4.dstAddr=10.0.0.0/8,vlan[0].$valid=0`` <-> ``Match``.

Used by ``flow_text.py`` for flows and filters and by the management side to print megaflows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from datapath.ir.layout import VALID_OFFSET
from datapath.openflow.fields import FieldRegistry, FieldSpec, resolve
from datapath.openflow.ovs_values import SPECIAL_NAMES, Bits, parse_special
from datapath.openflow.text import Faults, Span, parse_unsigned, suggest
from datapath.openflow.values import format_value, parse_value
from datapath.slowpath.model import Match

N_PORTS = 1024  # DP_PORTS_MAX of runtime/dp.h

# What an exact value of a field says about the headers behind it, so that nw_proto and tp_dst find theirs.
_ETHER_TYPES = {0x0800: "ipv4", 0x86DD: "ipv6", 0x0806: "arp"}
_CARRIED_BY = {"icmp": "ipv4", "icmp6": "ipv6"}
_ETHER_TYPE_NAMES = ("dl_type", "eth_type")
_IP_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6", 132: "sctp"}


class MatchBuilder:
    """Collects key bits; two values for one bit are refused."""

    def __init__(self, registry: FieldRegistry) -> None:
        self._registry = registry
        self._key_bits = registry.layout.key_size * 8
        self._key = 0
        self._mask = 0

    def put(self, bits: Bits) -> bool:
        """Match on some bits; return whether they agree with what is matched already."""
        shift = self._key_bits - bits.offset_bits - bits.width_bits
        key, mask = (bits.value & bits.mask) << shift, bits.mask << shift
        agrees = (self._key ^ key) & self._mask & mask == 0
        self._key |= key
        self._mask |= mask
        return agrees

    def require(self, header: str, valid: bool = True) -> bool:
        """Match on a header's validity; return whether that agrees with what is matched already."""
        return self.put(Bits(validity_offset(self._registry, header), 1, int(valid), 1))

    def build(self) -> Match:
        size = self._registry.layout.key_size
        return Match((self._key & self._mask).to_bytes(size, "big"), self._mask.to_bytes(size, "big"))


def validity_offset(registry: FieldRegistry, header: str) -> int:
    """Return the key bit that says whether a header is there."""
    return VALID_OFFSET * 8 + registry.layout.header(header).header_id


def parse_match(
    items: Sequence[Span], registry: FieldRegistry, faults: Faults, ports: Mapping[str, int]
) -> tuple[Match, frozenset[str]]:
    """Read the items of a match.

    Args:
        items: ``field=value[/mask]`` or the name of a header, one each.
        registry: Of the program.
        faults: Takes what is wrong.
        ports: Interface name -> port number.

    Returns:
        The match, and the headers that it speaks of (for names that could mean fields of several headers).
    """
    headers = named_headers(items, registry)
    builder = MatchBuilder(registry)
    for item in items:
        name, value = item.partition("=")
        if value is None:
            _parse_header_name(name, registry, builder, faults)
            continue
        spec = choose_field(name, registry, headers, faults)
        if spec is None:
            continue
        bits = _parse_field_value(spec, name, value, registry, faults, ports)
        if bits is None:
            continue
        agrees = [builder.put(b) for b in bits]
        if spec.header and not any(_says_a_header_is_there(b, registry) for b in bits):
            agrees.append(builder.require(spec.header))
        if not all(agrees):
            faults.add(item, f"{name.text} contradicts an earlier part of this flow")
    return builder.build(), headers


def _says_a_header_is_there(bits: Bits, registry: FieldRegistry) -> bool:
    return 0 <= bits.offset_bits - VALID_OFFSET * 8 < len(registry.layout.headers)


def named_headers(items: Sequence[Span], registry: FieldRegistry) -> frozenset[str]:
    """Return the headers that a match requires or implies, as far as names and well-known values tell."""
    headers: set[str] = set()
    parts = [item.partition("=") for item in items]
    values = [(name.text, value.text) for name, value in parts if value is not None]
    for name, value in parts:  # ip,tcp
        if value is None:
            headers.update(registry.shorthands.get(name.text, ()))
    ether_type = {(spec.offset_bits, spec.header) for spec in registry.aliases.get("dl_type", ())}
    headers.update(_implied(values, ether_type, _ETHER_TYPES, registry, headers))
    for above, below in _CARRIED_BY.items():  # icmp6,nw_tos=… is a field of IPv6
        if registry.protocols.get(above) in headers and below in registry.protocols:
            headers.add(registry.protocols[below])
    for field, _ in values:  # the fields that have only one meaning beside these headers
        left = resolve(registry.candidates(field), headers)
        if len(left) == 1 and left[0].header:
            headers.add(left[0].header)
    protocol = {(s.offset_bits, s.header) for s in registry.aliases.get("nw_proto", ()) if not s.only_if_named}
    headers.update(_implied(values, protocol, _IP_PROTOCOLS, registry, headers))
    return frozenset(headers)


def _implied(
    values: Sequence[tuple[str, str]],
    places: set[tuple[int, str]],
    protocols: Mapping[int, str],
    registry: FieldRegistry,
    headers: Iterable[str],
) -> set[str]:
    """Return the headers that a number in one of these fields says are there: dl_type=0x0800, nw_proto=6."""
    implied = set()
    for field, text in values:
        number = parse_unsigned(text)
        meanings = {(spec.offset_bits, spec.header) for spec in resolve(registry.candidates(field), headers)}
        protocol = protocols.get(-1 if number is None else number, "")
        if meanings & places and protocol in registry.protocols:
            implied.add(registry.protocols[protocol])
    return implied


def choose_field(name: Span, registry: FieldRegistry, headers: frozenset[str], faults: Faults) -> FieldSpec | None:
    """Return the field that a name means beside these headers; None, and a fault, if that is not one field."""
    candidates = registry.candidates(name.text)
    if not candidates:
        faults.add(name, *registry.explain(name.text))
        return None
    left = resolve(candidates, headers)
    if len(left) > 1:
        meanings = [registry.at(s.offset_bits, s.width_bits, s.header) or s for s in left]
        faults.add(
            name,
            f"{name.text} could be " + " or ".join(f"a field of {s.header}" for s in meanings),
            "name the header too (" + " or ".join(f"{s.header},{name.text}=…" for s in meanings) + "), or write "
            "the field's path (" + " or ".join(s.name for s in meanings) + ")",
        )
        return None
    return left[0]


def _parse_header_name(name: Span, registry: FieldRegistry, builder: MatchBuilder, faults: Faults) -> None:
    headers = registry.shorthands.get(name.text)
    if headers is None:
        if registry.candidates(name.text):
            faults.add(name, f"{name.text} needs a value", f"write {name.text}=VALUE or {name.text}=VALUE/MASK")
        else:
            faults.add(name, *registry.explain(name.text))
        return
    if not all([builder.require(header) for header in headers]):
        faults.add(name, f"{name.text} contradicts an earlier part of this flow")


def _parse_field_value(
    spec: FieldSpec, name: Span, value: Span, registry: FieldRegistry, faults: Faults, ports: Mapping[str, int]
) -> list[Bits] | None:
    """Return the key bits that ``name=value`` matches on; None, and a fault, if the value is wrong."""
    try:
        if name.text in SPECIAL_NAMES:
            special = parse_special(name.text, value.text, spec, validity_offset(registry, spec.header))
            if special is not None:
                return special
        if name.text in _ETHER_TYPE_NAMES and (header := _header_of_ether_type(value.text, registry)):
            return [Bits(validity_offset(registry, header), 1, 1, 1)]
        if spec.style == "port":
            return [_whole(spec, parse_port(value.text, ports))]
        if spec.style == "error":
            return [_whole(spec, _parse_error_name(value.text, registry.layout.errors))]
        number, mask = parse_value(value.text, spec.width_bits, spec.signed)
    except ValueError as error:
        faults.add(value if value.text else name, str(error))
        return None
    usable = mask if spec.usable_mask is None else mask & spec.usable_mask
    return [Bits(spec.offset_bits, spec.width_bits, number & usable, usable)]


def _header_of_ether_type(text: str, registry: FieldRegistry) -> str:
    """Return the header that ``dl_type=0x0800`` finds behind tags too; "" if only the field itself can be meant."""
    protocol = _ETHER_TYPES.get(parse_unsigned(text) or 0, "")
    return registry.protocols.get(protocol, "") if "vlan" in registry.protocols else ""


def _whole(spec: FieldSpec, value: int) -> Bits:
    return Bits(spec.offset_bits, spec.width_bits, value, (1 << spec.width_bits) - 1)


def parse_port(text: str, ports: Mapping[str, int]) -> int:
    """Read a port by number or by its interface's name.

    Raises:
        ValueError: It is neither.
    """
    if text in ports:
        return ports[text]
    number = parse_unsigned(text)
    if number is None:
        raise ValueError(f"no such port: a number, or {', '.join(ports)}" if ports else "not a port number")
    if not 0 < number < N_PORTS:
        raise ValueError(f"a port number is 1 to {N_PORTS - 1}")
    return number


def _parse_error_name(text: str, errors: Sequence[str]) -> int:
    if text.removeprefix("error.") in errors:
        return errors.index(text.removeprefix("error."))
    number = parse_unsigned(text)
    if number is None or number >= len(errors):
        raise ValueError(f"no such parser error; {suggest(text, errors)}")
    return number


def format_match(match: Match, registry: FieldRegistry) -> list[str]:
    """Print a match as items that ``parse_match`` reads back.

    Fields are printed for the headers that the match requires; bits of other headers' fields (a megaflow has looked at
    them to find the header missing, say) only where nothing says that the header is absent.
    """
    reader = _BitReader(match, registry)
    items, printed_headers = [], set()
    for certain in (True, False):
        for spec in registry.fields.values():
            if spec.name.endswith(".$valid") or reader.is_certain(spec.header) is not certain:
                continue
            mask = reader.mask_of(spec)
            if mask and (certain or reader.is_unprinted(spec)):
                items.append(f"{spec.name}={_format_field(spec, reader.key_of(spec), mask, registry)}")
                printed_headers.add(spec.header)
                reader.mark_printed(spec)
    for header, valid in reader.validity.items():
        if not valid:
            items.append(f"{header}.$valid=0")
        elif header not in printed_headers:
            items.append(header)
    return items


class _BitReader:
    """Key and mask as numbers, and what of the mask is printed already."""

    def __init__(self, match: Match, registry: FieldRegistry) -> None:
        self._key_bits = registry.layout.key_size * 8
        self._key = int.from_bytes(match.key, "big")
        self._mask = self._unprinted = int.from_bytes(match.mask, "big")
        self.validity = {
            header.path: bool(self._bits(VALID_OFFSET * 8 + header.header_id, 1, self._key))
            for header in registry.layout.headers
            if self._bits(VALID_OFFSET * 8 + header.header_id, 1, self._mask)
        }

    def _bits(self, offset_bits: int, width_bits: int, of: int) -> int:
        return of >> (self._key_bits - offset_bits - width_bits) & ((1 << width_bits) - 1)

    def is_certain(self, header: str) -> bool | None:
        """Return whether the header is there for all that match; None if it is not there."""
        if not header or self.validity.get(header):
            return True
        return None if header in self.validity else False

    def key_of(self, spec: FieldSpec) -> int:
        return self._bits(spec.offset_bits, spec.width_bits, self._key)

    def mask_of(self, spec: FieldSpec) -> int:
        return self._bits(spec.offset_bits, spec.width_bits, self._mask)

    def is_unprinted(self, spec: FieldSpec) -> bool:
        return self._bits(spec.offset_bits, spec.width_bits, self._unprinted) != 0

    def mark_printed(self, spec: FieldSpec) -> None:
        shift = self._key_bits - spec.offset_bits - spec.width_bits
        self._unprinted &= ~(((1 << spec.width_bits) - 1) << shift)


def _format_field(spec: FieldSpec, value: int, mask: int, registry: FieldRegistry) -> str:
    if spec.style == "error" and mask == (1 << spec.width_bits) - 1 and value < len(registry.layout.errors):
        return registry.layout.errors[value]
    style = "decimal" if spec.style in ("port", "error") else spec.style
    return format_value(value, mask, spec.width_bits, style)
