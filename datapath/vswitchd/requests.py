"""The management methods: what a client may ask, each with its checked parameters, in the words of ``client.py``.

``server.py`` calls what ``make_handlers`` returns; everything is done by ``switch.py``.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from datapath.errors import SwitchError
from datapath.vswitchd.switch import Switch

Handler = Callable[[Mapping[str, Any]], Any]

_WORDS = {
    str: "a text",
    int: "a number",
    bool: "true or false",
    list[str]: "a list of texts",
    dict[str, str]: "an object of texts",
}


class Requests:
    """One method a request; parameter names and types are the protocol."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch

    def show(self) -> dict[str, Any]:
        return self._switch.show()

    def add_bridge(
        self,
        bridge: str,
        program: str,
        datapath: str = "auto",
        on_reject: str = "drop",
        include_dirs: list[str] = [],  # noqa: B006 (never changed)
        defines: dict[str, str] = {},  # noqa: B006
    ) -> dict[str, str]:
        return self._switch.add_bridge(bridge, program, datapath, on_reject, include_dirs, defines)

    def del_bridge(self, bridge: str) -> None:
        self._switch.del_bridge(bridge)

    def add_port(self, bridge: str, interface: str, port: int) -> None:
        self._switch.add_port(bridge, interface, port)

    def del_port(self, bridge: str, interface: str) -> None:
        self._switch.del_port(bridge, interface)

    def add_flows(self, bridge: str, texts: list[str]) -> None:
        self._switch.bridge(bridge).add_flows(texts)

    def del_flows(self, bridge: str, text: str = "", strict: bool = False) -> int:
        return self._switch.bridge(bridge).del_flows(text, strict)

    def dump_flows(self, bridge: str, text: str = "") -> list[dict[str, Any]]:
        return self._switch.bridge(bridge).dump_flows(text)

    def add_groups(self, bridge: str, texts: list[str]) -> None:
        self._switch.bridge(bridge).add_groups(texts)

    def del_groups(self, bridge: str, text: str = "") -> int:
        return self._switch.bridge(bridge).del_groups(text)

    def dump_groups(self, bridge: str) -> list[dict[str, Any]]:
        return self._switch.bridge(bridge).dump_groups()

    def value_set_add(self, bridge: str, name: str, entries: list[str]) -> None:
        self._switch.bridge(bridge).value_sets.add(name, entries)

    def value_set_del(self, bridge: str, name: str, entries: list[str] = []) -> int:  # noqa: B006
        return self._switch.bridge(bridge).value_sets.remove(name, entries)

    def value_set_dump(self, bridge: str, name: str = "") -> list[dict[str, Any]]:
        return self._switch.bridge(bridge).value_sets.dump(name)

    def dump_megaflows(self, bridge: str) -> list[dict[str, Any]]:
        return self._switch.bridge(bridge).dump_megaflows()

    def trace(self, bridge: str, packet: str, in_port: int) -> dict[str, Any]:
        try:
            data = bytes.fromhex(packet)
        except ValueError:
            raise SwitchError("trace: packet is not a text of hexadecimal bytes") from None
        return self._switch.bridge(bridge).trace(data, in_port)

    def stats(self, bridge: str) -> dict[str, Any]:
        return self._switch.bridge(bridge).stats()


def make_handlers(switch: Switch) -> dict[str, Handler]:
    """Return the methods by name, each checking its parameters first."""
    requests = Requests(switch)
    names = [name for name in vars(Requests) if not name.startswith("_")]
    return {name: _checked(name, getattr(requests, name)) for name in names}


def _checked(name: str, method: Callable[..., Any]) -> Handler:
    """Wrap a method: unknown, missing and ill-typed parameters are a SwitchError."""
    signature = inspect.signature(method)
    types = typing.get_type_hints(method)

    def handle(params: Mapping[str, Any]) -> Any:
        try:
            signature.bind(**params)
        except TypeError as error:
            raise SwitchError(f"{name}: {error}; it takes {', '.join(signature.parameters)}") from None
        for parameter, value in params.items():
            if not _fits(value, types[parameter]):
                raise SwitchError(f"{name}: {parameter} must be {_WORDS[types[parameter]]}, not {value!r}")
        return method(**params)

    return handle


def _fits(value: Any, expected: Any) -> bool:
    origin = typing.get_origin(expected)
    if origin is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    if expected is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, expected)
