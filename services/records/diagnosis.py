"""Evidence and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from services.records.device import DeviceState

Severity = Literal["ok", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known when a rule is asked; every field may be missing.

    ``code`` is the service's own (404103, ``amqp:link:stolen``, ``UNAVAILABLE``); ``source`` says which conversation it is from.
    """

    source: Literal["hub", "agent", "amqp", "grpc", "http", "client", "workspace", "registry", "network"]
    status: int | None = None
    code: str = ""
    text: str = ""
    state: DeviceState | None = None
    module: str = ""
    seconds: float | None = None  # how long it has lasted, where that matters
    skew: float | None = None  # seconds that this machine's clock is ahead of the service's Date
    token: bool = False  # whether it was the sign-in's token that was shown, and no key


@dataclass(frozen=True, slots=True)
class Finding:
    """A named state with its cause and remedy. ``likely`` marks thin evidence; ``settle`` says what would settle it."""

    state: str  # stable name for scripts: pull-unauthorized, port-taken, fpga-flashing…
    severity: Severity
    word: str  # one word for the modules pane
    reason: str  # one short reason
    cause: str
    remedy: str
    module: str = ""
    likely: bool = False
    settle: str = ""
    evidence: tuple[str, ...] = field(default=())
