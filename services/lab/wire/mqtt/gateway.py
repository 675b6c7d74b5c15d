"""What may stand between a device's clients and the hub: edgeHub, to which this listener lends its protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

# Takes a message for a module's input: the input's name, body, application properties.
Input = Callable[[str, bytes, Mapping[str, Any]], None]


class Gateway(Protocol):
    """An edgeHub. ``inputs`` are of modules that listen, by name."""

    device: str
    inputs: dict[str, Input]

    @property
    def running(self) -> bool:
        """Whether it takes clients."""

    def connected(self, module: str, on: bool) -> None:
        """Note that a client came or went; "" is the device itself."""

    def message(self, module: str, output: str, body: bytes, properties: Mapping[str, Any], system: Mapping[str, Any]) -> object:
        """Take a client's message; HubError where it is refused."""
