"""Whether a device is alive, and the evidence that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from services.records.device import Device

PING_COST = 2  # messages of the hub's quota: request and reply are charged each (docs/facts/iot-hub.md)
LivenessWord = Literal["alive", "offline", "unknown"]


@dataclass(frozen=True, slots=True)
class Connection:
    """The connection of a module identity, as the hub knows it.

    ``connected`` is None where the hub's reply does not say, ``changed`` where it never connected.
    """

    module: str
    connected: bool | None
    changed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """A ping of the edge agent: when it ended, and the hub's error code (404103…); empty where the agent answered."""

    at: datetime
    error: str = ""


@dataclass(frozen=True, slots=True)
class LifeSigns:
    """The evidence for a judgement of liveness; everything but the device may be missing.

    ``connections`` is None where the module identities were not read; ``unread`` says why. ``clients`` is what $edgeHub reports of
    its own clients (``device/module`` → ``Connected`` or ``Disconnected``), ``clients_at`` when it did. ``edge_hub_runs`` is what
    the agent last reported of $edgeHub, None where it reported nothing. ``message`` is when the newest message of the device was
    enqueued, as far as anybody listens.
    """

    device: Device
    connections: tuple[Connection, ...] | None = None
    connections_at: datetime | None = None
    unread: str = ""
    ping: Ping | None = None
    clients: Mapping[str, str] = field(default_factory=dict)
    clients_at: datetime | None = None
    reported_at: datetime | None = None
    edge_hub_runs: bool | None = None
    message: datetime | None = None


@dataclass(frozen=True, slots=True)
class Liveness:
    """The judgement: a word and what it rests on. ``unasked`` says that a ping would settle it."""

    word: LivenessWord
    basis: str
    unasked: bool
    signs: LifeSigns = field(repr=False)

    @property
    def text(self) -> str:
        """``alive: $edgeHub connected``."""
        return f"{self.word}: {self.basis}"
