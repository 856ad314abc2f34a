"""Checks what a schema cannot say (that names exist, that ports are free ...) and builds the ``Topology``.

Fed by ``reader.py`` with a tree that may still have faults of shape: parts of the wrong type are passed over here,
since ``schema.py`` has reported them.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

from datapath import SwitchError, find_program
from topologies.generators import GENERATORS, Parts
from topologies.model import INTERFACE_NAME_MAX, Host, L3Fields, Link, Switch, Topology
from topologies.places import Faults, Placed, did_you_mean
from topologies.wiring import Wiring

EVERY_SWITCH = "*"
NODES_MAX = 1000  # that a generator makes: each is a process or a bridge
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")


def build(tree: Placed, path: Path, faults: Faults) -> Topology | None:
    """Return the topology, or None after noting what is wrong.

    Args:
        tree: the document, already checked against the schema.
        path: its file, which relative paths in it start from.
        faults: where mistakes go.
    """
    if not isinstance(tree.value, dict):
        return None
    params: dict[str, int] = {}
    parts: Parts | None = None
    if tree.get("generator"):
        params = _params(tree, faults)
        parts = _generate(tree, params, faults)
        switches, hosts = (parts.switches, {name: Host(name) for name in parts.hosts}) if parts else ([], {})
    else:
        if "switches" not in tree.value:  # all that follows would only say so again
            faults.add(tree.location, "", "'switches' is missing", "list the switches, or name a 'generator'")
            return None
        switches, hosts = _declared(tree, faults)
    wiring = Wiring(switches, list(hosts), faults)
    links = wiring.generated(parts.links) if parts else wiring.declared(_items(tree.get("links")))
    flows = _texts(tree, "flows", switches, faults)
    groups = _texts(tree, "groups", switches, faults)
    routing = _word(tree, "routing", "none")
    if not faults.found:
        wiring.check_hosts(tree, links)
        if routing != "none":
            wiring.check_connected(tree, links)
    _check_names(tree, links, faults)
    program, include_dirs = _program(tree, path, faults), _folders(tree, path, faults)
    if faults.found:
        return None
    return Topology(
        name=_word(tree, "name", path.stem),
        program=program,
        switches=tuple(Switch(name, flows.get(name, ()), groups.get(name, ())) for name in switches),
        hosts=tuple(hosts.values()),
        links=links,
        routing=routing,
        datapath=_word(tree, "datapath", "auto"),
        on_reject=_word(tree, "on_reject", "drop"),
        mtu=_count(tree, "mtu", 1500),
        include_dirs=include_dirs,
        defines=tuple((key, str(value)) for key, value in _plain(tree.get("defines")).items()),
        fields=_fields(tree),
        params=tuple(params.items()),
        source=str(path),
    )


def _plain(tree: Placed | None) -> dict[str, Any]:
    return dict(tree.plain()) if tree is not None and isinstance(tree.value, dict) else {}


def _word(tree: Placed, key: str, default: str) -> str:
    entry = tree.get(key)
    return entry.value if entry is not None and isinstance(entry.value, str) else default


def _count(tree: Placed, key: str, default: int) -> int:
    entry = tree.get(key)
    return entry.value if entry is not None and isinstance(entry.value, int) else default


def _items(tree: Placed | None) -> list[Placed]:
    return tree.value if tree is not None and isinstance(tree.value, list) else []


# ------------------------------------------------------------------------------------------------ switches and hosts
def _params(tree: Placed, faults: Faults) -> dict[str, int]:
    """Return the generator's parameters with the defaults filled in."""
    generator = GENERATORS.get(_word(tree, "generator", ""))
    if generator is None:
        return {}
    values = {name: parameter.default for name, parameter in generator.parameters.items()}
    given = tree.get("params")
    for name, entry in (given.value if given is not None and isinstance(given.value, dict) else {}).items():
        parameter = generator.parameters.get(name)
        if parameter is None:
            assert given is not None
            hint = did_you_mean(name, generator.parameters)
            faults.add(given.key_locations[name], "params", f"{_word(tree, 'generator', '')} has no '{name}'", hint)
        elif isinstance(entry.value, int) and not parameter.least <= entry.value <= parameter.most:
            limits = f"{parameter.least} to {parameter.most}"
            faults.add(entry.location, entry.path, f"{entry.value} is out of range: {limits}")
        elif isinstance(entry.value, int):
            values[name] = entry.value
    return values


def _generate(tree: Placed, params: dict[str, int], faults: Faults) -> Parts | None:
    generator = GENERATORS.get(_word(tree, "generator", ""))
    for key in ("switches", "hosts", "links"):
        if key in tree.value:
            hint = "leave it out, or leave 'generator' out"
            faults.add(tree.key_locations[key], "", f"'{key}' comes from the generator", hint)
    if generator is None:
        return None
    parts = generator.make(**params)
    n_nodes = len(parts.switches) + len(parts.hosts)
    if n_nodes > NODES_MAX:
        place = tree.get("params") or tree
        message = f"{len(parts.switches)} switches and {len(parts.hosts)} hosts; at most {NODES_MAX} nodes together"
        faults.add(place.location, place.path, message)
        return None
    return parts


def _declared(tree: Placed, faults: Faults) -> tuple[list[str], dict[str, Host]]:
    """Return the switches and hosts that the file lists."""
    if "params" in tree.value:
        faults.add(tree.key_locations["params"], "", "'params' without a 'generator'", "name one, or leave params out")
    seen: dict[str, Placed] = {}
    switches = [item for item in _items(tree.get("switches")) if isinstance(item.value, str)]
    hosts = tree.get("hosts")
    entries = [item for item in _items(hosts) if isinstance(item.value, str)]
    details: dict[str, Placed] = {}
    if hosts is not None and isinstance(hosts.value, dict):
        entries = [Placed(name, hosts.key_locations[name], hosts.path) for name in hosts.value]
        details = hosts.value
    for item in switches + entries:
        if item.value in seen:
            hint = f"first on line {seen[item.value].location.line}"
            faults.add(item.location, item.path, f"there is already a node '{item.value}'", hint)
        seen.setdefault(item.value, item)
    routed = _word(tree, "routing", "none") == "l3-ecmp"
    made = {item.value: _host(item.value, details.get(item.value), routed, faults) for item in entries}
    _check_unique(hosts, details, faults)
    return list(dict.fromkeys(item.value for item in switches)), made


def _host(name: str, details: Placed | None, routed: bool, faults: Faults) -> Host:
    if details is None:
        return Host(name)
    ip, gateway = _word(details, "ip", ""), _word(details, "gateway", "")
    mac, gateway_mac = _word(details, "mac", "").lower(), _word(details, "gateway_mac", "").lower()
    if ip:
        _check_address(ip, details.value["ip"], routed, faults)
    for key, value in (("mac", mac), ("gateway_mac", gateway_mac)):
        if _MAC.fullmatch(value) and int(value[1], 16) & 1:
            faults.add(details.value[key].location, details.value[key].path, f"{value} is a multicast address")
    if gateway:
        _check_gateway(gateway, details.value["gateway"], faults)
    if gateway_mac:
        _check_gateway_mac(details, gateway, routed, faults)
    return Host(name, ip, mac, gateway, gateway_mac)


def _check_gateway(gateway: str, place: Placed, faults: Faults) -> None:
    try:
        ipaddress.IPv4Address(gateway)
    except ValueError:
        faults.add(place.location, place.path, f"'{gateway}' is no IPv4 address", "like 10.0.1.254")


def _check_gateway_mac(details: Placed, gateway: str, routed: bool, faults: Faults) -> None:
    place = details.value["gateway_mac"]
    if routed:
        hint = "leave it out: switches route frames to their own MAC address"
        faults.add(place.location, place.path, "with routing l3-ecmp the gateway is the switch", hint)
    elif not gateway:
        faults.add(place.location, place.path, "there is no gateway", "name it: gateway: 10.0.1.254")


def _check_address(ip: str, place: Placed, routed: bool, faults: Faults) -> None:
    try:
        interface = ipaddress.IPv4Interface(ip)
    except ValueError:
        faults.add(place.location, place.path, f"'{ip}' is no IPv4 address with prefix length", "like 10.0.1.7/24")
        return
    network = interface.network
    if "/" not in ip:
        faults.add(place.location, place.path, f"{ip} has no prefix length", f"like {ip}/24")
    elif routed and network.prefixlen > 30:
        faults.add(place.location, place.path, f"{ip} leaves no room for a gateway", "a prefix of 30 or shorter: /24")
    elif network.prefixlen <= 30 and interface.ip in (network.network_address, network.broadcast_address):
        faults.add(place.location, place.path, f"{interface.ip} is {network}'s own or its broadcast address")


def _check_unique(hosts: Placed | None, details: dict[str, Placed], faults: Faults) -> None:
    """Note addresses that two hosts have."""
    for key in ("ip", "mac"):
        owner: dict[str, str] = {}
        for name, entry in details.items():
            value = _word(entry, key, "").lower().split("/")[0]
            if value and value in owner:
                place = entry.value[key]
                faults.add(place.location, place.path, f"{owner[value]} has {value} already")
            owner.setdefault(value, name)


def _check_names(tree: Placed, links: tuple[Link, ...], faults: Faults) -> None:
    """Note node names that would make an interface name longer than Linux allows."""
    nodes = _items(tree.get("switches")) + _items(tree.get("hosts"))
    places = {item.value: item for item in nodes if isinstance(item.value, str)}
    noted = set()
    for end in (end for link in links for end in (link.a, link.b)):
        if len(end.interface) > INTERFACE_NAME_MAX and end.node not in noted:
            noted.add(end.node)
            place = places.get(end.node, tree)
            message = f"'{end.node}' is too long: Linux takes {INTERFACE_NAME_MAX} letters, {end.interface} has"
            faults.add(place.location, place.path, f"{message} {len(end.interface)}", "give it a shorter name")


# ------------------------------------------------------------------------------------------------ the program
def _program(tree: Placed, path: Path, faults: Faults) -> str:
    """Return the P4 file's absolute path; the name of a program that ships stays as it is."""
    entry = tree.get("program")
    if entry is None or not isinstance(entry.value, str):
        return ""
    if not entry.value.endswith(".p4") and "/" not in entry.value:
        try:
            find_program(entry.value)
        except SwitchError as error:
            faults.add(entry.location, entry.path, str(error), "a file's name ends in .p4")
        return entry.value
    file = (path.parent / entry.value).absolute()
    if not file.is_file():
        nearby = sorted(p.name for p in file.parent.iterdir() if p.suffix == ".p4") if file.parent.is_dir() else []
        hint = did_you_mean(file.name, nearby) or "paths are relative to the topology's file"
        if file.exists():
            faults.add(entry.location, entry.path, f"{file} is no regular file", "name the P4 file itself")
        else:
            faults.add(entry.location, entry.path, f"there is no file {file}", hint)
    return str(file)


def _folders(tree: Placed, path: Path, faults: Faults) -> tuple[str, ...]:
    folders = []
    for item in _items(tree.get("include_dirs")):
        if isinstance(item.value, str):
            folder = (path.parent / item.value).absolute()
            if not folder.is_dir():
                faults.add(item.location, item.path, f"there is no folder {folder}")
            folders.append(str(folder))
    return tuple(folders)


def _fields(tree: Placed) -> L3Fields:
    values = _plain(tree.get("fields"))
    known = {name: values[name] for name in ("ethernet_dst", "ethernet_src", "ipv4_dst", "ipv4_ttl") if name in values}
    hashed = values.get("hash", ())
    return L3Fields(**known, hash=tuple(hashed) if isinstance(hashed, list) else ())


def _texts(tree: Placed, key: str, switches: list[str], faults: Faults) -> dict[str, tuple[str, ...]]:
    """Return the flow or group texts of each switch; those for every switch come first."""
    texts: dict[str, list[str]] = {name: [] for name in switches}
    entry = tree.get(key)
    if entry is None or not isinstance(entry.value, dict):
        return {}
    for name, text in sorted(entry.value.items(), key=lambda item: item[0] != EVERY_SWITCH):
        lines = text.value.splitlines() if isinstance(text.value, str) else [item.value for item in _items(text)]
        wanted = [line.strip() for line in lines if isinstance(line, str)]
        wanted = [line for line in wanted if line and not line.startswith("#")]
        if name != EVERY_SWITCH and name not in texts:
            hint = did_you_mean(name, switches)
            faults.add(entry.key_locations[name], key, f"there is no switch '{name}'", hint)
        for switch in switches if name == EVERY_SWITCH else [name] if name in texts else []:
            texts[switch] += wanted
    return {name: tuple(lines) for name, lines in texts.items()}
