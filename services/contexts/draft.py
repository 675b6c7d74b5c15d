"""A context put together from what the operator has: a workspace's config.json, connection strings, or lists from ARM.

``Draft`` keeps pasted secrets in memory, tests everything against the services, and only then writes them down.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from services.contexts.connection_string import EventString, HubString, parse_connection_string
from services.contexts.discovery import FoundHub, FoundWorkspace, ResourceManager
from services.contexts.event_token import EventCredential
from services.contexts.hub_api import HubApi, hub_by_key, hub_by_token
from services.contexts.model import (
    CloudSettings,
    Context,
    EventSettings,
    HubSettings,
    RegistrySettings,
    SecretSource,
    SignIn,
    WorkspaceSettings,
)
from services.contexts.paste import file_of, read_file, split_paste, subscription_in, workspace_in
from services.contexts.probe import PROBE_BOUNDS, edge_devices, probe_device, probe_events, probe_hub, probe_proxy
from services.contexts.secrets import ca_path, forget, keep_in_file, keep_in_keyring, reveal
from services.contexts.sign_in import forget_credential, sign_in_with, token
from services.contexts.store import ContextStore
from services.errors import OperatorError
from services.records import EventEndpoint, Secret, Step
from services.text import one_line


@dataclass
class Draft:
    """A context in the making. ``hub_string``, ``event_string`` and ``client_secret`` are pasted; a source takes their place.

    ``token_host`` is a hub that is reached with the sign-in's token, where there is no ``hub_string``.
    """

    name: str
    sign_in: SignIn = field(default_factory=SignIn)
    cloud: CloudSettings = field(default_factory=CloudSettings)
    workspace: WorkspaceSettings | None = None
    registry: RegistrySettings | None = None
    device: str = ""
    device_address: str = ""
    consumer_group: str = "$Default"
    transport: Literal["amqp", "websocket"] = "amqp"
    proxy: str = ""  # for messages by websockets
    ca_file: str = ""  # for workspace, hub and events alike
    production: bool = False
    read_only: bool = False
    subscription: str = ""
    hub_resource_id: str = ""
    token_host: str = ""
    hub_string: HubString | None = None
    hub_source: SecretSource | None = None
    event_string: EventString | None = None
    event_source: SecretSource | None = None
    client_secret: Secret | None = None
    namespace: str = ""  # with event_hub: an Event Hub that the hub routes to, read with the sign-in's token
    event_hub: str = ""

    def take(self, text: str) -> str:
        """Understand one thing the operator has, and say what: config.json (path or text), connection string, subscription."""
        things = split_paste(text)
        if len(things) == 1 and (path := file_of(things[0])):
            things = read_file(path)
        descriptions = [self._take_one(thing) for thing in things]
        if not descriptions:
            raise _not_understood("It is empty.")
        return "; ".join(descriptions)

    def _take_one(self, thing: str) -> str:
        if workspace := workspace_in(thing):
            self.workspace = dataclasses.replace(workspace, ca_file=self.ca_file)
            self.subscription = workspace.subscription
            return f"workspace {one_line(workspace.name, 80)} in {one_line(workspace.resource_group, 80)}"
        if "=" in thing and ";" in thing:
            return self._take_string(parse_connection_string(thing), None)
        if subscription := subscription_in(thing):
            self.subscription = subscription
            return f"subscription {subscription}"
        raise _not_understood("It is no config.json, no connection string, no subscription's id, and no file of that name.")

    def _take_string(self, parsed: HubString | EventString, source: SecretSource | None) -> str:
        if isinstance(parsed, HubString):
            self.hub_string, self.hub_source = parsed, source
            corrected = " (pasted with the host for devices, which serves no console)" if parsed.corrected else ""
            return f"hub {parsed.host}{corrected}, policy {parsed.policy}"
        self.event_string, self.event_source = parsed, source
        return f"events of {parsed.entity} at {parsed.namespace}, policy {parsed.policy}"

    def take_hub_source(self, source: SecretSource) -> str:
        """Return the hub's connection string from ``source``, which is what the context will name."""
        parsed = parse_connection_string(reveal(source).reveal())
        if not isinstance(parsed, HubString):
            raise _other_kind("the hub's connection string", "an Event Hub-compatible one")
        return self._take_string(parsed, source)

    def take_event_source(self, source: SecretSource) -> str:
        """Return the Event Hub-compatible connection string from ``source``."""
        parsed = parse_connection_string(reveal(source).reveal())
        if not isinstance(parsed, EventString):
            raise _other_kind("an Event Hub-compatible connection string", "a hub's own")
        return self._take_string(parsed, source)

    def take_workspace(self, found: FoundWorkspace) -> None:
        """Take a workspace that was picked from a list."""
        self.workspace = WorkspaceSettings(found.subscription, found.resource_group, found.name, ca_file=self.ca_file)

    def take_hub(self, found: FoundHub, resources: ResourceManager) -> None:
        """Take a hub that was picked from a list; ARM gives its connection string, or else the sign-in's token has to do."""
        self.hub_resource_id = found.resource_id
        try:
            secret = resources.hub_connection_string(found, write=not self.read_only)
        except OperatorError as error:
            if error.code != "arm.403":
                raise
            self.token_host = found.host
            return
        string = parse_connection_string(secret.reveal())
        if isinstance(string, HubString):
            self.hub_string, self.hub_source = string, None

    def resources(self) -> ResourceManager:
        """Return ARM with this draft's sign-in, to pick from its lists."""
        return ResourceManager(self._signed_in())

    def devices(self) -> list[str]:
        """Return the hub's Edge devices, to pick one; empty without a hub."""
        return edge_devices(self._hub_api()) if self.hub_host else []

    @property
    def hub_host(self) -> str:
        """The hub's host; empty where there is no hub yet."""
        return self.hub_string.host if self.hub_string else self.token_host

    def _hub_api(self) -> HubApi:
        if self.hub_string:
            return hub_by_key(self.hub_string.text, self.ca_file, PROBE_BOUNDS)
        return hub_by_token(self._signed_in(), PROBE_BOUNDS)

    def _signed_in(self) -> Context:
        context = self.context()
        if self.client_secret:
            sign_in_with(context, self.client_secret)
        return context

    def context(self) -> Context:
        """Return the context as it would be kept; a pasted secret that is not kept yet has no source."""
        hub = None
        if self.hub_host:
            hub = HubSettings(self.hub_host, self.hub_source, self.hub_resource_id, self.ca_file)
        workspace = dataclasses.replace(self.workspace, ca_file=self.ca_file) if self.workspace else None
        return Context(
            self.name,
            hub=hub,
            workspace=workspace,
            registry=self.registry,
            device=self.device,
            device_address=self.device_address,
            cloud=self.cloud,
            sign_in=self.sign_in,
            events=EventSettings(
                self.consumer_group, self.event_source, self.transport, self.proxy, self.ca_file, self.namespace, self.event_hub
            ),
            production=self.production,
            read_only=self.read_only,
        )

    def test(self) -> Iterator[Step]:
        """Try everything the draft names: workspace, hub, device, events; a step for each, as it is known."""
        if not (self.workspace or self.hub_host or self.event_string):
            yield Step("empty", "Something to connect to", "failed", "neither workspace nor hub", remedy="Give one of them.")
            return
        if self.workspace:
            yield from self._tested("workspace", f"Workspace {self.workspace.name}", self._test_workspace)
        if self.hub_host:
            yield from self._tested("hub", f"Hub {self.hub_host}", lambda: probe_hub(self._hub_api()))
            if self.device:
                yield from self._tested("device", f"Device {self.device}", lambda: probe_device(self._hub_api(), self.device))
        if self.event_string:
            endpoint = self._endpoint(self.event_string)
            yield from self._tested("events", f"Events of {endpoint.entity}", lambda: probe_events(endpoint))
        elif self.namespace and self.event_hub:
            yield from self._tested("events", f"Events of {self.event_hub}", self._test_routed)
        elif self.hub_host and self.proxy:
            host = self.hub_host
            yield from self._tested("proxy", "Proxy for messages", lambda: probe_proxy(self.proxy, host))

    def store(self, store: ContextStore, keep: Literal["file", "keyring"] = "file", *, replace: bool = False) -> Context:
        """Write the secrets, then the context. Nothing stays behind where the context cannot be written."""
        write = keep_in_file if keep == "file" else keep_in_keyring
        stored_sources: list[SecretSource] = []
        store.check_name(self.name, replace)
        try:
            if self.client_secret:
                self.sign_in = dataclasses.replace(self.sign_in, secret=write(f"{self.name}-client", self.client_secret))
                stored_sources += [self.sign_in.secret] if self.sign_in.secret else []
            if self.hub_string and not self.hub_source:
                self.hub_source = write(f"{self.name}-hub", self.hub_string.text)
                stored_sources.append(self.hub_source)
            if self.event_string and not self.event_source:
                self.event_source = write(f"{self.name}-events", self.event_string.text)
                stored_sources.append(self.event_source)
            context = self.context()
            store.add(context, replace=replace)
        except OperatorError:
            for source in stored_sources:
                forget(source)
            raise
        return context

    def _test_workspace(self) -> str:
        place = self.workspace
        if place is None:
            return ""
        context = self._signed_in()
        try:
            token(context)
            workspace = ResourceManager(context).workspace(place.subscription, place.resource_group, place.name)
        except OperatorError:
            forget_credential(context)  # the next attempt signs in anew
            raise
        return f"in {workspace.location or 'an unnamed region'}, registry {workspace.registry or 'none yet'}"

    def _test_routed(self) -> str:
        credential = EventCredential(self._signed_in())
        return probe_events(
            dataclasses.replace(
                self._endpoint(EventString(self.namespace, self.event_hub, "", Secret(""))), credential=credential
            )
        )

    def _endpoint(self, events: EventString) -> EventEndpoint:
        return EventEndpoint(
            namespace=events.namespace,
            entity=events.entity,
            connection_string=events.text,
            consumer_group=self.consumer_group,
            ca_file=ca_path(self.ca_file) if self.ca_file else "",
            transport=self.transport,
            proxy=self.proxy,
        )

    def _tested(self, name: str, title: str, test: object) -> Iterator[Step]:
        yield Step(name, title, "running")
        try:
            detail = test() if callable(test) else ""
        except OperatorError as error:
            yield Step(name, title, "failed", f"{error.what} {error.cause}".strip(), remedy=error.remedy)
        else:
            yield Step(name, title, "done", str(detail))


def _not_understood(cause: str) -> OperatorError:
    return OperatorError(
        "That is nothing a context can be made from.",
        cause=cause,
        remedy="Give the workspace's config.json, a connection string of the hub or its events, or a subscription's id.",
        code="context.not-understood",
    )


def _other_kind(expected_kind: str, actual_kind: str) -> OperatorError:
    return OperatorError(
        f"That source holds {actual_kind}.",
        cause=f"Wanted is {expected_kind}.",
        remedy="Name the other source.",
        code="context.connection-string",
    )


def forget_secrets(context: Context) -> None:
    """Remove the secrets that ``Draft.store`` kept for ``context``; sources of the operator's own stay."""
    for source in (context.hub and context.hub.connection, context.events.connection, context.sign_in.secret):
        if source:
            forget(source)
