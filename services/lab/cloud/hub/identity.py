"""Device and module identities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.lab.clock import Clock
from services.lab.cloud.hub.mailbox import Mailbox
from services.lab.cloud.hub.sas import new_key
from services.lab.cloud.hub.twins import Twin, etag_of

NEVER = "0001-01-01T00:00:00"  # in an identity; a twin writes it with a Z


@dataclass
class Identity:
    """A device (``module`` empty) or module, with its keys, twin and whether it is connected."""

    clock: Clock
    device: str
    module: str = ""
    edge: bool = False
    managed_by: str = ""
    parent_scopes: tuple[str, ...] = ()  # of a device in a nested edge: its parent's scope
    primary: str = field(default_factory=new_key, repr=False)
    secondary: str = field(default_factory=new_key, repr=False)
    authentication: str = "sas"  # or selfSigned (by ``thumbprints``), certificateAuthority
    thumbprints: tuple[str | None, str | None] = (None, None)
    enabled: bool = True
    status_reason: str | None = None
    connected: bool = False
    connection_updated: str = NEVER
    last_activity: str = NEVER
    edits: int = 1
    generation: str = ""
    twin: Twin = field(init=False)
    mailbox: Mailbox = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.twin = Twin(self.clock)
        self.mailbox = Mailbox(self.clock)
        self.generation = self.generation or str(637_000_000_000_000_000 + self.clock.milliseconds())

    @property
    def etag(self) -> str:
        """The identity's own etag."""
        return etag_of(self.edits)

    @property
    def path(self) -> str:
        """``devices/D`` or ``devices/D/modules/M``, as in SAS resources."""
        return f"devices/{self.device}" + (f"/modules/{self.module}" if self.module else "")

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that sign its tokens: none for one that comes with a certificate."""
        return (self.primary, self.secondary) if self.authentication == "sas" else ()

    @property
    def _x509(self) -> dict[str, str | None]:
        return dict(zip(("primaryThumbprint", "secondaryThumbprint"), self.thumbprints, strict=True))

    @property
    def scope(self) -> str:
        """An edge device's own scope, which its children name."""
        return f"ms-azure-iot-edge://{self.device}-{self.generation}"

    @property
    def _scopes(self) -> dict[str, Any]:
        if self.edge:
            return {"deviceScope": self.scope, "parentScopes": list(self.parent_scopes)}
        return {"deviceScope": self.parent_scopes[0], "parentScopes": list(self.parent_scopes)} if self.parent_scopes else {}

    def set_connected(self, connected: bool) -> None:
        """Note that a connection began or ended.

        The hub shows none of $edgeAgent, though it takes its methods; an edge device's own identity is connected only where a
        client connects with the device's own key (docs/facts/iot-hub.md, liveness).
        """
        if self.module == "$edgeAgent":
            return
        if connected != self.connected:
            self.connected = connected
            self.connection_updated = self.clock.text()
        self.touch()

    def touch(self) -> None:
        """Note that a device did something; the hub keeps no such time of modules."""
        if not self.module:
            self.last_activity = self.clock.text()

    def view(self) -> dict[str, Any]:
        """Return the identity as ``GET /devices/D`` gives it, keys included."""
        view: dict[str, Any] = {
            "deviceId": self.device,
            "generationId": self.generation,
            "etag": self.etag,
            "connectionState": "Connected" if self.connected else "Disconnected",
            "connectionStateUpdatedTime": self.connection_updated,
            "lastActivityTime": self.last_activity,
            "cloudToDeviceMessageCount": len(self.mailbox),
            "authentication": {
                "symmetricKey": dict(zip(("primaryKey", "secondaryKey"), self.keys or (None, None), strict=True)),
                "x509Thumbprint": self._x509,
                "type": self.authentication,
            },
        }
        if self.module:
            return {"moduleId": self.module, "managedBy": self.managed_by or None, **view}
        return {
            **view,
            "status": "enabled" if self.enabled else "disabled",
            "statusReason": self.status_reason,
            "statusUpdatedTime": NEVER,
            "capabilities": {"iotEdge": self.edge},
            **self._scopes,
        }

    def twin_view(self) -> dict[str, Any]:
        """Return the twin as ``GET /twins/D`` gives it."""
        twin = self.twin
        view: dict[str, Any] = {"deviceId": self.device, **({"moduleId": self.module} if self.module else {})}
        view |= {
            "etag": twin.etag,
            "deviceEtag": self.etag,
            "status": "enabled" if self.enabled else "disabled",
            "statusUpdateTime": f"{NEVER}Z",
            "connectionState": "Connected" if self.connected else "Disconnected",
            "lastActivityTime": f"{NEVER}Z" if self.last_activity == NEVER else self.last_activity,
            "cloudToDeviceMessageCount": len(self.mailbox),
            "authenticationType": self.authentication,
            "x509Thumbprint": self._x509,
            "modelId": "",
            "version": twin.version,
            **({} if self.module else {"tags": dict(twin.tags)}),
            "properties": {"desired": twin.desired.view(), "reported": twin.reported.view()},
        }
        if self.edge or self.module or twin.configurations:
            view["configurations"] = {name: {"status": status} for name, status in twin.configurations.items()}
        if not self.module:
            view |= {"capabilities": {"iotEdge": self.edge}, **self._scopes}
        return view
