"""Turns what a user writes after ``--topology`` into a ``Topology``: a name or path, parameters, the YAML behind it.

The entry is ``load``.  Order of work: ``spec`` text -> file -> ``places.py`` (values with places) -> ``schema.py``
(shape) -> ``check.py`` (sense) -> ``Topology``.  Every mistake found on the way is reported in one ``TopologyError``.
"""

from __future__ import annotations

import re
from pathlib import Path

from datapath import Location
from topologies.check import build
from topologies.generators import GENERATORS
from topologies.model import Topology
from topologies.places import Faults, Placed, did_you_mean, parse
from topologies.schema import check_schema

HERE = Path(__file__).parent
OVERRIDES = (
    "program",
    "routing",
    "datapath",
    "on_reject",
    "mtu",
)  # keys of the file that may stand between the brackets
_SPEC = re.compile(r"(?P<target>[^\[\]]+)(\[(?P<params>[^\[\]]*)\])?")


def names() -> tuple[str, ...]:
    """Return the names of the topologies that ship."""
    return tuple(sorted(path.stem for path in HERE.glob("*.yaml")))


def load(spec: str) -> Topology:
    """Read a topology.

    Args:
        spec: a name (``leaf-spine``) or the path of a YAML file, and parameters if any:
            ``leaf-spine[leaves=2,spines=2]``, ``net.yaml[datapath=afxdp]``.

    Raises:
        TopologyError: with every mistake in the spec and in the file, each with its place.
    """
    faults = Faults()
    faults.add_text(spec, spec)
    match = _SPEC.fullmatch(spec.strip())
    if match is None:
        faults.add(Location(spec, 1, 1), "", "not a topology", "write NAME, PATH.yaml or NAME[param=value,...]")
        faults.raise_if_any()
    assert match is not None
    path = _find(match["target"].strip(), spec, faults)
    faults.raise_if_any()
    tree = _read(path, faults)
    if tree is None:
        faults.raise_if_any()
    assert tree is not None
    if match["params"]:
        tree = _override(tree, match["params"], spec, spec.index("[") + 1, faults)
    check_schema(tree, faults)
    topology = build(tree, path, faults)
    faults.raise_if_any()
    assert topology is not None
    return topology


def _find(target: str, spec: str, faults: Faults) -> Path:
    """Return the file that a name or path stands for."""
    if "/" in target or target.endswith((".yaml", ".yml")):
        path = Path(target)
        if path.exists() and not path.is_file():
            faults.add(Location(spec, 1, 1), "", f"{path} is no regular file", "name the YAML file itself")
        elif not path.exists():
            faults.add(Location(spec, 1, 1), "", f"there is no file {path}", _siblings(path))
        return path
    path = HERE / f"{target}.yaml"
    if not path.is_file():
        hint = did_you_mean(target, names()) + "; a file's path ends in .yaml"
        faults.add(Location(spec, 1, 1), "", f"there is no topology '{target}'", hint)
    return path


def _siblings(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent} either"
    return did_you_mean(path.name, sorted(p.name for p in path.parent.iterdir() if p.suffix in (".yaml", ".yml")))


def _read(path: Path, faults: Faults) -> Placed | None:
    place = Location(str(path), 1, 1)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        faults.add(place, "", f"cannot be read: {error.strerror}")
        return None
    except UnicodeDecodeError as error:
        faults.add(place, "", f"not UTF-8 at byte {error.start}")
        return None
    faults.add_text(str(path), text)
    return parse(text, str(path), faults)


def _override(tree: Placed, params: str, spec: str, offset: int, faults: Faults) -> Placed:
    """Return the tree with the bracketed settings put in; ``offset`` is where they start in the spec."""
    if not isinstance(tree.value, dict):
        return tree
    entries, keys = dict(tree.value), dict(tree.key_locations)
    known = _generator_parameters(tree)
    column = offset + 1
    seen: set[str] = set()
    for part in params.split(","):
        place = Location(spec, 1, column + len(part) - len(part.lstrip()))
        column += len(part) + 1
        key, separator, text = (piece.strip() for piece in part.partition("="))
        if not separator or not key or not text:
            faults.add(place, "", f"expected name=value, found '{part.strip()}'")
        elif key in seen:
            faults.add(place, "", f"'{key}' is given twice")
        elif key in OVERRIDES:
            entries[key], keys[key] = Placed(_overriding(key, text), place, key), place
        elif key not in known:
            faults.add(place, "", f"there is no parameter '{key}'", did_you_mean(key, [*known, *OVERRIDES]))
        else:
            _set_parameter(entries, keys, key, text, place, faults)
        seen.add(key)
    return Placed(entries, tree.location, tree.path, keys)


def _overriding(key: str, text: str) -> str | int:
    """Return a setting as the file would have it: a program's path begins where the caller is."""
    if key == "mtu" and text.isdecimal():
        return int(text)
    return str(Path(text).absolute()) if key == "program" and text.endswith(".p4") else text


def _generator_parameters(tree: Placed) -> list[str]:
    generator = tree.get("generator")
    known = GENERATORS.get(generator.value) if generator and isinstance(generator.value, str) else None
    return list(known.parameters) if known else []


def _set_parameter(
    entries: dict[str, Placed], keys: dict[str, Location], key: str, text: str, place: Location, faults: Faults
) -> None:
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        faults.add(place, f"params.{key}", f"expected a whole number, found '{text}'")
        return
    old = entries.get("params")
    inner = dict(old.value) if old is not None and isinstance(old.value, dict) else {}
    inner_keys = dict(old.key_locations) if old is not None else {}
    inner[key], inner_keys[key] = Placed(int(text), place, f"params.{key}"), place
    where = old.location if old is not None else place
    entries["params"], keys["params"] = Placed(inner, where, "params", inner_keys), keys.get("params", place)
