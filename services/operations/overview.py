"""All devices of a hub at a glance, the one in most trouble first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.diagnosis import diagnose_state, lifecycle, worst
from services.diagnosis.liveness import judge_again
from services.errors import OperatorError
from services.hub.client import Hub
from services.operations.device_list import connections_of_many
from services.operations.device_reading import read_whole
from services.operations.parallel_calls import side_by_side
from services.records import Connection, Device, DeviceState, Finding, Liveness, states
from services.times import now

_AT_ONCE = 6  # twins read side by side; the hub allows 100 a second
_RANK = {"error": 0, "warning": 1, "info": 2, "ok": 3}


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device: its worst finding, the deployment that it is under, its newest message.

    ``error`` says why its state could not be read.
    """

    device: Device
    state: DeviceState | None = None
    finding: Finding | None = None
    findings: Mapping[str, Finding] | None = None  # by module, "" the device itself
    deployment: str = ""
    last_message: datetime | None = None
    error: OperatorError | None = None

    @property
    def trouble(self) -> tuple[int, int, str]:
        """What rows are sorted by: severity of the worst, how many modules are in trouble, name."""
        severity = 0 if self.error else 2 if self.doubtful else _RANK.get(self.finding.severity, 1) if self.finding else 3
        count = sum(finding.severity in ("error", "warning") for finding in (self.findings or {}).values())
        return severity, -count, self.device.id

    @property
    def liveness(self) -> Liveness | None:
        """Whether the device is alive; None where its state could not be read."""
        return self.state.liveness if self.state is not None else None

    @property
    def doubtful(self) -> bool:
        """Whether nothing is wrong by the last report, and nothing says that the device is alive."""
        unknown = self.liveness is not None and self.liveness.word == "unknown"
        return unknown and (self.finding is None or self.finding.severity in ("ok", "info"))

    @property
    def word(self) -> str:
        """The device's state in one word."""
        if self.error is not None:
            return "unread"
        if self.doubtful:
            return "unknown"
        return "well" if self.finding is None or self.finding.severity == "ok" else self.finding.word

    @property
    def reason(self) -> str:
        """One short reason; empty where all is well."""
        if self.error is not None:
            return self.error.what
        if self.doubtful:
            return self.liveness.basis if self.liveness is not None else ""
        if self.finding is None or self.finding.severity == "ok":
            return ""
        likely = "likely: " if self.finding.likely else ""
        return (f"{self.finding.module}: " if self.finding.module else "") + likely + self.finding.reason

    @property
    def unsupported(self) -> tuple[lifecycle.Product, ...]:
        """What of the device Microsoft no longer supports."""
        return lifecycle.unsupported(self.state, now().date()) if self.state is not None else ()

    @property
    def remark(self) -> str:
        """The reason; where all is well, what is out of support."""
        return self.reason or lifecycle.headline(self.unsupported)


def overview(
    hub: Hub, last_messages: Mapping[str, datetime] | None = None, every: Callable[[DeviceRow], None] | None = None
) -> list[DeviceRow]:
    """Return one row for each IoT Edge device, sorted by trouble.

    Two metered twin reads a device; ``every`` is told of each row as it comes.
    """
    devices = [device for device in hub.devices() if device.edge]
    connections = connections_of_many(hub, devices)
    messages = last_messages or {}

    def look(device: Device) -> DeviceRow:
        row = row_of(hub, device, messages.get(device.id), connections.get(device.id))
        if every is not None:
            every(row)
        return row

    return by_trouble(side_by_side(look, devices, _AT_ONCE))


def row_of(
    hub: Hub, device: Device, last_message: datetime | None = None, connections: Sequence[Connection] | None = None
) -> DeviceRow:
    """Return one device's row; an error of the hub stands in it instead of being raised."""
    try:
        state = judge_again(read_whole(hub, device, connections), message=last_message)
    except OperatorError as error:
        return DeviceRow(device, last_message=last_message, error=error)
    by_module = diagnose_state(state)
    applied = [configuration.id for configuration in state.configurations if configuration.status.lower() == "applied"]
    deployment = ", ".join(applied) or (f"version {state.desired_version}" if state.desired_version is not None else "")
    # That a module is in trouble is told by that module's own finding.
    notable = [finding for finding in by_module.values() if finding.state != states.MODULE_TROUBLE]
    return DeviceRow(state.device, state, worst(notable), by_module, deployment, last_message)


def by_trouble(rows: Sequence[DeviceRow]) -> list[DeviceRow]:
    """Return the rows with the most trouble first."""
    return sorted(rows, key=lambda row: row.trouble)
