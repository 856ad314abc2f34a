"""Structured control flow that lowering makes and takes apart again, so that the IR has none of it.

A loop, a jump out of one and a parser that is applied may stand at any depth: in a branch, in a function, in an
expression that calls the function.  Lowering collects them as steps among the IR's statements; when a state is
complete, ``lower_states.py`` cuts it into states at these steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datapath.errors import Location
from datapath.ir import model as ir


@dataclass(frozen=True)
class Block:
    """Steps that ``Leave(label)`` ends."""

    label: int
    steps: Sequence[Step]
    location: Location


@dataclass(frozen=True)
class Loop:
    """Steps again and again, until they leave a block around the loop."""

    steps: Sequence[Step]
    location: Location


@dataclass(frozen=True)
class Leave:
    """Go on behind a block."""

    label: int


@dataclass(frozen=True)
class Enter:
    """Run a parser's states, from ``start`` on, until they go to the state ``join``, which is about to begin."""

    start: str
    join: str
    states: Sequence[ir.State]
    location: Location


Step = ir.Statement | Block | Loop | Leave | Enter


def is_jump(step: Step) -> bool:
    """Tell whether a step is, or holds, something that cuts its state."""
    if isinstance(step, ir.If):
        return any(is_jump(inner) for inner in (*step.then, *step.otherwise))
    return isinstance(step, Block | Loop | Leave | Enter)


def leaves(steps: Sequence[Step], label: int) -> bool:
    """Tell whether one of the steps leaves the block of this label."""
    for step in steps:
        if isinstance(step, Leave) and step.label == label:
            return True
        if isinstance(step, ir.If) and leaves((*step.then, *step.otherwise), label):
            return True
        if isinstance(step, Block | Loop) and leaves(step.steps, label):
            return True
    return False
