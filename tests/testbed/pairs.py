"""The smallest network: two namespaces joined by a link; for tests of what needs no switch."""

from __future__ import annotations

from testbed.interfaces import (
    VethEnd,
    fit_for_xdp_peer,
    make_veth,
    prepare_namespace,
    set_address,
    set_up,
    wait_carrier,
)
from testbed.namespaces import Namespace
from testbed.taps import Tap


class Pair:
    """Two namespaces with an interface each, ``a0`` and ``b0``, joined by a link."""

    def __init__(self, tap: Tap | None) -> None:
        self.a, self.b, self.tap = Namespace.create(), Namespace.create(), tap
        for namespace in (self.a, self.b):
            namespace.call(prepare_namespace)
        ends = [VethEnd("a0", "02:00:00:00:00:0a", self.a), VethEnd("b0", "02:00:00:00:00:0b", self.b)]
        if tap is None:
            self.a.call(lambda: make_veth(*ends))
        else:
            for end, name, mac in zip(ends, tap.names, ("02:00:00:00:01:0a", "02:00:00:00:01:0b"), strict=True):
                middle = VethEnd(name, mac, tap.namespace)
                end.namespace.call(lambda end=end, middle=middle: make_veth(end, middle))  # type: ignore[misc]
            tap.connect()
        for end, ip in zip(ends, ("10.9.0.1", "10.9.0.2"), strict=True):
            end.namespace.call(lambda end=end, ip=ip: _configure(end.name, ip))  # type: ignore[misc]
        for end in ends:
            end.namespace.call(lambda end=end: wait_carrier(end.name))  # type: ignore[misc]
        if tap is not None:
            tap.wait_carrier()

    def close(self) -> None:
        self.a.close()
        self.b.close()
        if self.tap is not None:
            self.tap.close()


def _configure(name: str, ip: str) -> None:
    fit_for_xdp_peer(name)
    set_up(name)
    set_address(name, ip, 24)
