"""The verbs that talk to a running network: show, flows, groups, value sets, megaflows, trace, stats.

``add_verbs`` is called by the registry of ``cli/__init__.py``; every verb asks ``client.py`` and prints what came back,
in Open vSwitch's manner, or as JSON with ``--json``.
"""

from __future__ import annotations

import argparse
import json
import string
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datapath.client import Client
from datapath.errors import FlowError, OvsP4Error, SwitchError

Json = dict[str, Any]
Verb = Callable[[argparse.Namespace, Client], tuple[Any, list[str]]]  # result for --json, lines for people

_EXIT_USER_ERROR = 2  # the command or a text in it is wrong
_EXIT_NO_SWITCH = 1  # there is no switch, or it could not do it
_DEFAULT_PRIORITY = 32768  # not printed, as Open vSwitch does


# ------------------------------------------------------------------------------------------------------ parsing
def add_verbs(subparsers: Any) -> None:
    """Add this module's verbs to an argument parser.

    Args:
        subparsers: What ``ArgumentParser.add_subparsers`` returned; each verb sets ``run``, which takes the parsed
            arguments and returns the exit status.
    """
    _verb(subparsers, "show", _show, "bridges, their engines and ports", bridge=False)
    add = _verb(subparsers, "add-flow", _add_flow, "add a flow, or replace the one of equal match and priority")
    add.add_argument(
        "flow", nargs="+", help="as of ovs-ofctl: table=0,priority=9,ipv4.dstAddr=10.0.0.0/8,actions=output:2"
    )
    add = _verb(subparsers, "add-flows", _add_flows, "add the flows of a file, all or none")
    add.add_argument("file", help="one flow a line, # starts a comment; - for standard input")
    delete = _verb(subparsers, "del-flows", _del_flows, "remove flows")
    delete.add_argument("filter", nargs="*", help="a flow without actions; nothing selects all flows")
    delete.add_argument("--strict", action="store_true", help="match and priority must be the very same")
    dump = _verb(subparsers, "dump-flows", _dump_flows, "the flows and their counters")
    dump.add_argument("filter", nargs="*", help="a flow without actions; nothing selects all flows")
    group = _verb(subparsers, "add-group", _add_group, "add or replace a group")
    group.add_argument("group", nargs="+", help="group_id=1,type=select,fields(ipv4.dstAddr),bucket=output:1,bucket=…")
    _verb(subparsers, "dump-groups", _dump_groups, "the groups")
    delete = _verb(subparsers, "del-groups", _del_groups, "remove groups, and the flows that use them")
    delete.add_argument("filter", nargs="*", help="group_id=N; nothing selects all groups")
    entries = "a value, value/mask, low..high or _; with commas between the fields of a struct"
    add = _verb(subparsers, "value-set-add", _value_set_add, "add entries to a value set of the parser")
    add.add_argument("name", help="the value set")
    add.add_argument("entry", nargs="+", help=entries + "; in parentheses if it begins with a minus sign")
    delete = _verb(subparsers, "value-set-del", _value_set_del, "remove entries from a value set")
    delete.add_argument("name", help="the value set")
    delete.add_argument("entry", nargs="*", help=entries + "; none: all")
    dump = _verb(subparsers, "value-set-dump", _value_set_dump, "the value sets and their entries")
    dump.add_argument("name", nargs="?", default="", help="only this value set")
    _verb(subparsers, "dump-megaflows", _dump_megaflows, "what is installed in the engines now")
    trace = _verb(subparsers, "trace", _trace, "what the switch would do with a packet, step by step")
    trace.add_argument("--in-port", required=True, help="number or interface that the packet comes in at")
    trace.add_argument(
        "--hex", required=True, help="the packet's bytes in hexadecimal; - reads them from standard input"
    )
    _verb(subparsers, "stats", _stats, "counters of ports, drops, parser errors, megaflows")


def _verb(subparsers: Any, name: str, verb: Verb, text: str, bridge: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(name, help=text, description=text)
    parser.add_argument("--network", metavar="NAME", help="which running network (default: the only one)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    if bridge:
        parser.add_argument("bridge")
    parser.set_defaults(run=lambda options: _run(verb, options))
    return parser


def _run(verb: Verb, options: argparse.Namespace) -> int:
    """Carry out a verb and print its result; return the exit status."""
    try:
        with Client(options.network) as client:
            result, lines = verb(options, client)
    except FlowError as error:
        print(f"ovsp4: {error}", file=sys.stderr)
        return _EXIT_USER_ERROR
    except (OvsP4Error, OSError) as error:
        print(f"ovsp4: {error}", file=sys.stderr)
        return _EXIT_NO_SWITCH
    if options.json:
        print(json.dumps(result))
    elif lines:
        print("\n".join(lines))
    return 0


# ------------------------------------------------------------------------------------------------------ verbs
def _show(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    shown = client.show()
    lines = [f"network {shown['name']} (vswitchd {shown['pid']})"]
    for name, bridge in shown["bridges"].items():
        reason, _, log = bridge["reason"].partition("\n")
        engine = bridge["engine"] + (f" ({reason})" if reason else "")
        lines += [f"  bridge {name}", f"    program {bridge['program']}", f"    engine {engine}"]
        lines += ["    (the verifier's last lines: ovsp4 show --json)"] * bool(log)
        for interface, port in bridge["ports"].items():
            lines.append(f"    port {port['port']}: {interface} ({'up' if port['up'] else 'down'})")
    return shown, lines


def _add_flow(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    client.add_flows(options.bridge, [" ".join(options.flow)])
    return {"added": 1}, []


def _add_flows(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    from datapath.openflow.flow_text import read_flow_lines

    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise FlowError(f"cannot read {options.file}: {error}") from error
    texts = read_flow_lines(text.splitlines())
    client.add_flows(options.bridge, texts)
    return {"added": len(texts)}, []


def _del_flows(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    n_removed = client.del_flows(options.bridge, " ".join(options.filter), options.strict)
    return {"removed": n_removed}, []


def _dump_flows(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    flows = client.dump_flows(options.bridge, " ".join(options.filter))
    return flows, [_flow_line(flow) for flow in flows]


def _flow_line(flow: Json) -> str:
    parts = [
        f"cookie={flow['cookie']:#x}",
        f"duration={flow['duration_s']:.3f}s",
        f"table={flow['table']}",
        f"n_packets={flow['n_packets']}",
        f"n_bytes={flow['n_bytes']}",
    ]
    parts += [f"{name}={flow[name]}" for name in ("idle_timeout", "hard_timeout") if flow[name]]
    priority = [] if flow["priority"] == _DEFAULT_PRIORITY else [f"priority={flow['priority']}"]
    match = ",".join([*priority, *([flow["match"]] if flow["match"] else [])])
    return f" {', '.join(parts)}, {match + ' ' if match else ''}actions={flow['actions']}"


def _add_group(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    client.add_groups(options.bridge, [" ".join(options.group)])
    return {"added": 1}, []


def _dump_groups(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    groups = client.dump_groups(options.bridge)
    return groups, [" " + group["text"] for group in groups]


def _del_groups(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    return {"removed": client.del_groups(options.bridge, " ".join(options.filter))}, []


def _value_set_add(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    client.value_set_add(options.bridge, options.name, options.entry)
    return {"added": len(options.entry)}, []


def _value_set_del(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    return {"removed": client.value_set_del(options.bridge, options.name, options.entry)}, []


def _value_set_dump(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    sets = client.value_set_dump(options.bridge, options.name)
    lines = []
    for found in sets:
        lines.append(f"{found['name']}: {len(found['entries'])} of {found['size']}, keys {', '.join(found['keys'])}")
        lines += [f"  {entry}" for entry in found["entries"]]
    return sets, lines


def _dump_megaflows(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    megaflows = client.dump_megaflows(options.bridge)
    lines = [
        f"{m['match']}, packets:{m['n_packets']}, bytes:{m['n_bytes']}, used:{m['idle_s']:.3f}s, "
        f"engines:{'+'.join(m['engines'])}, actions:{m['actions']}"
        for m in megaflows
    ]
    return megaflows, lines


def _stats(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    stats = client.stats(options.bridge)
    lines = []
    for interface, port in stats["ports"].items():
        lines.append(f"port {port['port']} ({interface}):")
        lines += [f"  {way} packets={port[f'{way}_packets']} bytes={port[f'{way}_bytes']}" for way in ("rx", "tx")]
    for title, counters in (("drops", stats["drops"]), ("parser errors", stats["parser_errors"])):
        lines.append(f"{title}: " + (", ".join(f"{k}={v}" for k, v in counters.items()) or "none"))
    others = {k: v for k, v in stats.items() if isinstance(v, int)}
    lines.append(", ".join(f"{name}={value}" for name, value in others.items()))
    return stats, lines


# ------------------------------------------------------------------------------------------------------ trace
def _packet(text: str) -> bytes:
    """Read hexadecimal digits, in bytes or words, with blanks or colons between them."""
    digits = "".join(text.replace(":", " ").split())
    try:
        return bytes.fromhex(digits)
    except ValueError:
        wrong = next((digit for digit in digits if digit not in string.hexdigits), "")
        what = f"'{wrong}' is no hexadecimal digit" if wrong else f"{len(digits)} digits: a byte has two"
        raise FlowError(f"--hex: {what}", text, text.find(wrong) + 1) from None


def _trace(options: argparse.Namespace, client: Client) -> tuple[Any, list[str]]:
    packet = _packet((sys.stdin.read() if options.hex == "-" else options.hex).strip())
    trace = client.trace(options.bridge, packet, _port_number(options, client))
    return trace, _parser_lines(trace["parser"]) + _lookup_lines(trace)


def _port_number(options: argparse.Namespace, client: Client) -> int:
    """Return --in-port as a number.

    Raises:
        FlowError: It is no port of the bridge.
    """
    bridges = client.show()["bridges"]
    if options.bridge not in bridges:
        raise SwitchError(f"no bridge {options.bridge} (bridges: {', '.join(bridges) or 'none'})")
    ports = {interface: port["port"] for interface, port in bridges[options.bridge]["ports"].items()}
    if options.in_port in ports:
        return int(ports[options.in_port])
    if options.in_port.isdecimal():
        return int(options.in_port)
    raise FlowError(f"--in-port: no such port; a number, or {', '.join(ports)}", options.in_port)


def _parser_lines(parser: Json) -> list[str]:
    error = f", {parser['error']}" if parser["error"] != "NoError" else ""
    lines = [f"parser: {parser['verdict']}{error}, at bit {parser['offset_bits']}"]
    lines.append("  states: " + " -> ".join(parser["states"]))
    lines += [f"  {path}: {header['text']}" for path, header in parser["headers"].items()]
    return lines


def _lookup_lines(trace: Json) -> list[str]:
    lines = [f"table {step['table']}: {step['flow'] or 'no flow'}" for step in trace["steps"]]
    lines += [f"group {group['group']}: bucket {group['bucket']}" for group in trace["groups"]]
    lines.append(f"megaflow: {trace['megaflow'] or 'any packet'}")
    lines.append(f"actions: {trace['actions'] or 'drop'}")
    outputs = ", ".join(
        f"{o['port']} ({o['interface']})" if o["interface"] else str(o["port"]) for o in trace["outputs"]
    )
    lines.append(f"result: output to {outputs}" if outputs else f"result: dropped, {trace['dropped'] or 'no output'}")
    return lines
