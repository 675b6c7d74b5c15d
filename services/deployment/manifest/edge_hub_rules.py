"""The $edgeHub section of a manifest, checked as edgeHub reads it (docs/facts/hub-codes-and-routes.md, 3 and 3a).

edgeHub takes or refuses its desired properties as a whole: one bad route, and no message of any module reaches the hub.
Source: Azure/iotedge, Hub.Core/config/EdgeHubConfigParser.cs, EdgeHubConfig.cs, EdgeHubDesiredProperties_1_*.cs, RouteSpec.cs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.deployment.manifest.content import DESIRED, edge_hub_of, modules_of
from services.deployment.manifest.message_routes.check import check_route
from services.deployment.manifest.problem import ManifestProblem, misspelt_keys
from services.deployment.manifest.schema_versions import EDGE_HUB_AT_MOST, is_schema_1_0, schema_version
from services.hub.client import EDGE_HUB
from services.hub.field_readers import mapping, number
from services.text import one_line

_KEYS = ("schemaVersion", "routes", "storeAndForwardConfiguration", "mqttBroker", "integrity")
_DEFAULT_PRIORITY = 2_000_000_000  # RouteFactory.cs: behind every other
_STORE = 'Write "storeAndForwardConfiguration": {"timeToLiveSecs": 7200}.'
_REFUSED = "edgeHub refuses all its routes (400), and no message leaves the device"
_KEPT = "edgeHub reports 200 and goes on with its old routes"


def edge_hub_problems(content: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    """Yield the problems of the $edgeHub section."""
    section = mapping(content.get("modulesContent")).get(EDGE_HUB)
    if section is None:
        yield ManifestProblem(EDGE_HUB, "warning", "is missing: edgeHub keeps what it has, or has no routes at all", _sample())
        return
    hub = edge_hub_of(content)
    if not hub:
        yield ManifestProblem(EDGE_HUB, "error", f"has no {DESIRED}: {_REFUSED}", _sample())
        return
    yield from misspelt_keys(EDGE_HUB, hub, _KEYS)
    yield from _schema_problems(hub)
    old = is_schema_1_0(hub.get("schemaVersion"))
    routes = _field(hub, "routes")
    if routes is None and not old:
        yield ManifestProblem("$edgeHub.routes", "error", f"is missing: {_REFUSED}", 'Write "routes": {} where there are none.')
    elif routes is not None and not isinstance(routes, dict):
        yield ManifestProblem("$edgeHub.routes", "error", f"is no object: {_REFUSED}", "Write it as { NAME: ROUTE }.")
    modules = list(modules_of(content))
    for name, route in mapping(routes).items():
        if route is not None:
            yield from _route_problems(name, route, old, modules)
    yield from _store_problems(_field(hub, "storeAndForwardConfiguration"))


def _sample() -> str:
    return 'It has "schemaVersion": "1.1", "routes": {} and "storeAndForwardConfiguration": {"timeToLiveSecs": 7200}.'


def _field(fields: Mapping[str, Any], name: str) -> Any:
    """Return a value, letter case of its key aside, as Newtonsoft reads objects into classes."""
    return next((value for key, value in fields.items() if str(key).lower() == name.lower()), None)


def _schema_problems(hub: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    """Yield the schema version; the key itself is read with its letter case."""
    version, place = hub.get("schemaVersion"), "$edgeHub.schemaVersion"
    if version is None:
        yield ManifestProblem(place, "error", f"is missing: {_REFUSED}", 'Write "1.1".')
        return
    numbers = schema_version(version)
    if not isinstance(version, str):
        yield ManifestProblem(place, "error", f"{one_line(version, 20)} is no text", 'Write it in quotes: "1.1".')
    elif not numbers or numbers[0] != 1 or numbers[:2] > EDGE_HUB_AT_MOST:
        message = f"{one_line(version, 20)!r} is none that edgeHub knows: {_REFUSED}"
        yield ManifestProblem(
            place, "error", message, "edgeHub reads 1.0 and 1.1, from version 1.2 on also 1.2, from 1.3 on 1.3."
        )


def _route_problems(name: str, route: Any, old: bool, modules: list[str]) -> Iterator[ManifestProblem]:
    place = f"$edgeHub.routes.{one_line(name, 80)}"
    text = _field(route, "route") if isinstance(route, dict) else route
    if isinstance(route, dict):
        yield from _route_fields(place, route, old)
    if not isinstance(text, str):
        what = "has no route" if text is None else f"{one_line(text, 80)!r} is no route"
        yield ManifestProblem(place, "error", f"{what}: {_REFUSED}", "Write it as a text: FROM /messages/* INTO $upstream.")
        return
    if not text.strip():
        if not old:  # at 1.0 edgeHub passes over it
            yield ManifestProblem(place, "error", f"is empty: {_REFUSED}", "Delete it, or write FROM /messages/* INTO $upstream.")
        return
    for problem in check_route(text, modules):
        message = f"{problem.message} (column {problem.offset + 1} of {one_line(text, 80)!r})"
        if problem.severity == "error":
            message += f": {_KEPT if problem.late else _REFUSED}"
        yield ManifestProblem(place, problem.severity, message, problem.remedy)


def _route_fields(place: str, route: Mapping[str, Any], old: bool) -> Iterator[ManifestProblem]:
    """Yield the object form of a route, and its two numbers; Newtonsoft reads numbers from texts, too."""
    if old:
        message = f"is an object, which edgeHub reads from schema version 1.1 on: {_REFUSED}"
        yield ManifestProblem(place, "error", message, 'Set $edgeHub.schemaVersion to "1.1".')
    yield from misspelt_keys(place, route, ("route", "priority", "timeToLiveSecs"))
    priority, seconds = _field(route, "priority"), _field(route, "timeToLiveSecs")
    if priority is not None and number(priority) not in (*range(10), _DEFAULT_PRIORITY):
        message = f"is {one_line(priority, 40)}: {_REFUSED}"
        yield ManifestProblem(f"{place}.priority", "error", message, "A whole number from 0 (first) to 9.")
    if seconds is not None and not _within(seconds, 0, 2**32 - 1):
        message = f"is {one_line(seconds, 40)}: {_REFUSED}"
        yield ManifestProblem(f"{place}.timeToLiveSecs", "error", message, "Seconds, from 0.")


def _store_problems(store: Any) -> Iterator[ManifestProblem]:
    place = "$edgeHub.storeAndForwardConfiguration"
    if not isinstance(store, dict):
        what = "is missing" if store is None else "is no object"
        yield ManifestProblem(place, "error", f"{what}: {_REFUSED}", _STORE)
        return
    yield from misspelt_keys(place, store, ("timeToLiveSecs", "storeLimits"))
    seconds = _field(store, "timeToLiveSecs")
    if seconds is None:
        message = "has no timeToLiveSecs, which counts as 0: messages are not kept while the hub is out of reach"
        yield ManifestProblem(place, "warning", message, _STORE)
    elif not _within(seconds, -(2**31), 2**31 - 1):
        message = f"is {one_line(seconds, 40)}: {_REFUSED}"
        yield ManifestProblem(f"{place}.timeToLiveSecs", "error", message, "Whole seconds; -1 keeps messages for ever.")
    limits = _field(store, "storeLimits")
    if limits is not None and not _within(mapping(limits).get("maxSizeBytes", 0), -(2**63), 2**63 - 1):
        yield ManifestProblem(f"{place}.storeLimits", "error", f"has no number of maxSizeBytes: {_REFUSED}", "Write bytes.")


def _within(value: Any, least: int, most: int) -> bool:
    whole = number(value)
    return whole is not None and least <= whole <= most
