"""Where a hub's messages go: routes to endpoints, the fallback route, and the one Event Hub that they may name.

A message goes to each endpoint that a route names; the fallback route takes to the built-in endpoint what no route took
(docs/facts/azure-today.md, Messages without a key).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.lab.cloud.hub.errors import HubError
from services.lab.cloud.hub.events import EventStore

Json = dict[str, Any]
BUILT_IN = "events"
_MOST_ENDPOINTS, _MOST_ROUTES = 10, 100


class Routing:
    """A hub's routing, as ARM has it under ``properties.routing``. ``store`` holds what came to the Event Hub ``event_hub``."""

    def __init__(self, built_in: EventStore, event_hub: str, namespace: str) -> None:
        self.event_hub = event_hub
        self.namespace = namespace
        self._built_in = built_in
        self.store = EventStore(built_in.clock)
        self.consumer_groups = ["$Default", "console"]
        self.endpoints: list[Json] = []
        self.routes: list[Json] = []
        self.fallback: Json = _route("$fallback")

    def view(self) -> Json:
        """Return the routing as ARM gives it out: an endpoint's connection string is never in it."""
        endpoints = [{key: value for key, value in one.items() if key != "connectionString"} for one in self.endpoints]
        others = ("serviceBusQueues", "serviceBusTopics", "storageContainers", "cosmosDBSqlContainers")
        return {
            "endpoints": {"eventHubs": endpoints, **{kind: [] for kind in others}},
            "routes": self.routes,
            "fallbackRoute": self.fallback,
            "enrichments": [],
        }

    def replace(self, routing: Mapping[str, Any]) -> None:
        """Take another routing as a whole; HubError 400004 where it names what is not there."""
        endpoints = list((routing.get("endpoints") or {}).get("eventHubs") or [])
        routes = list(routing.get("routes") or [])
        names = {BUILT_IN, *(str(one.get("name")) for one in endpoints)}
        if len(endpoints) > _MOST_ENDPOINTS or len(routes) > _MOST_ROUTES or len(names) != len(endpoints) + 1:
            raise HubError(400004, "Too many routes or endpoints, or two of one name.")
        for endpoint in endpoints:
            by_identity = endpoint.get("authenticationType") == "identityBased"
            place = (str(endpoint.get("endpointUri", "")).rstrip("/"), endpoint.get("entityPath"))
            if by_identity and place != (f"sb://{self.namespace}", self.event_hub):
                raise HubError(400004, f"The endpoint {endpoint.get('name')} cannot be reached with the hub's identity.")
            if not by_identity:
                raise HubError(400004, f"The namespace of {endpoint.get('name')} takes no keys: local authentication is off.")
        for route in routes:
            if len(route.get("endpointNames") or []) != 1 or route["endpointNames"][0] not in names:
                raise HubError(400004, f"The route {route.get('name')} must name one endpoint that there is.")
            if str(route.get("condition", "true")).strip().lower() != "true":
                raise HubError(400004, "The lab routes by the condition true alone.")
        self.endpoints, self.routes = endpoints, routes
        self.fallback = dict(routing.get("fallbackRoute") or self.fallback)

    def targets(self) -> set[str]:
        """Return the names of the endpoints that a device's message goes to."""
        routed = {
            str(name)
            for route in self.routes
            if route.get("isEnabled") and route.get("source") == "DeviceMessages"
            for name in route["endpointNames"]
        }
        if not routed and self.fallback.get("isEnabled"):
            return {BUILT_IN}
        return routed

    def deliver(
        self,
        device: str,
        module: str | None,
        body: bytes,
        properties: Mapping[str, Any],
        system: Mapping[str, Any],
        partition: int | None = None,
    ) -> tuple[int, int]:
        """Store a message wherever it goes; return (partition, sequence number) of one of the places, (-1, -1) where there is none."""
        targets, place = self.targets(), (-1, -1)
        if targets - {BUILT_IN}:
            place = self.store.append(device, module, body, properties, system, partition)
        if BUILT_IN in targets:
            place = self._built_in.append(device, module, body, properties, system, partition)
        return place


def _route(name: str) -> Json:
    return {"name": name, "source": "DeviceMessages", "condition": "true", "endpointNames": [BUILT_IN], "isEnabled": True}
