"""The ``ovsp4`` command: the switch's verbs (``datapath.add_verbs``) and those of the testbed.

Each verb's module is imported when the verb runs, so that ``ovsp4 --help`` answers at once.  A verb is a function that
takes the parsed arguments and returns the exit status: 0 done, 1 the answer is no, 2 a mistake of the user's, which is
told in one message without a traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from datapath import OvsP4Error, add_verbs

EXIT_USER = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells say it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``ovsp4``; returns its exit status."""
    args = build_parser().parse_args(arguments)
    try:
        status: int | None = args.run(args)
        sys.stdout.flush()
        return status or 0
    except OvsP4Error as error:
        print(f"ovsp4: {error}", file=sys.stderr)
    except BrokenPipeError:  # `ovsp4 dump-flows | head`: whoever read has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        print(f"ovsp4: {error.filename}: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return EXIT_USER


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="ovsp4", description="A software switch whose protocols are a P4 parser, and a testbed of such switches."
    )
    subparsers = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    add_verbs(subparsers)
    _add_testbed_verbs(subparsers)
    return parser


def _add_testbed_verbs(subparsers: Any) -> None:
    up = subparsers.add_parser("up", help="build a network and keep it until Ctrl-C")
    up.add_argument("topology", help="name, path, or leaf-spine[leaves=2,spines=2]")
    up.add_argument("--datapath", choices=("xdp", "afxdp", "auto"), help="the engine; by default the topology's")
    up.add_argument("--name", help="the network's name for other verbs (--network); by default the topology's")
    up.set_defaults(run=_up)

    bench = subparsers.add_parser("bench", help="measure the engines beside other forwarders")
    bench.add_argument("--quick", action="store_true", help="shorter and fewer rounds")
    bench.add_argument("--json", action="store_true", help="print JSON, progress goes to standard error")
    bench.add_argument("--case", action="append", metavar="NAME", help="only this case (repeatable); see --list")
    bench.add_argument("--list", action="store_true", help="list the cases and what each needs")
    bench.add_argument("--parse", action="store_true", help="the parser alone, beside the same written by hand in C")
    bench.set_defaults(run=_bench)

    doctor = subparsers.add_parser("doctor", help="tell what this machine can and cannot do")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=_doctor)


def _up(args: argparse.Namespace) -> int:
    from testbed.up import run_network

    return run_network(args.topology, args.datapath, args.name)


def _bench(args: argparse.Namespace) -> int:
    if args.parse:
        from testbed.bench.parsing import run_parse_bench

        return run_parse_bench(quick=args.quick, as_json=args.json)
    from testbed.bench.run import run_bench

    return run_bench(quick=args.quick, as_json=args.json, names=args.case, list_only=args.list)


def _doctor(args: argparse.Namespace) -> int:
    from testbed.doctor import print_report

    return print_report(as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
