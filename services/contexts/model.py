"""What a context holds. Secrets are never in it: only where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret comes from: ``env:NAME``, ``file:PATH`` (mode 0600), ``command:ARGV…`` or ``keyring:NAME``."""

    kind: Literal["env", "file", "command", "keyring"]
    value: str


@dataclass(frozen=True, slots=True)
class HubSettings:
    """An IoT Hub. ``connection`` yields its connection string; without it ``host`` is reached with the sign-in's token."""

    host: str
    connection: SecretSource | None = None
    resource_id: str = ""  # ARM id; needed for Azure ML's route
    ca_file: str = ""  # a private CA, PEM


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """An Azure ML workspace; ``registry`` is its container registry's ARM name where the workspace does not say it."""

    subscription: str
    resource_group: str
    name: str
    registry: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """A container registry whose catalogue is read, and whose images are deployed with the same sign-in.

    ``server`` is HOST or HOST:PORT; without ``password`` the workspace's or no sign-in is used.
    """

    server: str
    username: str = ""
    password: SecretSource | None = None
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """Where ARM and the sign-in live; other than the public cloud for national clouds (``CLOUDS``) and private stacks."""

    resource_manager: str = "https://management.azure.com"
    authority: str = "https://login.microsoftonline.com"
    ca_file: str = ""


# The addresses of ARM and the sign-in by cloud (azure-identity's AzureAuthorityHosts; docs/facts/azure-today.md, Credentials).
CLOUDS = {
    "public": ("https://management.azure.com", "https://login.microsoftonline.com"),
    "us-government": ("https://management.usgovcloudapi.net", "https://login.microsoftonline.us"),
    "china": ("https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
}


@dataclass(frozen=True, slots=True)
class SignIn:
    """How tokens are had. A service principal has a ``secret`` or a ``certificate``, a PEM file, whose password ``secret`` then is.

    ``client_id`` with a managed identity is that of a user-assigned one; ``token_file`` holds workload identity's federated token.
    """

    method: Literal["az", "device-code", "service-principal", "workload-identity", "managed-identity"] = "az"
    tenant: str = ""
    client_id: str = ""
    secret: SecretSource | None = None
    certificate: str = ""
    token_file: str = ""


@dataclass(frozen=True, slots=True)
class EventSettings:
    """Where messages come from. Without any of it the endpoint is found from the hub's own connection string (redirect).

    ``namespace`` (its fully qualified name) and ``event_hub`` name an Event Hub that the hub routes to, read with the sign-in's
    token; the built-in endpoint takes keys alone (docs/facts/azure-today.md, Messages without a key).
    """

    consumer_group: str = "$Default"
    connection: SecretSource | None = None  # a pasted Event Hub-compatible connection string, EntityPath included
    transport: Literal["amqp", "websocket"] = "amqp"
    proxy: str = ""
    ca_file: str = ""
    namespace: str = ""
    event_hub: str = ""


class FieldPath(str):
    """Where a value stands in JSON: names, and places in arrays counted from 0, with dots between; empty for nowhere."""

    __slots__ = ()

    @property
    def steps(self) -> tuple[str, ...]:
        """The names and places, outermost first."""
        return tuple(self.split(".")) if self else ()


_NOWHERE = FieldPath()


@dataclass(frozen=True, slots=True)
class MessageFields:
    """Where the messages of foreign clients say what they mean; what a path does not find is looked for by its usual names."""

    label: FieldPath = field(default=_NOWHERE, metadata={"key": "class"})
    milliseconds: FieldPath = _NOWHERE
    confidence: FieldPath = _NOWHERE
    error: FieldPath = _NOWHERE


@dataclass(frozen=True, slots=True)
class Limits:
    """Refresh intervals in seconds, and how much the journal keeps."""

    modules_every: int = 30
    images_every: int = 300
    journal_rows: int = 5_000_000
    journal_days: int = 30
    journal_bytes: int = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class Context:
    """A workspace, a hub and a device under one name.

    ``device_address`` is where the device's compute network is reached from here, ``device_ports`` the host ports of its
    modules that are reached under another number there (a tunnel, an address translation).
    """

    name: str
    hub: HubSettings | None = None
    workspace: WorkspaceSettings | None = None
    registry: RegistrySettings | None = None
    device: str = ""
    device_address: str = ""
    device_ports: Mapping[int, int] = field(default_factory=dict)
    cloud: CloudSettings = field(default_factory=CloudSettings)
    sign_in: SignIn = field(default_factory=SignIn)
    events: EventSettings = field(default_factory=EventSettings)
    messages: MessageFields = field(default_factory=MessageFields)
    limits: Limits = field(default_factory=Limits)
    proxy: str = ""  # http://[user:password@]host:port for every leg, in place of HTTPS_PROXY
    bell: bool = False  # ring the terminal's when something turns bad
    production: bool = False
    read_only: bool = False
    trusted_hosts: tuple[str, ...] = ()  # "SERVICE=HOST": what the first leads to may be given its credentials (contexts.hosts)
    lab: bool = False  # only the banner and the fault key look at this
