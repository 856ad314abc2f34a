"""Turns DOT into a picture with Graphviz's ``dot``; without it, DOT is all there is.

Used by ``cli/graph.py``.
"""

from __future__ import annotations

import shutil
import subprocess

from datapath.errors import NotSupportedError, OvsP4Error

FORMATS = ("svg", "png", "pdf")
TIMEOUT_S = 120


def draw(dot: str, picture_format: str) -> bytes:
    """Return the picture.

    Args:
        dot: The graph as DOT.
        picture_format: One of ``FORMATS``.

    Raises:
        NotSupportedError: Graphviz is not installed.
        OvsP4Error: It failed.
    """
    program = shutil.which("dot")
    if program is None:
        remedy = "install it (apt-get install graphviz), or write DOT: -o FILE.dot"
        raise NotSupportedError("drawing needs Graphviz's 'dot'", remedy)
    try:
        run = subprocess.run(
            [program, f"-T{picture_format}"], input=dot.encode(), capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise OvsP4Error(f"dot took more than {TIMEOUT_S} s; write DOT instead: -o FILE.dot") from error
    if run.returncode:
        raise OvsP4Error(f"dot failed: {run.stderr.decode(errors='replace').strip()}")
    return run.stdout
