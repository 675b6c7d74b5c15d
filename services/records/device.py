"""An IoT Edge device as its hub knows it: identity, edge agent's desired and reported properties, modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.records.liveness import Liveness


@dataclass(frozen=True, slots=True)
class Device:
    """A device identity.

    ``connected`` is its own connectionState, None where the hub does not say: of an IoT Edge device it is no sign of life
    (``Liveness`` is the judgement). ``parents`` are the edge devices that it reaches the hub through.
    """

    id: str
    connected: bool | None
    enabled: bool = True
    edge: bool = True
    last_activity: datetime | None = None
    status_reason: str = ""
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DesiredModule:
    """What a deployment asks of a module. ``create_options`` is joined from its chunks; secrets in ``env`` are masked when shown, not here."""

    image: str
    status: str = "running"
    restart_policy: str = "always"
    create_options: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    pull_policy: str = ""
    startup_order: int | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class ReportedModule:
    """What the edge agent reports of a module. Times that read 0001-01-01 are None."""

    runtime_status: str
    image: str = ""
    image_hash: str = ""
    status: str = ""
    restart_policy: str = ""
    exit_code: int | None = None
    description: str = ""
    last_start: datetime | None = None
    last_exit: datetime | None = None
    last_restart: datetime | None = None
    restart_count: int = 0


@dataclass(frozen=True, slots=True)
class Module:
    """A module: desired, reported, or both."""

    name: str
    system: bool = False
    desired: DesiredModule | None = None
    reported: ReportedModule | None = None

    @property
    def image(self) -> str:
        """The image asked for, else the one that runs."""
        return self.desired.image if self.desired else self.reported.image if self.reported else ""

    @property
    def short_image(self) -> str:
        """The image without its registry."""
        return self.image.rsplit("/", 1)[-1]

    def starts_in(self, at: datetime) -> float | None:
        """Return the seconds until the agent starts the module again; None where it is not in backoff.

        It waits min(10·2^restarts, 300) s from the last exit (docs/facts/iot-hub.md).
        """
        reported = self.reported
        if reported is None or reported.runtime_status.lower() != "backoff" or reported.last_exit is None:
            return None
        return min(10 * (1 << min(max(reported.restart_count, 0), 10)), 300) - (at - reported.last_exit).total_seconds()


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """A registry that the deployment gives credentials for; the password stays in the twin."""

    name: str
    address: str
    username: str


@dataclass(frozen=True, slots=True)
class ConfigurationStatus:
    """A deployment at scale that touches the device: status is Targeted or Applied."""

    id: str
    status: str


@dataclass(frozen=True, slots=True)
class EdgeHubState:
    """What the twin of $edgeHub says at one moment: the configuration asked for, and what the edge hub reports of it."""

    configured: bool = False  # whether anything is asked for at all
    desired_version: int | None = None
    last_desired_version: int | None = None
    code: int | None = None
    description: str = ""
    desired_at: datetime | None = None
    reported_at: datetime | None = None  # of code and description, where the hub says so, else of the whole report
    version: str = ""
    clients: Mapping[str, str] = field(default_factory=dict)  # DEVICE/MODULE or DEVICE: Connected or Disconnected
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeviceState:
    """Everything the edge agent's twin says of a device at one moment.

    ``desired`` and ``reported`` are the raw property trees (they hold secrets: never show them unmasked). ``liveness`` is None
    where nobody judged it.
    """

    device: Device
    modules: tuple[Module, ...] = ()
    desired_version: int | None = None
    last_desired_version: int | None = None
    last_desired_code: int | None = None
    last_desired_description: str = ""
    last_desired_at: datetime | None = None  # when the hub was last given code or description
    schema_version: str = ""
    agent_version: str = ""
    daemon_version: str = ""
    platform: str = ""  # os/architecture, e.g. linux/amd64
    desired_at: datetime | None = None  # when the desired properties were last changed
    reported_at: datetime | None = None
    etag: str = ""
    registries: tuple[RegistryEntry, ...] = ()
    configurations: tuple[ConfigurationStatus, ...] = ()
    desired: Mapping[str, Any] = field(default_factory=dict, repr=False)
    reported: Mapping[str, Any] = field(default_factory=dict, repr=False)
    modules_listed: bool = True  # False where the agent could not ask its engine which containers there are
    edge_hub: EdgeHubState | None = None  # None where the twin of $edgeHub was not read
    read_at: datetime | None = None
    liveness: Liveness | None = None

    def module(self, name: str) -> Module | None:
        """Return the module of that name, if there is one."""
        return next((module for module in self.modules if module.name == name), None)
