"""Prints what the benchmark found, as a table for people or as JSON.  Fed by ``run.py``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def as_json(outcome: Mapping[str, Any]) -> str:
    """Return the JSON of the command-line contract."""
    return json.dumps(outcome, indent=2)


def as_table(outcome: Mapping[str, Any]) -> str:
    """Return a table, with the machine above and what was not measured below."""
    lines = [f"{key}: {value}" for key, value in outcome["machine"].items()]
    forwarding = [r for r in outcome["results"] if r.get("pps") is not None]
    if forwarding:
        lines += ["", f"{'case':<20} {'Mpps':>7} {'of limit':>9} {'loss':>8} {'at 80 %':>8}"]
        lines += [_forwarding_line(result) for result in forwarding]
    others = [r for r in outcome["results"] if r.get("pps") is None]
    if others:
        lines += ["", *(_other_line(result) for result in others)]
    for kind in ("skipped", "failed"):
        lines += [f"{kind}: {entry['name']}: {entry['reason']}" for entry in outcome[kind]]
    return "\n".join(lines)


def _forwarding_line(result: Mapping[str, Any]) -> str:
    ratio, paced = result.get("ratio_to_limit"), result.get("loss_at_80_percent")
    return (
        f"{result['name']:<20} {result['pps'] / 1e6:>7.3f} {_number(ratio, '.2f'):>9}"
        f" {_number(result.get('loss'), '.2%'):>8} {_number(paced, '.2%'):>8}"
    )


def _other_line(result: Mapping[str, Any]) -> str:
    figures = (f"{key} {value:g}" for key, value in result.items() if isinstance(value, int | float))
    return f"{result['name']:<20} {', '.join(figures)}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
