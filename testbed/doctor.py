"""Says what this machine can and cannot do for ovsp4, each with its remedy.

Nothing is guessed from version numbers: what can be tried is tried, in scratch namespaces that are gone afterwards
(``doctor_kernel.py``; installed software is ``doctor_software.py``).  The plugin takes its skip reasons from
``probe``; ``ovsp4 doctor`` prints them all.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from datapath import NotSupportedError, OvsP4Error
from testbed import doctor_kernel, doctor_software
from testbed.capability import Capability, Probe, missing_rights


def probe(*names: str) -> list[Capability]:
    """Try what the machine can do.

    Args:
        names: Of capabilities, as ``probe()`` names them; all by default.

    Returns:
        One a name, in the same order whatever was asked for.

    Raises:
        ValueError: There is no such capability.
    """
    probes = (*doctor_kernel.PROBES, *doctor_software.PROBES)
    unknown = set(names) - {p.name for p in probes}
    if unknown:
        raise ValueError(f"no capability {', '.join(sorted(unknown))}; there are: {', '.join(p.name for p in probes)}")
    return [_try(p) for p in probes if not names or p.name in names]


def print_report(as_json: bool) -> int:
    """Print all capabilities; returns 0 if nothing that everything needs is missing, else 1."""
    found = probe()
    if as_json:
        print(json.dumps({"capabilities": [asdict(c) for c in found]}, indent=2))
    else:
        print("\n".join(_line(c) for c in found))
    return int(any(not c.ok and c.needed_for == "everything" for c in found))


def _try(probe: Probe) -> Capability:
    """Run one probe; whatever it raises for the user is its answer."""
    if probe.needs_root and missing_rights():
        return Capability(probe.name, False, "not tried: needs root", "run as root", probe.needed_for)
    try:
        return Capability(probe.name, True, probe.run(), "", probe.needed_for)
    except NotSupportedError as error:
        return Capability(probe.name, False, error.feature, error.remedy, probe.needed_for)
    except (OvsP4Error, OSError) as error:
        return Capability(probe.name, False, str(error).splitlines()[0], probe.remedy, probe.needed_for)


def _line(capability: Capability) -> str:
    mark = "ok  " if capability.ok else "MISS" if capability.needed_for == "everything" else "miss"
    line = f"{mark}  {capability.name:<16} {capability.detail}"
    if not capability.ok:
        line += f"\n      {'':<16} needed for {capability.needed_for}; remedy: {capability.remedy}"
    return line
