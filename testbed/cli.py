"""The ``ovsp4`` command: the switch's verbs (``datapath.add_verbs``) and those of the testbed.

Each verb's module is imported when the verb runs, so that ``ovsp4 --help`` answers at once.  A verb is a function that
takes the parsed arguments and returns the exit status: 0 done, 1 the answer is no, 2 a mistake of the user's, which is
told in one message without a traceback.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from typing import Any

from datapath import OvsP4Error, add_verbs

EXIT_USER = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells say it
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # of a write; these errors name no file


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``ovsp4``; returns its exit status."""
    _fill_closed_streams()
    try:
        try:
            args = build_parser().parse_args(arguments)
            status: int | None = args.run(args)
        finally:
            sys.stdout.flush()  # by Python's own end, a reader that has gone would be told as a fault of ours
        return status or 0
    except OvsP4Error as error:
        print(f"ovsp4: {error}", file=sys.stderr)
    except BrokenPipeError:  # `ovsp4 dump-flows | head`: whoever read has had enough
        _discard_output()
        return 0
    except OSError as error:
        if error.errno in _NO_ROOM and error.filename is None:
            _discard_output()
        elif error.filename is None:
            raise
        print(f"ovsp4: {error.filename or 'cannot write the output'}: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return EXIT_USER


def _fill_closed_streams() -> None:
    """Open the null device where the caller has closed a standard stream: else the next file would get its number."""
    for number, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.dup2(descriptor, number)
            if descriptor != number:
                os.close(descriptor)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w"))


def _discard_output() -> None:
    """Send what is still to be written to standard output nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
    bench.set_defaults(run=_bench, usage_error=bench.error)

    doctor = subparsers.add_parser("doctor", help="tell what this machine can and cannot do")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=_doctor)


def _up(args: argparse.Namespace) -> int:
    from testbed.up import run_network

    return run_network(args.topology, args.datapath, args.name)


def _bench(args: argparse.Namespace) -> int:
    if args.parse and (args.case or args.list):
        args.usage_error("--parse has no cases: leave out --case and --list")
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
