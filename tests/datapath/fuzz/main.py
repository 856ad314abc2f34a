"""The command line of ``ci/fuzz``, which says what there is."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[2])]

from compiler_fuzz import fuzz_compiler  # noqa: E402
from coverage_fuzz import Crash, fuzz_parser  # noqa: E402
from differential_fuzz import Disagreement, fuzz_in_turn, fuzzed_programs, seeds_of  # noqa: E402
from large_fuzz import fuzz_large  # noqa: E402

from datapath.compiler import compile_program  # noqa: E402

Found = list[tuple[str, str]]  # (name of a file, its text)
Work = Callable[[argparse.Namespace, int, float], tuple[Counter[str], Found]]
PARSER_TURN_S = 10
PROGRESS_S = 60


def compiler(args: argparse.Namespace, seed: int, seconds: float) -> tuple[Counter[str], Found]:
    """Fuzz the compiler."""
    with tempfile.TemporaryDirectory() as scratch:
        counts, failures = fuzz_compiler(seconds, seed, Path(scratch))
    commented = [f.text + "\n/*\n" + f.report.replace("*/", "* /") + "*/\n" for f in failures]
    return counts, [(f"compiler-{seed}-{i}.p4", text) for i, text in enumerate(commented)]


def parser(args: argparse.Namespace, seed: int, seconds: float) -> tuple[Counter[str], Found]:
    """Fuzz generated parsers, each for some seconds in turn."""
    counts, found = Counter[str](), Found()
    end = time.monotonic() + seconds
    programs = [Path(p) for p in args.program] or fuzzed_programs()
    seeds = {}
    turn = seed
    while time.monotonic() < end:
        path = programs[turn % len(programs)]
        compiled = compile_program(path)
        if path not in seeds:
            seeds[path] = seeds_of(compiled.program)
        turn_s = max(1, min(PARSER_TURN_S, int(end - time.monotonic())))
        try:
            campaign = fuzz_parser(path.stem, compiled.c_source, seeds[path], turn_s, turn)
            counts["runs"] += campaign.n_runs
            counts[f"edges of {path.stem}"] = max(counts[f"edges of {path.stem}"], campaign.n_edges)
        except Crash as crash:
            found.append((f"parser-{path.stem}-{turn}.txt", str(crash)))
        turn += 1
    return counts, found


def differential(args: argparse.Namespace, seed: int, seconds: float) -> tuple[Counter[str], Found]:
    """Hold the engines against each other, and say now and then how far it got."""
    counts = Counter[str]()
    told = time.monotonic()
    programs = [Path(p) for p in args.program] or fuzzed_programs()
    programs = programs[seed % len(programs) :] + programs[: seed % len(programs)]  # jobs do not go in step
    try:
        for path, n, _ in fuzz_in_turn(programs, seconds, seed, reference=not args.no_reference):
            counts["packets"] += n
            counts[f"packets of {path.stem}"] += n
            if time.monotonic() > told + PROGRESS_S:
                told = time.monotonic()
                print(f"differential, seed {seed}: {counts['packets']} packets so far", file=sys.stderr, flush=True)
            if args.packets and counts["packets"] * args.jobs >= args.packets:
                break
    except Disagreement as difference:
        return counts, [(f"differential-{difference.program.stem}-{seed}.txt", f"{difference}\n")]
    return counts, []


def large(args: argparse.Namespace, seed: int, seconds: float) -> tuple[Counter[str], Found]:
    """Try large programs."""
    with tempfile.TemporaryDirectory() as scratch:
        return fuzz_large(seconds, seed, Path(scratch))


WORK: dict[str, Work] = {"compiler": compiler, "parser": parser, "differential": differential, "large": large}


def job(what: str, args: argparse.Namespace, seed: int, seconds: float) -> tuple[Counter[str], Found]:
    return WORK[what](args, seed, seconds)


def run(what: str, args: argparse.Namespace, seconds: float) -> bool:
    """Run the jobs of one kind; returns whether nothing was found."""
    started = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(args.jobs) as pool:
        work = [(what, args, args.seed * 1000 + i, seconds) for i in range(args.jobs)]
        results = pool.starmap_async(job, work).get(timeout=seconds * 2 + 600)
    counts, found = Counter[str](), Found()
    for some, files in results:
        for name, n in some.items():
            counts[name] = max(counts[name], n) if name.startswith("edges") else counts[name] + n
        found += files
    took = time.monotonic() - started
    print(f"{what}: {took:.0f} s, " + ", ".join(f"{n} {name}" for name, n in counts.items()))
    for name, text in found:
        args.findings.mkdir(parents=True, exist_ok=True)
        (args.findings / name).write_text(text, errors="replace")
        print(f"{what}: FOUND {args.findings / name}\n{text[-600:]}", file=sys.stderr)
    return not found


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for; 0 nothing found, 1 something was."""
    options = argparse.ArgumentParser(prog="ci/fuzz")
    options.add_argument("what", choices=[*WORK, "all"])
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    options.add_argument("--packets", type=int, default=0)
    options.add_argument("--no-reference", action="store_true")
    options.add_argument("--program", action="append", default=[])
    args = options.parse_args(arguments)
    kinds = list(WORK) if args.what == "all" else [args.what]
    clean = [run(kind, args, args.seconds / len(kinds)) for kind in kinds]
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
