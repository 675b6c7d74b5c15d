"""The way to messages without a key: a hub's route to an Event Hub, planned as a whole before anything is written.

The built-in endpoint takes keys alone. A message that any route takes no longer reaches it, so a plan always holds a route to the
built-in endpoint ``events`` as well (docs/facts/azure-today.md, Messages without a key).
"""

from __future__ import annotations

import copy
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.contexts.discovery import ResourceManager
from services.contexts.hosts import host_alone
from services.contexts.model import Context
from services.errors import OperatorError
from services.hub.field_readers import mapping, word
from services.names import hub_name
from services.text import one_line

BUILT_IN = "events"
_NAME = "dbe-console"
_SOURCE = "DeviceMessages"
_READY_SECONDS, _PAUSE = 180.0, 2.0

EFFECT = (
    "This concerns every consumer of the hub: once a route exists, data stops flowing to the built-in endpoint unless a route "
    "leads there, too. Device messages go to both with these."
)
ROLES = (
    "Two roles on the Event Hub come first, and take some minutes to hold: Azure Event Hubs Data Sender for the hub's identity, Azure "
    "Event Hubs Data Receiver for this sign-in."
)


@dataclass(frozen=True)
class RoutePlan:
    """What a hub lacks to send its messages to an Event Hub. ``record`` is the hub's as it will be; None where ARM did not give it."""

    hub: str
    namespace: str
    event_hub: str
    endpoint: str  # the endpoint's name
    new_endpoint: bool = True
    new_routes: tuple[tuple[str, str], ...] = ((_NAME, _NAME), (f"{_NAME}-{BUILT_IN}", BUILT_IN))  # name, endpoint
    record: Mapping[str, Any] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the hub has all of it already."""
        return not (self.new_endpoint or self.new_routes)

    @property
    def lines(self) -> tuple[str, ...]:
        """What will be made, a line for each, as an operator reads it."""
        place = f"Event Hub {self.event_hub} at {self.namespace}, with the hub's own identity"
        made = (f"+ endpoint {self.endpoint}: {place}",) if self.new_endpoint else ()
        return made + tuple(f"+ route {name}: {_SOURCE}, condition true, to {target}" for name, target in self.new_routes)

    @property
    def commands(self) -> tuple[str, ...]:
        """The same as commands of az, for who has the rights; the built-in endpoint's route first, so that nothing is missed."""
        hub, name = shlex.quote(self.hub), shlex.quote(self.endpoint)
        routes = sorted(self.new_routes, key=lambda route: route[1] != BUILT_IN)
        return (
            *(
                (
                    f"az iot hub identity assign -n {hub} --system --role 'Azure Event Hubs Data Sender' --scopes EVENT_HUB_ID",
                    f"az iot hub message-endpoint create eventhub -n {hub} --en {name}"
                    f" --endpoint-uri {shlex.quote(f'sb://{self.namespace}')} --entity-path {shlex.quote(self.event_hub)}"
                    " --identity '[system]'",
                )
                if self.new_endpoint
                else ()
            ),
            *(
                f"az iot hub message-route create -n {hub} --route-name {shlex.quote(route)} --endpoint-name"
                f" {shlex.quote(target)} --source {_SOURCE}"
                for route, target in routes
            ),
            "az role assignment create --role 'Azure Event Hubs Data Receiver' --assignee YOUR_SIGN_IN --scope EVENT_HUB_ID",
        )


def blind_plan(context: Context, namespace: str, event_hub: str) -> RoutePlan:
    """Return the plan of a hub that nothing is known of, for its commands alone."""
    return RoutePlan(hub_name(_host(context)), host_alone(namespace), event_hub, _NAME)


def plan_routes(context: Context, namespace: str, event_hub: str) -> RoutePlan:
    """Read the hub from ARM and return what it lacks. Raises OperatorError, also where the hub has no identity to send with."""
    manager = ResourceManager(context)
    record = copy.deepcopy(manager.hub_record(_resource_id(context, manager)))
    name, namespace = word(record.get("name")), host_alone(namespace)
    properties = record.setdefault("properties", {})
    routing = properties.get("routing") or {}
    properties["routing"] = routing
    endpoints = routing.setdefault("endpoints", {}).setdefault("eventHubs", [])
    routes = routing.setdefault("routes", [])
    present = next((one for one in endpoints if place_of(one) == (namespace, event_hub.lower())), None)
    endpoint = word(mapping(present).get("name")) or _free(_NAME, [*endpoints, {"name": BUILT_IN}])
    if present is None:
        if "systemassigned" not in word(mapping(record.get("identity")).get("type")).lower().replace(" ", ""):
            raise _no_identity(name)
        place = {"endpointUri": f"sb://{namespace}", "entityPath": event_hub}
        endpoints.append({"name": endpoint, "authenticationType": "identityBased", **place})
    new_routes = []
    for target in (endpoint, BUILT_IN):
        if not any(leads_to(route, target) for route in routes):
            route = _free(_NAME if target != BUILT_IN else f"{_NAME}-{BUILT_IN}", routes)
            routes.append(
                {"name": route, "source": _SOURCE, "condition": "true", "endpointNames": [target], "isEnabled": True},
            )
            new_routes.append((route, target))
    return RoutePlan(name, namespace, event_hub, endpoint, present is None, tuple(new_routes), record)


def apply_routes(context: Context, plan: RoutePlan) -> None:
    """Write a plan, and wait until the hub has it. Raises OperatorError, also where the hub was changed since it was planned."""
    assert plan.record is not None, "a plan that ARM gave no record for cannot be written"
    manager = ResourceManager(context)
    record = manager.replace_hub(plan.record)
    until = time.monotonic() + _READY_SECONDS
    while (state := word(mapping(record.get("properties")).get("provisioningState"))) not in ("Succeeded", ""):
        if state in ("Failed", "Canceled") or time.monotonic() > until:
            raise OperatorError(
                f"The hub {one_line(plan.hub, 80)} did not take the routes.",
                cause=f"Azure Resource Manager says {one_line(state, 40)}. The hub's identity may lack Azure Event Hubs Data Sender.",
                remedy="Give it that role on the Event Hub, wait some minutes, and try again.",
                code="routes.not-taken",
            )
        time.sleep(_PAUSE)
        record = manager.hub_record(word(plan.record.get("id")))


def _host(context: Context) -> str:
    if context.hub is None:
        raise OperatorError(
            f"The context {context.name!r} names no IoT Hub.",
            remedy="Add one: dbe-console context add NAME.",
            code="context.no-hub",
        )
    return context.hub.host


def _resource_id(context: Context, manager: ResourceManager) -> str:
    host = _host(context)
    if context.hub is not None and context.hub.resource_id:
        return context.hub.resource_id
    for subscription in manager.subscriptions():
        for hub in manager.hubs(subscription.id):
            if host_alone(hub.host) == host_alone(host):
                return hub.resource_id
    raise OperatorError(
        f"The hub {one_line(host, 120)} is in no subscription that this sign-in can see.",
        cause="Without the role Reader on it, Azure Resource Manager does not show it.",
        remedy="Ask for Reader, or have somebody run the commands that --print gives.",
        code="arm.404",
    )


def place_of(endpoint: Any) -> tuple[str, str]:
    """Return an endpoint's namespace and Event Hub, for comparing."""
    fields = mapping(endpoint)
    return host_alone(word(fields.get("endpointUri")).partition("://")[2].rstrip("/")), word(fields.get("entityPath")).lower()


def takes_messages(route: Mapping[str, Any]) -> bool:
    """Return whether a route is in force for device messages, whatever its condition."""
    return route.get("isEnabled") is True and route.get("source") == _SOURCE


def leads_to(route: Any, endpoint: str) -> bool:
    """Return whether a route takes every device message to the endpoint."""
    fields = mapping(route)
    names = fields.get("endpointNames")
    every = word(fields.get("condition") or "true").strip().lower() == "true"
    return takes_messages(fields) and every and isinstance(names, list) and endpoint in names


def _free(name: str, rows: list[Any]) -> str:
    taken_names = {word(mapping(row).get("name")).lower() for row in rows}
    return next(one for one in (name, *(f"{name}-{number}" for number in range(2, 1000))) if one.lower() not in taken_names)


def _no_identity(hub: str) -> OperatorError:
    return OperatorError(
        f"The hub {one_line(hub, 80)} has no identity of its own to send to an Event Hub with.",
        cause="Without keys the hub's managed identity sends, with the role Azure Event Hubs Data Sender.",
        remedy=f"Run, then wait some minutes: az iot hub identity assign -n {shlex.quote(hub)} --system --role"
        " 'Azure Event Hubs Data Sender' --scopes EVENT_HUB_ID",
        code="routes.no-identity",
    )
