"""Which software is installed, and in which version; read by ``doctor.py``."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib import import_module, metadata

from datapath import NotSupportedError, find_headers
from testbed.capability import Probe

_SETUP = "ci/setup"  # installs everything below
COMMAND_TIMEOUT_S = 10


def _headers() -> str:
    return str(find_headers())


def _python_package(name: str, module: str) -> str:
    """Return the version of a Python package that the index provides."""
    try:
        import_module(module)
        return metadata.version(name)
    except (ImportError, metadata.PackageNotFoundError) as error:
        raise NotSupportedError(f"{name} cannot be imported: {error}", f"{_SETUP}, or pip install {name}") from error


def _bcc() -> str:
    try:
        bcc = import_module("bcc")
    except (ImportError, OSError) as error:
        remedy = "install python3-bpfcc (PyPI's bcc is another thing); make .venv with --system-site-packages"
        raise NotSupportedError(f"BCC cannot be imported: {error}", remedy) from error
    if not hasattr(bcc, "BPF"):
        raise NotSupportedError(
            "the installed bcc is PyPI's lattice library", "pip uninstall bcc; install python3-bpfcc"
        )
    return str(getattr(bcc, "__version__", "unknown version"))


def _mininet() -> str:
    from testbed.mininet_import import Mininet  # keeps Mininet from changing the logging of the process

    if not shutil.which("mnexec"):
        raise NotSupportedError("mnexec is not installed", "install the distribution's mininet (PyPI's has no mnexec)")
    version = import_module(Mininet.__module__).VERSION
    return f"{version}, {shutil.which('mnexec')}"


def _command(name: str, package: str, *arguments: str) -> str:
    """Return what a command says of its version."""
    path = shutil.which(name)
    if not path:
        raise NotSupportedError(f"{name} is not installed", f"install {package}")
    done = subprocess.run(
        [path, *(arguments or ("--version",))], capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False
    )
    return (done.stdout or done.stderr).strip().splitlines()[0]


def _library(pkg_config_name: str, package: str) -> str:
    """Return a C library's version: compile against its header, and read dpkg's record where there is one."""
    compiler = shutil.which("cc")
    if not compiler:
        raise NotSupportedError("no C compiler", "install gcc")
    header = {"libxdp": "xdp/xsk.h", "libbpf": "bpf/bpf.h"}[pkg_config_name]
    command = [compiler, "-fsyntax-only", "-include", header, "-x", "c", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)
    if done.returncode:
        raise NotSupportedError(f"{header} cannot be compiled", f"install {package}")
    if not shutil.which("dpkg-query"):
        return "headers found"
    query = ["dpkg-query", "-W", "-f", "${Version}", package]
    return subprocess.run(query, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False).stdout.strip()


def _open_vswitch() -> str:
    text = _command("ovs-vswitchd", "openvswitch-switch (ci/setup --bench)")
    match = re.search(r"\d+\.\d+\S*", text)
    return match[0] if match else text


PROBES = (
    Probe("headers", _headers),
    Probe("bcc", _bcc),
    Probe("cc", lambda: _command("cc", "gcc")),
    Probe("libxdp", lambda: _library("libxdp", "libxdp-dev")),
    Probe("libbpf", lambda: _library("libbpf", "libbpf-dev")),
    Probe("mininet", _mininet),
    Probe("pyroute2", lambda: _python_package("pyroute2", "pyroute2")),
    Probe("scapy", lambda: _python_package("scapy", "scapy")),
    Probe("pytest", lambda: _python_package("pytest", "pytest")),
    Probe("iproute2", lambda: _command("ip", "iproute2", "-V")),
    Probe("open-vswitch", _open_vswitch, needed_for="ovsp4 bench's comparison with Open vSwitch"),
)
