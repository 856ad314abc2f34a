"""The editors' schema and the checker are one: what is in the schema is checked, and fits the code."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from datapath import Location, TopologyError
from topologies import L3Fields, Topology, load
from topologies.generators import GENERATORS
from topologies.places import Faults, parse
from topologies.reader import OVERRIDES
from topologies.schema import check_schema, read_schema

SUPPORTED = {
    *("$schema", "$defs", "$ref", "title", "description", "type", "properties", "additionalProperties", "required"),
    *("propertyNames", "items", "minItems", "maxItems", "enum", "pattern", "minimum", "maximum", "exclusiveMinimum"),
}


def _schemas(schema: dict[str, object]) -> list[dict[str, object]]:
    """Return a schema and all schemas inside it."""
    found = [schema]
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            assert isinstance(value, dict)
            found += [inner for entry in value.values() for inner in _schemas(entry)]
        elif key in ("items", "additionalProperties", "propertyNames") and isinstance(value, dict):
            found += _schemas(value)
    return found


def test_the_checker_knows_every_keyword_of_the_schema() -> None:
    used = {key for schema in _schemas(read_schema()) for key in schema}
    assert used <= SUPPORTED


def test_the_schema_has_the_generators() -> None:
    assert read_schema()["properties"]["generator"]["enum"] == sorted(GENERATORS)


def test_the_schema_has_every_setting_of_a_topology() -> None:
    settings = {field.name for field in fields(Topology)} - {"source"}
    assert settings <= set(read_schema()["properties"])
    assert set(read_schema()["properties"]["fields"]["properties"]) == {field.name for field in fields(L3Fields)}
    assert set(OVERRIDES) <= set(read_schema()["properties"])


def test_every_property_says_what_it_is() -> None:
    for schema in _schemas(read_schema()):
        for name, entry in schema.get("properties", {}).items():  # type: ignore[attr-defined]
            assert entry.get("description"), name


def _keywords() -> list[tuple[str, object, object, str]]:
    """Return (keyword, its value, a value that breaks it, the complaint)."""
    return [
        ("type", "integer", "x", "expected a whole number, found a word: 'x'"),
        ("type", "integer", "x" * 5000, f"found a word: '{'x' * 59}..."),
        ("type", "string", True, "expected a word, found a boolean"),
        ("type", ["array", "object"], 3, "expected a list or a mapping, found a whole number: 3"),
        ("enum", ["a", "b"], "c", "'c' is none of a, b"),
        ("pattern", "^a", "b", "'b' does not fit"),
        ("minimum", 3, 2, "2 is out of range: at least 3"),
        ("maximum", 3, 4, "4 is out of range: at most 3"),
        ("exclusiveMinimum", 0, 0, "0 is out of range: more than 0"),
        ("minItems", 1, [], "expected at least 1 entries, found 0"),
        ("maxItems", 1, [1, 2], "expected 0 to 1 entries, found 2"),
        ("items", {"type": "integer"}, ["x"], "[0]: expected a whole number"),
        ("required", ["a"], {}, "'a' is missing"),
        ("additionalProperties", False, {"q": 1}, "unknown key 'q'"),
        ("additionalProperties", {"type": "string"}, {"q": 1}, "q: expected a word"),
        ("propertyNames", {"pattern": "^[a-z]"}, {"1": 2}, "'1' cannot be a name"),
        ("properties", {"q": {"type": "string"}}, {"q": 1}, "q: expected a word"),
        ("$ref", "#/$defs/word", 1, "expected a word"),
    ]


@pytest.mark.parametrize(("keyword", "value", "bad", "complaint"), _keywords())
def test_every_keyword_is_checked(keyword: str, value: object, bad: object, complaint: str) -> None:
    faults = Faults()
    tree = parse(yaml.safe_dump(bad), "x.yaml", faults)
    assert tree is not None
    check_schema(tree, faults, {keyword: value, "$defs": {"word": {"type": "string"}}})
    with pytest.raises(TopologyError) as caught:
        faults.raise_if_any()
    assert complaint in str(caught.value)


def test_keyword_cases_are_complete() -> None:
    assert {case[0] for case in _keywords()} == SUPPORTED - {"$schema", "$defs", "title", "description"}


def test_shipped_files_name_the_schema() -> None:
    folder = Path(load("single").source).parent
    for path in folder.glob("*.yaml"):
        assert path.read_text().startswith("# yaml-language-server: $schema=schema.json\n")


def test_places_count_from_one() -> None:
    tree = parse("a:\n  - b\n", "f", Faults())
    assert tree is not None
    assert tree.value["a"].value[0].location == Location("f", 2, 5)
    assert tree.value["a"].value[0].path == "a[0]"
