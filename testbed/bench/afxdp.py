"""The bare AF_XDP forwarder as a case: what a userspace engine could reach at most.  Read by ``cases.py``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datapath import SetupError, build_program
from testbed.bench.case import Forwarder
from testbed.bench.rig import Rig, stop_process

SOURCE = Path(__file__).with_name("afxdp_forward.c")


@contextmanager
def afxdp_forward() -> Iterator[Forwarder]:
    """Run ``afxdp_forward.c`` between the ports; the warm-up waits until it forwards."""
    binary = build_program("afxdp-forward", [SOURCE], libs=["xdp", "bpf"])
    with Rig() as rig, tempfile.TemporaryFile() as log:
        process = rig.start(str(binary), "p1", "p2", log=log)

        def check() -> None:
            if process.poll() is not None:
                log.seek(0)
                raise SetupError(f"the AF_XDP forwarder ended: {log.read().decode(errors='replace').strip()}")

        try:
            yield Forwarder(rig, rewrites=False, details={"xdp_mode": "native, copy"}, check=check)
        finally:
            stop_process(process)
