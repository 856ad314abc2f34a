"""Runs the benchmark: opens all cases, lets them take turns, and reports medians.

Taking turns spreads whatever else the machine does over all cases.  Read by ``testbed/cli.py``.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from datapath import NotSupportedError, OvsP4Error
from testbed.bench import report, traffic
from testbed.bench.case import Case
from testbed.bench.cases import CASES, LIMIT
from testbed.bench.extras import EXTRAS, Extra
from testbed.bench.measuring import Bench
from testbed.bench.rig import SWITCH_CPU, TRAFFIC_CPU
from testbed.measure import describe_machine

TOPOLOGY = "sender - forwarder - receiver, two veth pairs"


@dataclass(frozen=True)
class Plan:
    """How long and how often."""

    n_rounds: int
    round_s: float
    n_extra_rounds: int


QUICK = Plan(n_rounds=3, round_s=0.3, n_extra_rounds=1)
FULL = Plan(n_rounds=7, round_s=1.0, n_extra_rounds=3)


class UsageError(OvsP4Error):
    """The command line asks for what is not there."""


def run_bench(quick: bool, as_json: bool, names: Sequence[str] | None, list_only: bool) -> int:
    """Measure and print.

    Args:
        quick: Fewer and shorter rounds.
        as_json: Print JSON on standard output.
        names: Of cases; all by default.
        list_only: Only list the cases.

    Returns:
        The exit status: 1 if a case that can run here failed.

    Raises:
        UsageError: There is no such case.
    """
    if list_only:
        for case in (*CASES, *EXTRAS):
            print(f"{case.name:<20} {case.what}")
        return 0
    cases, extras = _chosen(names)
    outcome = measure(cases, extras, QUICK if quick else FULL, lambda text: print(text, file=sys.stderr))
    print(report.as_json(outcome) if as_json else report.as_table(outcome))
    return 1 if outcome["failed"] else 0


def measure(
    cases: Sequence[Case], extras: Sequence[Extra], plan: Plan, progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Run cases side by side, then the extras one by one.

    Returns:
        ``machine``, ``results``, ``skipped`` and ``failed`` of the command's JSON.
    """
    outcome: dict[str, Any] = {"machine": _machine(plan), "results": [], "skipped": [], "failed": []}
    with ExitStack() as stack:
        benches: dict[str, Bench] = {}
        for case in cases:
            progress(f"set up {case.name}")
            with _noting(case.name, outcome):
                bench = stack.enter_context(Bench(stack.enter_context(case.open())))
                bench.warm_up()
                bench.forwarder.pause()
                benches[case.name] = bench
        for n in range(plan.n_rounds):
            progress(f"round {n + 1} of {plan.n_rounds}")
            for name, bench in _still_sound(benches, outcome):
                with _noting(name, outcome), bench.turn():
                    bench.run_round(plan.round_s)
        for name, bench in _still_sound(benches, outcome):
            with _noting(name, outcome), bench.turn():
                outcome["results"].append(_result(name, bench, plan, benches.get(LIMIT)))
    for extra in extras:
        progress(f"measure {extra.name}")
        with _noting(extra.name, outcome):
            outcome["results"].append({"name": extra.name, **extra.measure(plan.n_extra_rounds)})
    return outcome


@contextmanager
def _noting(name: str, outcome: dict[str, Any]) -> Iterator[None]:
    """Note a case that cannot run here, or that failed, and go on with the others."""
    try:
        yield
    except NotSupportedError as error:
        outcome["skipped"].append({"name": name, "reason": str(error)})
    except OvsP4Error as error:
        outcome["failed"].append({"name": name, "reason": str(error)})


def _still_sound(benches: dict[str, Bench], outcome: dict[str, Any]) -> list[tuple[str, Bench]]:
    failed = {f["name"] for f in outcome["failed"]}
    return [(name, bench) for name, bench in benches.items() if name not in failed]


def _result(name: str, bench: Bench, plan: Plan, limit: Bench | None) -> dict[str, Any]:
    """Return a case's line, after one more round at a pace that it should keep without loss."""
    paced = bench.run_paced(plan.round_s)
    pps = bench.median_pps()
    return {
        "name": name,
        "pps": round(pps),
        "loss": round(bench.median_loss(), 6),
        "ratio_to_limit": round(pps / limit.median_pps(), 4) if limit and limit.rounds else None,
        "offered_pps": round(statistics.median(r.offered_pps for r in bench.rounds)),
        "loss_at_80_percent": round(paced.loss, 6),
        "rounds_pps": [round(r.pps) for r in bench.rounds],
        "topology": TOPOLOGY,
        **bench.forwarder.details,
        **bench.forwarder.inspect(),
    }


def _machine(plan: Plan) -> dict[str, Any]:
    return {
        **describe_machine(),
        "load_average": f"{os.getloadavg()[0]:.1f}",  # of others, before we begin
        "frame_bytes": traffic.FRAME_SIZE + 4,  # with the frame check sequence, as Ethernet counts
        "n_flows": traffic.N_FLOWS,
        "n_masks": traffic.N_MASKS,
        "placement": f"generator and kernel on CPU {TRAFFIC_CPU}, userspace switches on CPU {SWITCH_CPU}",
        "n_rounds": plan.n_rounds,
        "round_s": plan.round_s,
    }


def _chosen(names: Sequence[str] | None) -> tuple[list[Case], list[Extra]]:
    """Return the cases that were asked for, and the limit, which the ratios need."""
    if not names:
        return list(CASES), list(EXTRAS)
    known = [case.name for case in (*CASES, *EXTRAS)]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"no case {', '.join(unknown)}; there are: {', '.join(known)}")
    cases = [c for c in CASES if c.name in names]
    if cases and cases[0].name != LIMIT:
        cases.insert(0, next(c for c in CASES if c.name == LIMIT))
    return cases, [e for e in EXTRAS if e.name in names]
