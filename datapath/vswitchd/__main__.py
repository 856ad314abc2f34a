"""``python -m datapath.vswitchd NAME``: host the bridges of one network until told to stop.

Started by ``launch.py``; may be run by hand, then SIGINT or SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys

from datapath.errors import OvsP4Error
from datapath.vswitchd.isolation import die_with_parent, end_with_lifeline, enter_fabric, raise_memlock_limit
from datapath.vswitchd.server import Server, open_listener


def main() -> int:
    """Run the daemon; return its exit status."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the server catches it, an end without a traceback
    options = _parse_arguments()
    try:
        if options.parent_pid:
            die_with_parent(options.parent_pid)
        _serve(options)
    except OvsP4Error as error:
        if options.ready_fd is None:
            print(f"vswitchd: {error}", file=sys.stderr)
        _report(options.ready_fd, {"error": {"kind": type(error).__name__, "message": str(error)}})
        return 1
    return 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="vswitchd", description="Host the bridges of one network.")
    parser.add_argument("name", help="of the network")
    parser.add_argument("--ready-fd", type=int, help="pipe that gets one JSON line when requests are answered")
    parser.add_argument("--lifeline-fd", type=int, help="pipe whose closing ends the daemon")
    parser.add_argument("--parent-pid", type=int, help="process whose end ends the daemon")
    return parser.parse_args()


def _serve(options: argparse.Namespace) -> None:
    # The socket belongs to the namespace that it is opened in, so it comes before the fabric.
    listener, full_name = open_listener(options.name)
    enter_fabric()
    raise_memlock_limit()
    # Ready as soon as there is a socket and a namespace: the starter builds interfaces while this process goes on
    # loading its parts; what is asked meanwhile waits in the socket.
    _report(options.ready_fd, {"name": full_name})
    if options.lifeline_fd is not None:
        end_with_lifeline(options.lifeline_fd)

    from datapath.vswitchd.requests import make_handlers
    from datapath.vswitchd.switch import Switch

    switch = Switch(full_name)
    server = Server(listener, make_handlers(switch), options.lifeline_fd)
    server.watch(switch.links, switch.follow_links)
    server.every_second(switch.tick)
    server.run()
    listener.close()
    switch.shut_down()
    sys.stderr.flush()
    os._exit(0)  # programs, maps and the namespace go with the process; unloading them one by one would only take time


def _report(ready_fd: int | None, message: dict[str, object]) -> None:
    if ready_fd is not None:
        with contextlib.suppress(OSError), os.fdopen(ready_fd, "wb") as pipe:
            pipe.write(json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
