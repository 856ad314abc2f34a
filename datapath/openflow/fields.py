"""The fields that a program's flows can match on and set: P4 paths, and Open vSwitch's names where they mean something.

Built from a KeyLayout alone.  A name of Open vSwitch stands for bits of a recognised header (``protocols.py``), whether
or not the program has one field for exactly these bits; a program without IPv4 has no ``nw_dst``.  ``dl_type`` is the
Ethernet header's own field, so a tag's protocol in tagged packets; ``ip``, ``arp`` ... say that the header is there,
tagged or not (and so does ``dl_type`` with their numbers, where there are tags: ``match_text.py``).

Read by ``match_text.py`` and ``action_text.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from datapath.ir.layout import IN_PORT_OFFSET, PARSER_ERROR_OFFSET, VALID_OFFSET, KeyField, KeyLayout
from datapath.openflow.protocols import recognise_protocols
from datapath.openflow.text import suggest


@dataclass(frozen=True)
class FieldSpec:
    """A name and the key bits it stands for."""

    name: str
    offset_bits: int  # in the key
    width_bits: int
    header: str = ""  # must be valid for the field to mean anything
    style: str = "decimal"  # see values.format_value; also "port" and "error"
    signed: bool = False
    usable_mask: int | None = None  # bits that the name stands for; None: all
    settable: bool = True
    only_if_named: bool = False  # no meaning of the name unless the flow names the header


# Open vSwitch name: (protocol, offset and width in its header in bits, style).  Several lines for a name are
# alternatives, between which the headers named in the same flow decide.  Source: ovs-fields(7).
_OVS_FIELDS: tuple[tuple[str, str, int, int, str], ...] = (
    ("dl_dst", "ethernet", 0, 48, "mac"),
    ("dl_src", "ethernet", 48, 48, "mac"),
    ("dl_type", "ethernet", 96, 16, "hex"),
    ("eth_dst", "ethernet", 0, 48, "mac"),
    ("eth_src", "ethernet", 48, 48, "mac"),
    ("eth_type", "ethernet", 96, 16, "hex"),
    ("dl_vlan", "vlan", 4, 12, "decimal"),
    ("dl_vlan_pcp", "vlan", 0, 3, "decimal"),
    ("vlan_pcp", "vlan", 0, 3, "decimal"),
    ("vlan_vid", "vlan", 4, 12, "decimal"),
    ("vlan_tci", "vlan", 0, 16, "hex"),
    ("mpls_label", "mpls", 0, 20, "decimal"),
    ("mpls_tc", "mpls", 20, 3, "decimal"),
    ("mpls_bos", "mpls", 23, 1, "decimal"),
    ("mpls_ttl", "mpls", 24, 8, "decimal"),
    ("nw_src", "ipv4", 96, 32, "ipv4"),
    ("nw_dst", "ipv4", 128, 32, "ipv4"),
    ("ip_src", "ipv4", 96, 32, "ipv4"),
    ("ip_dst", "ipv4", 128, 32, "ipv4"),
    ("nw_proto", "ipv4", 72, 8, "decimal"),
    ("nw_proto", "ipv6", 48, 8, "decimal"),
    ("ip_proto", "ipv4", 72, 8, "decimal"),
    ("ip_proto", "ipv6", 48, 8, "decimal"),
    ("nw_ttl", "ipv4", 64, 8, "decimal"),
    ("nw_ttl", "ipv6", 56, 8, "decimal"),
    ("nw_tos", "ipv4", 8, 8, "hex"),
    ("nw_tos", "ipv6", 4, 8, "hex"),
    ("ip_dscp", "ipv4", 8, 6, "decimal"),
    ("ip_dscp", "ipv6", 4, 6, "decimal"),
    ("nw_ecn", "ipv4", 14, 2, "decimal"),
    ("nw_ecn", "ipv6", 10, 2, "decimal"),
    ("ip_ecn", "ipv4", 14, 2, "decimal"),
    ("ip_ecn", "ipv6", 10, 2, "decimal"),
    ("ip_frag", "ipv4", 50, 14, "hex"),  # more-fragments bit and offset
    ("ipv6_src", "ipv6", 64, 128, "ipv6"),
    ("ipv6_dst", "ipv6", 192, 128, "ipv6"),
    ("ipv6_label", "ipv6", 12, 20, "hex"),
    ("arp_op", "arp", 48, 16, "decimal"),
    ("arp_sha", "arp", 64, 48, "mac"),
    ("arp_spa", "arp", 112, 32, "ipv4"),
    ("arp_tha", "arp", 144, 48, "mac"),
    ("arp_tpa", "arp", 192, 32, "ipv4"),
    ("nw_proto", "arp", 48, 16, "decimal"),
    ("nw_src", "arp", 112, 32, "ipv4"),
    ("nw_dst", "arp", 192, 32, "ipv4"),
    ("arp_sha", "arp_addresses", 0, 48, "mac"),
    ("arp_spa", "arp_addresses", 48, 32, "ipv4"),
    ("arp_tha", "arp_addresses", 80, 48, "mac"),
    ("arp_tpa", "arp_addresses", 128, 32, "ipv4"),
    ("tcp_src", "tcp", 0, 16, "decimal"),
    ("tcp_dst", "tcp", 16, 16, "decimal"),
    ("tcp_flags", "tcp", 100, 12, "hex"),
    ("udp_src", "udp", 0, 16, "decimal"),
    ("udp_dst", "udp", 16, 16, "decimal"),
    ("sctp_src", "sctp", 0, 16, "decimal"),
    ("sctp_dst", "sctp", 16, 16, "decimal"),
    ("tp_src", "tcp", 0, 16, "decimal"),
    ("tp_src", "udp", 0, 16, "decimal"),
    ("tp_src", "sctp", 0, 16, "decimal"),
    ("tp_dst", "tcp", 16, 16, "decimal"),
    ("tp_dst", "udp", 16, 16, "decimal"),
    ("tp_dst", "sctp", 16, 16, "decimal"),
    ("icmp_type", "icmp", 0, 8, "decimal"),
    ("icmp_code", "icmp", 8, 8, "decimal"),
    ("icmpv6_type", "icmp6", 0, 8, "decimal"),
    ("icmpv6_code", "icmp6", 8, 8, "decimal"),
)
OVS_NAMES = frozenset(name for name, *_ in _OVS_FIELDS)
# What architectures have as metadata, and P4 as methods: a hint where a flow has something else for it.
_P4_WORDS = {
    "ingress_port": "did you mean in_port?",
    "egress_port": "where a packet goes is an action: output:PORT",
    "egress_spec": "where a packet goes is an action: output:PORT",
    "isValid()": "a header's name alone says that it is there, HEADER.$valid=0 that it is not",
}
_USABLE_MASKS = {"nw_tos": 0xFC}  # Open vSwitch matches and sets the DSCP bits of it only

# Shorthand: the protocols whose headers must be valid.
_SHORTHANDS: dict[str, tuple[str, ...]] = {
    "eth": ("ethernet",),
    "vlan": ("vlan",),
    "mpls": ("mpls",),
    "arp": ("arp",),
    "ip": ("ipv4",),
    "ipv4": ("ipv4",),
    "ipv6": ("ipv6",),
    "icmp": ("icmp",),
    "icmp6": ("icmp6",),
    "icmpv6": ("icmp6",),
    "tcp": ("tcp",),
    "udp": ("udp",),
    "sctp": ("sctp",),
    "tcp6": ("ipv6", "tcp"),
    "udp6": ("ipv6", "udp"),
    "sctp6": ("ipv6", "sctp"),
}


class FieldRegistry:
    """All names of one program's fields."""

    def __init__(self, layout: KeyLayout) -> None:
        self.layout = layout
        protocols = recognise_protocols(layout)
        self.protocols = {name: header.path for name, header in protocols.items()}
        self.aliases: dict[str, tuple[FieldSpec, ...]] = {}
        for name, protocol, offset_bits, width_bits, style in _OVS_FIELDS:
            if protocol in protocols:
                start = protocols[protocol].key_offset * 8 + offset_bits
                spec = FieldSpec(
                    name,
                    start,
                    width_bits,
                    protocols[protocol].path,
                    style,
                    usable_mask=_USABLE_MASKS.get(name),
                    only_if_named=protocol == "arp" and name.startswith("nw_"),
                )
                self.aliases[name] = (*self.aliases.get(name, ()), spec)
        self._styles = {
            (s.offset_bits, s.width_bits, s.header): s.style for specs in self.aliases.values() for s in specs
        }
        self.fields = {spec.name: spec for spec in map(self._spec, layout.fields) if spec}
        self.shorthands = self._shorthands()
        self._by_bits: dict[tuple[int, int, str], FieldSpec] = {}
        for spec in [*(s for specs in self.aliases.values() for s in specs), *self.fields.values()]:
            self._by_bits[spec.offset_bits, spec.width_bits, spec.header] = spec  # a P4 path comes last, and wins

    def _spec(self, field: KeyField) -> FieldSpec | None:
        last = field.path.rpartition(".")[2]
        read_only = last.startswith("$")
        if field.offset_bits == IN_PORT_OFFSET * 8:
            return FieldSpec(field.path, field.offset_bits, field.width_bits, style="port", settable=False)
        if field.offset_bits == PARSER_ERROR_OFFSET * 8:
            return FieldSpec(field.path, field.offset_bits, field.width_bits, style="error", settable=False)
        if PARSER_ERROR_OFFSET * 8 < field.offset_bits < VALID_OFFSET * 8:
            return None  # the engine's own
        header = "" if last == "$valid" else field.header
        style = self._styles.get((field.offset_bits, field.width_bits, header)) or _style_by_name(field)
        return FieldSpec(
            field.path,
            field.offset_bits,
            field.width_bits,
            header,
            style,
            field.signed,
            settable=bool(header) and not read_only,
        )

    def _shorthands(self) -> dict[str, tuple[str, ...]]:
        names = {
            name: tuple(self.protocols[p] for p in protocols)
            for name, protocols in _SHORTHANDS.items()
            if all(p in self.protocols for p in protocols)
        }
        for header in self.layout.headers:
            if header.path.endswith("[0]"):
                names[header.path.removesuffix("[0]")] = (header.path,)
        names.update({header.path: (header.path,) for header in self.layout.headers})  # the program's own word wins
        return names

    def candidates(self, name: str) -> tuple[FieldSpec, ...]:
        """Return what a name may stand for: nothing, one field, or several between which headers decide."""
        return (self.fields[name],) if name in self.fields else self.aliases.get(_short_name(name), ())

    def at(self, offset_bits: int, width_bits: int, header: str) -> FieldSpec | None:
        """Return the field of exactly these key bits, by its P4 path if it has one."""
        return self._by_bits.get((offset_bits, width_bits, header))

    def ttl_fields(self) -> tuple[FieldSpec, ...]:
        """Return the fields that a plain ``dec_ttl`` may mean."""
        specs = self.aliases.get("nw_ttl", ())
        return tuple(self.at(s.offset_bits, s.width_bits, s.header) or s for s in specs)

    def explain(self, name: str) -> tuple[str, str]:
        """Return message and hint for a name that is no field of this program."""
        if name in OVS_NAMES or name in _SHORTHANDS:
            return f"{self.layout.program} has no header that {name} could mean", self.describe()
        header, dot, last = name.rpartition(".")
        if last in _P4_WORDS and last not in self.fields:
            return "no such field", _P4_WORDS[last]
        if dot and any(h.path == header for h in self.layout.headers):
            tails = [f.removeprefix(header + ".") for f in self.fields if f.startswith(header + ".")]
            tails = [t for t in tails if "." not in t]
            near = suggest(name.rpartition(".")[2], tails)
            listed = "" if near.startswith("legal") else "; legal: " + ", ".join(tails)
            return f"{header} has no such field", near + listed
        near = suggest(name, [*self.fields, *self.aliases, *self.shorthands])
        return "no such field", near if near.startswith("did") else self.describe()

    def describe(self) -> str:
        """Return all legal names, fields grouped by their header."""
        groups: dict[str, list[str]] = {}
        for path, spec in self.fields.items():
            header = spec.header or path.removesuffix(".$valid")
            tail = path.removeprefix(header + ".")
            groups.setdefault(header if tail != path else "", []).append(tail)
        own = [*groups.pop("", [])] + [f"{h}.{{{','.join(tails)}}}" for h, tails in groups.items()]
        text = "legal: " + ", ".join(own)
        if self.aliases:
            text += "; Open vSwitch's " + ", ".join(sorted(self.aliases))
        return text + "; a header's name alone: it is there"


# Where the name in OpenFlow's or Nicira's match format is not the short one in capitals.  Source: ovs-fields(7).
_LONG_NAMES = {
    "ip_tos": "nw_tos",
    "ip_ttl": "nw_ttl",
    "ipv4_src": "ip_src",
    "ipv4_dst": "ip_dst",
    "ipv6_flabel": "ipv6_label",
    "icmpv4_type": "icmp_type",
    "icmpv4_code": "icmp_code",
}


def _short_name(name: str) -> str:
    """Return ``ip_dst`` for ``NXM_OF_IP_DST``, as ``load`` writes it, and any other name as it is."""
    found = re.fullmatch(r"(?:NXM_OF|NXM_NX|OXM_OF)_([A-Z0-9_]+)", name)
    return _LONG_NAMES.get(found[1].lower(), found[1].lower()) if found else name


def _style_by_name(field: KeyField) -> str:
    """Choose how values of a field that no protocol claims are printed."""
    name = field.path.rpartition(".")[2].lower()
    address = any(word in name for word in ("addr", "src", "dst", "mac", "target", "gateway", "ip"))
    if address and field.width_bits in (32, 48, 128):
        return {32: "ipv4", 48: "mac", 128: "ipv6"}[field.width_bits]
    return "hex" if field.width_bits > 32 or "type" in name else "decimal"


def resolve(candidates: Sequence[FieldSpec], headers: Iterable[str]) -> tuple[FieldSpec, ...]:
    """Return the candidates that the headers named in a flow leave.

    Args:
        candidates: Alternatives of one name.
        headers: Paths of the headers that the flow requires.

    Returns:
        One, if the headers decide or there is nothing to decide; else all.
    """
    named = set(headers)
    left = tuple(spec for spec in candidates if spec.header in named)
    if len(left) == 1:
        return left
    return tuple(spec for spec in candidates if spec.header in named or not spec.only_if_named) or tuple(candidates)
