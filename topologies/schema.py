"""Checks a ``Placed`` tree against ``schema.json``, the same file that editors complete and check by.

Fed by ``reader.py``.  Understands the part of JSON schema that the file uses: type, properties, additionalProperties,
required, items, minItems, maxItems, enum, const, pattern, minimum, maximum, $ref to a definition.  What a schema cannot
say (names that must exist, ports used twice) is in ``check.py``.

Source: JSON Schema 2020-12, Validation.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from topologies.places import Faults, Placed, did_you_mean

SCHEMA_FILE = Path(__file__).with_name("schema.json")
Schema = dict[str, Any]
VALUE_MAX = 60  # letters of a value in a message: a file that is no topology may be one word
_ARTICLES = {
    "array": "a list",
    "object": "a mapping",
    "string": "a word",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def read_schema() -> Schema:
    """Return the schema."""
    schema: Schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema


def check_schema(tree: Placed, faults: Faults, schema: Schema | None = None) -> None:
    """Note everything in the tree that the schema does not allow."""
    whole = schema if schema is not None else read_schema()
    _Checker(whole, faults).check(tree, whole)


class _Checker:
    def __init__(self, whole: Schema, faults: Faults) -> None:
        self._definitions: Schema = whole.get("$defs", {})
        self._faults = faults

    def check(self, tree: Placed, schema: Schema) -> None:
        """Check one value and all below it."""
        if "$ref" in schema:
            schema = {**self._definitions[schema["$ref"].removeprefix("#/$defs/")], **schema}
        if not self._type_fits(tree, schema):
            return
        if isinstance(tree.value, dict):
            self._check_mapping(tree, schema)
        elif isinstance(tree.value, list):
            self._check_list(tree, schema)
        else:
            self._check_scalar(tree, schema)

    def _type_fits(self, tree: Placed, schema: Schema) -> bool:
        allowed = schema.get("type", [])
        allowed = [allowed] if isinstance(allowed, str) else allowed
        kinds = {tree.kind, "number"} if tree.kind == "integer" else {tree.kind}
        if not allowed or kinds & set(allowed):
            return True
        wanted = " or ".join(_ARTICLES[kind] for kind in allowed if kind != "null")
        value = repr(tree.value)
        cut = value if len(value) <= VALUE_MAX else value[:VALUE_MAX] + "..."
        shown = f": {cut}" if not isinstance(tree.value, dict | list) and tree.value is not None else ""
        hint = ""
        if "string" in allowed and tree.kind in ("boolean", "integer", "number"):
            hint = f"put it in quotes to make it a word: '{tree.value}'"
        if tree.kind == "null":
            hint = "leave the key out, or fill it in"
        found = _ARTICLES[tree.kind] if tree.kind != "boolean" else "a boolean"
        self._faults.add(tree.location, tree.path, f"expected {wanted}, found {found}{shown}", hint)
        return False

    def _check_mapping(self, tree: Placed, schema: Schema) -> None:
        properties: Schema = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        names = schema.get("propertyNames", {}).get("pattern")
        for key, entry in tree.value.items():
            if key in properties:
                self.check(entry, properties[key])
            elif others is False:
                hint = did_you_mean(key, properties)
                self._faults.add(tree.key_locations[key], tree.path, f"unknown key '{key}'", hint)
            elif isinstance(others, dict):
                self.check(entry, others)
            if names and not re.search(names, key):
                hint = schema["propertyNames"].get("description", "")
                self._faults.add(tree.key_locations[key], tree.path, f"'{key}' cannot be a name", hint)
        for key in schema.get("required", ()):
            if key not in tree.value:
                meaning = properties.get(key, {}).get("description", "")
                self._faults.add(tree.location, tree.path, f"'{key}' is missing", meaning)

    def _check_list(self, tree: Placed, schema: Schema) -> None:
        size = len(tree.value)
        if size < schema.get("minItems", 0) or size > schema.get("maxItems", size):
            low, high = schema.get("minItems", 0), schema.get("maxItems")
            wanted = str(low) if high == low else f"at least {low}" if high is None else f"{low} to {high}"
            what = schema.get("description", "")
            self._faults.add(tree.location, tree.path, f"expected {wanted} entries, found {size}", what)
        for item in tree.value:
            self.check(item, schema.get("items", {}))

    def _check_scalar(self, tree: Placed, schema: Schema) -> None:
        value = tree.value
        if "enum" in schema and value not in schema["enum"]:
            known = [str(choice) for choice in schema["enum"]]
            self._faults.add(
                tree.location, tree.path, f"'{value}' is none of {', '.join(known)}", _closest(value, known)
            )
        if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
            self._faults.add(tree.location, tree.path, f"'{value}' does not fit", schema.get("description", ""))
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._check_range(tree, schema)

    def _check_range(self, tree: Placed, schema: Schema) -> None:
        low, high = schema.get("minimum"), schema.get("maximum")
        above = schema.get("exclusiveMinimum")
        fits = (
            (low is None or tree.value >= low)
            and (high is None or tree.value <= high)
            and (above is None or tree.value > above)
        )
        if not fits:  # asked this way round, NaN does not fit
            limits = [f"at least {low}"] * (low is not None) + [f"more than {above}"] * (above is not None)
            limits += [f"at most {high}"] * (high is not None)
            self._faults.add(tree.location, tree.path, f"{tree.value} is out of range: {' and '.join(limits)}")


def _closest(value: Any, known: list[str]) -> str:
    hint = did_you_mean(str(value), known)
    return hint if hint.startswith("did") else ""
