"""ovsp4's switch: the P4 compiler, the two packet engines, the slow path and the daemon that runs them.

Other packages import from here and from nowhere below; each name is loaded when it is first used, so that
``import datapath`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from datapath.errors import (
    Diagnostic,
    FlowError,
    LoadError,
    Location,
    NotSupportedError,
    OvsP4Error,
    P4Error,
    P4Errors,
    P4SyntaxError,
    P4TypeError,
    P4UnsupportedError,
    SetupError,
    SwitchError,
    TestbedError,
    TopologyError,
    VerifierError,
    WaitTimeoutError,
)

if TYPE_CHECKING:
    from datapath.build import build_program
    from datapath.cache import cache_dir
    from datapath.cli import add_verbs
    from datapath.client import Client, find_program, running_networks
    from datapath.compiler import CompiledProgram, compile_program
    from datapath.ir.interpret import ParseOutcome, interpret_packet
    from datapath.paths.annotate import annotate
    from datapath.paths.coverage import CoverageItem, ParserCoverage, Share, share
    from datapath.paths.coverage_html import index_page, program_page
    from datapath.paths.enumerate import ParserPath, ParserPaths, enumerate_paths
    from datapath.pcap import write_pcap
    from datapath.user.binding import drop_reasons
    from datapath.vswitchd.launch import Vswitchd, start_vswitchd
    from datapath.xdp.amalgamate import xdp_source
    from datapath.xdp.headers import find_headers
    from datapath.xdp.loader import takes_jumbo_frames

_HOME = {
    "Client": "datapath.client",
    "CompiledProgram": "datapath.compiler",
    "ParseOutcome": "datapath.ir.interpret",
    "CoverageItem": "datapath.paths.coverage",
    "ParserCoverage": "datapath.paths.coverage",
    "ParserPath": "datapath.paths.enumerate",
    "ParserPaths": "datapath.paths.enumerate",
    "Share": "datapath.paths.coverage",
    "Vswitchd": "datapath.vswitchd.launch",
    "annotate": "datapath.paths.annotate",
    "add_verbs": "datapath.cli",
    "build_program": "datapath.build",
    "cache_dir": "datapath.cache",
    "compile_program": "datapath.compiler",
    "drop_reasons": "datapath.user.binding",
    "enumerate_paths": "datapath.paths.enumerate",
    "find_headers": "datapath.xdp.headers",
    "find_program": "datapath.client",
    "index_page": "datapath.paths.coverage_html",
    "interpret_packet": "datapath.ir.interpret",
    "program_page": "datapath.paths.coverage_html",
    "running_networks": "datapath.client",
    "share": "datapath.paths.coverage",
    "start_vswitchd": "datapath.vswitchd.launch",
    "takes_jumbo_frames": "datapath.xdp.loader",
    "write_pcap": "datapath.pcap",
    "xdp_source": "datapath.xdp.amalgamate",
}

__all__ = [
    "Client",
    "CompiledProgram",
    "CoverageItem",
    "Diagnostic",
    "FlowError",
    "LoadError",
    "Location",
    "NotSupportedError",
    "OvsP4Error",
    "P4Error",
    "P4Errors",
    "P4SyntaxError",
    "P4TypeError",
    "P4UnsupportedError",
    "ParseOutcome",
    "ParserCoverage",
    "ParserPath",
    "ParserPaths",
    "SetupError",
    "Share",
    "SwitchError",
    "TestbedError",
    "TopologyError",
    "VerifierError",
    "Vswitchd",
    "WaitTimeoutError",
    "add_verbs",
    "annotate",
    "build_program",
    "cache_dir",
    "compile_program",
    "drop_reasons",
    "enumerate_paths",
    "find_headers",
    "find_program",
    "index_page",
    "interpret_packet",
    "program_page",
    "running_networks",
    "share",
    "start_vswitchd",
    "takes_jumbo_frames",
    "write_pcap",
    "xdp_source",
]


def __getattr__(name: str) -> Any:
    """Load an exported name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'datapath' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value
