"""What $edgeHub's desired properties ask for, read as an edgeHub of a version reads them.

Source: Azure/iotedge …Hub.Core/config/{EdgeHubConfigParser,EdgeHubDesiredProperties_1_0,_1_1,RouteSpec,RouteSpecConverter}.cs,
routing/EndpointFactory.cs, by tag (docs/facts/hub-codes-and-routes.md, section 3a).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.lab.device.route_conditions import ConditionError, Message, compile_condition
from services.lab.device.route_language import RouteSyntaxError, RouteText, read_route
from services.lab.device.versions import Version

Json = dict[str, Any]
UPSTREAM = "$upstream"
_NEWEST_SCHEMA = 3
_LAST = 2_000_000_000  # RouteFactory.DefaultPriority
_FOREVER = float("inf")


class ConfigurationError(Exception):
    """A configuration that edgeHub refuses; its text goes into lastDesiredStatus."""


@dataclass(frozen=True)
class Route:
    """A route that was read. ``endpoint`` is ``$upstream`` or ``MODULE/INPUT``; ``source`` is a prefix with a slash at its end."""

    name: str
    source: str
    text: RouteText
    endpoint: str
    priority: int = _LAST


@dataclass(frozen=True)
class Configuration:
    """A whole configuration; ``time_to_live`` in seconds."""

    routes: tuple[Route, ...] = ()
    time_to_live: float = 7200.0


@dataclass(frozen=True)
class RouteInForce:
    """A route with its condition compiled."""

    route: Route
    test: Callable[[Message], bool]

    def matches(self, message: Message) -> bool:
        """Return whether the message comes from the route's source and meets its condition."""
        return f"{message.source}/".lower().startswith(self.route.source) and self.test(message)


def _endpoint(route: RouteText) -> str:
    if not route.function:
        if route.sink.lower() != UPSTREAM:
            raise ConfigurationError(f"System endpoint type '{route.sink}' not supported.")
        return UPSTREAM
    if route.function.lower() != "brokeredendpoint":
        raise ConfigurationError(f"Function endpoint type '{route.function}' not supported.")
    parameter = route.sink.strip().removeprefix("/").removesuffix("/")
    if not parameter:
        raise ConfigurationError("parameterString is null or whitespace.")
    parts = parameter.split("/")
    if len(parts) != 4:
        raise ConfigurationError(
            f"Parameter string {parameter} could not be parsed. Expect input in this format - /modules/{{mid}}/inputs/{{input}}"
        )
    return f"{parts[1]}/{parts[3]}"


def _route(name: str, text: str, priority: int = _LAST) -> Route:
    try:
        read = read_route(text)
        endpoint = _endpoint(read) if read.source else ""
        if not read.source:
            raise ConfigurationError("Source cannot be null or empty")
    except (RouteSyntaxError, ConfigurationError) as error:
        raise ConfigurationError(f"Error parsing route {name} - {error}") from error
    prefix = read.source.rstrip("*").rstrip("/").lower()
    return Route(name, f"{prefix}/", read, endpoint, priority)


def _routes_of_text(routes: Mapping[str, Any]) -> list[Route]:
    """Return routes of schema 1.0: texts, of which blank ones are passed over."""
    read = []
    for name, text in routes.items():
        if isinstance(text, (dict, list)):
            raise ConfigurationError(
                f"Unexpected character encountered while parsing value: {'{' if text else '['}. Path 'routes.{name}'."
            )
        if text is not None and str(text).strip():
            read.append(_route(name, str(text)))
    return read


def _specified(name: str, value: Any) -> tuple[str, int]:
    """Return text and priority of a route of schema 1.1 and later."""
    if not name.strip():
        raise ConfigurationError(f'Empty route name in "{name}": {value}')
    text: Any
    if isinstance(value, str):
        text, priority = value, _LAST
    elif isinstance(value, dict):
        text, priority = value.get("route"), value.get("priority", _LAST)
        for key in ("priority", "timeToLiveSecs"):
            number = value.get(key, 0)
            if not isinstance(number, int) or isinstance(number, bool) or number < 0:
                raise ConfigurationError(f"Error converting value {number} to type 'System.UInt32'. Path 'routes.{name}.{key}'.")
    else:
        raise ConfigurationError(f'Malformed route specification: "{name}": {value}')
    if not isinstance(text, str) or not text.strip():
        raise ConfigurationError("route is null or whitespace.")
    if priority > 9 and priority != _LAST:
        raise ConfigurationError(f"Invalid priority for route: {text}, priority can only be between 0-9 (Parameter 'priority')")
    return text, priority


def _minor(schema: Any, version: Version) -> int:
    """Return the schema's minor version; before edgeHub 1.2 only the major one is looked at."""
    text = "" if schema is None else str(schema)
    old = version < (1, 2)
    if not re.fullmatch(r"\d+(\.\d+){1,3}", text):
        if old:
            raise ConfigurationError(f"Invalid desired properties schema version {text}")
        if schema is None:
            raise ConfigurationError("EdgeHub config missing SchemaVersion")
        raise ConfigurationError(
            f"Error parsing schema version string: {text}, Exception: "
            "Version string portion was too short or too long. (Parameter 'input')"
        )
    major, minor = (int(part) for part in text.split(".")[:2])
    if major != 1:
        raise ConfigurationError(
            f"The desired properties schema version {text} is not compatible with the expected version 1.0"
            if old
            else f"EdgeHub config contains unsupported SchemaVersion: {text}"
        )
    if not old and minor > (_NEWEST_SCHEMA if version >= (1, 3) else 2):
        raise ConfigurationError(f"EdgeHub config contains unsupported SchemaVersion: {text}")
    return minor


def read_configuration(desired: Json, version: Version) -> Configuration:
    """Return the configuration in ``desired``; ConfigurationError in edgeHub's words. One bad route refuses the whole set."""
    minor = _minor(desired.get("schemaVersion"), version)
    routes, storage = desired.get("routes"), desired.get("storeAndForwardConfiguration")
    for name, value in (("routes", routes), ("storeAndForwardConfiguration", storage)):
        if value is not None and not isinstance(value, dict):
            raise ConfigurationError(f"Error converting value {value} to the type of '{name}'. Path '{name}'.")
        if value is None and minor >= 1 and version >= (1, 0, 10):
            raise ConfigurationError(f"Value cannot be null. (Parameter '{name}')")
    if version < (1, 0, 10) or minor == 0:
        read = _routes_of_text(routes or {})
    else:
        specified = [(name, *_specified(name, value)) for name, value in (routes or {}).items()]
        read = [_route(name, text, priority) for name, text, priority in specified]
    try:
        seconds = float((storage or {}).get("timeToLiveSecs", 0))
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"Could not convert to integer. Path 'storeAndForwardConfiguration.timeToLiveSecs'. {error}"
        ) from error
    return Configuration(tuple(read), _FOREVER if seconds < 0 else seconds)


def put_in_force(configuration: Configuration) -> list[RouteInForce]:
    """Compile the conditions; ConditionError, which edgeHub writes into its log alone, *after* it reported 200."""
    compiled = []
    for route in configuration.routes:
        try:
            compiled.append(RouteInForce(route, compile_condition(route.text.condition)))
        except ConditionError as error:
            raise ConditionError(f"{route.name}: {error}") from error
    return compiled


def destinations(routes: list[RouteInForce], message: Message) -> list[str]:
    """Return the endpoints that get the message, each once; none where no route matches."""
    matching = sorted((one.route for one in routes if one.matches(message)), key=lambda route: route.priority)
    return list(dict.fromkeys(route.endpoint for route in matching))
