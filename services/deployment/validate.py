"""A manifest checked as hub and edge agent will, before anything is sent (docs/facts/iot-hub.md, $edgeAgent desired properties)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from services.deployment.create_options import check
from services.deployment.manifest import DESIRED, agent_of, edge_hub_of, modules_of
from services.deployment.size import DESIRED_AT_MOST, desired_size, shape_problems
from services.deployment.surroundings import Surroundings
from services.hub.chunks import ChunkGap, is_chunk, join
from services.hub.client import AGENT, EDGE_HUB
from services.hub.tolerant import mapping, number
from services.hub.twin import settings_of
from services.text import one_line

_MODULE_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}\Z")
_ENV_NAME = re.compile(r"[^+#$\s.]+\Z")
_IMAGE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._:/@-]*\Z")
_ROUTE = re.compile(
    r"\s*FROM\s+(?P<source>\S+)(\s+WHERE\s+.+?)?\s+INTO\s+(?P<sink>\$upstream|BrokeredEndpoint\(.+\))\s*\Z", re.I | re.S
)
_OWNER_KEY = re.compile(r"HostName=.*SharedAccessKeyName=", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\$\{?[A-Z][A-Z0-9_]+\}?")
_STATUSES = ("running", "stopped")
_POLICIES = ("never", "on-failure", "on-unhealthy", "always")
_MODULE_KEYS = ("type", "version", "status", "restartPolicy", "imagePullPolicy", "startupOrder", "env", "settings")
_PULLS = ("on-create", "never")


@dataclass(frozen=True, slots=True)
class ManifestProblem:
    """``place`` names the module and field; an error forbids applying, a warning does not."""

    place: str
    severity: Literal["error", "warning"]
    message: str
    remedy: str = ""


def validate(
    content: Mapping[str, Any], before: Mapping[str, Any] | None = None, agent_version: str = ""
) -> Iterator[ManifestProblem]:
    """The problems of a manifest. What stands in ``before`` already is not this change's doing: its errors are given as
    warnings. A clash between a module that changes and one that does not is told once, of the one that changes."""
    if not isinstance(content.get("modulesContent"), dict):
        yield ManifestProblem("modulesContent", "error", "is missing", 'A manifest is {"modulesContent": {"$edgeAgent": …}}.')
        return
    old = set(_problems(before, agent_version)) if before else set()
    modules = modules_of(content)
    same = {name for name, module in modules_of(before).items() if modules.get(name) == module} if before else set()
    for problem in _problems(content, agent_version):
        name, options, _ = problem.place.partition(".createOptions")
        if options and name in same and problem not in old:
            continue
        if problem.severity == "error" and problem in old:
            yield ManifestProblem(problem.place, "warning", f"{problem.message} (it was so before this change)", problem.remedy)
        else:
            yield problem


def _problems(content: Mapping[str, Any], agent_version: str) -> Iterator[ManifestProblem]:
    agent, hub = agent_of(content), edge_hub_of(content)
    yield from _agent_problems(agent, agent_version)
    yield from _schema(hub.get("schemaVersion"), "$edgeHub.schemaVersion") if hub else ()
    old = str(hub.get("schemaVersion")) == "1.0"
    for name, route in mapping(hub.get("routes")).items():
        yield from _route_problems(name, route)
        yield from _route_fields(f"$edgeHub.routes.{one_line(name, 80)}", route, old) if isinstance(route, dict) else ()
    modules = modules_of(content)
    for name, module in modules.items():
        yield from _module_problems(name, module, content)
    for name, module in mapping(agent.get("systemModules")).items():
        if not settings_of(mapping(module)).get("image"):
            yield ManifestProblem(f"{name}.image", "error", "is missing", "Give the runtime's module its image.")
    for name, twin in mapping(content.get("modulesContent")).items():
        yield from _section_problems(name, mapping(mapping(twin).get(DESIRED)))
        if name not in (AGENT, EDGE_HUB) and name not in modules:
            yield ManifestProblem(
                name, "warning", "has desired properties but is no module of the deployment", "Add the module or drop them."
            )


def _section_problems(name: str, desired: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    for place, message, remedy in shape_problems(dict(desired)):
        if not (name == AGENT and place.startswith("properties.desired.modules.")):
            yield ManifestProblem(f"{name}: {one_line(place, 120)}", "error", message, remedy)
    size = desired_size(desired)
    if size > DESIRED_AT_MOST:
        yield ManifestProblem(
            name,
            "error",
            f"its desired properties are {size} bytes, the hub takes {DESIRED_AT_MOST}",
            "Trim create options or environment.",
        )
    elif size > DESIRED_AT_MOST * 9 // 10:
        yield ManifestProblem(
            name, "warning", f"its desired properties fill {size} of {DESIRED_AT_MOST} bytes", "Little more fits."
        )


def _schema(version: Any, place: str) -> Iterator[ManifestProblem]:
    if str(version) not in ("1.0", "1.1"):
        yield ManifestProblem(
            place, "error", f"{one_line(version, 20)!r} is refused by the agent (412)", 'Use "1.0", or "1.1" for startupOrder.'
        )


def _agent_problems(agent: Mapping[str, Any], agent_version: str) -> Iterator[ManifestProblem]:
    if not agent:
        yield ManifestProblem(AGENT, "error", "has no desired properties", "Without it the device would lose every module.")
        return
    yield from _schema(agent.get("schemaVersion"), "$edgeAgent.schemaVersion")
    if str(agent.get("schemaVersion")) == "1.1" and _older(agent_version, (1, 0, 10)):
        yield ManifestProblem(
            "$edgeAgent.schemaVersion",
            "error",
            f'"1.1" needs an agent of 1.0.10, the device has {agent_version}',
            'Use "1.0", without startupOrder.',
        )
    for name in ("edgeAgent", "edgeHub"):
        if not isinstance(mapping(agent.get("systemModules")).get(name), dict):
            yield ManifestProblem(
                f"$edgeAgent.systemModules.{name}", "error", "is missing", "The runtime needs it; take it from another device."
            )
    if mapping(agent.get("runtime")).get("type") != "docker":
        yield ManifestProblem("$edgeAgent.runtime.type", "error", 'is not "docker"', 'Set it to "docker".')
    credentials = mapping(mapping(mapping(agent.get("runtime")).get("settings")).get("registryCredentials"))
    for name, entry in credentials.items():
        yield from _credential_problems(f"registry credentials {name}", mapping(entry))


def _credential_problems(place: str, entry: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    for key in ("address", "username", "password"):
        value = entry.get(key)
        if not isinstance(value, str) or not value:
            yield ManifestProblem(f"{place}: {key}", "error", "is missing", "The device could not pull images of this registry.")
        elif _PLACEHOLDER.search(value) and key != "password":
            yield ManifestProblem(
                f"{place}: {key}", "error", f"{one_line(value, 60)} was never filled in", "Put the value in its place."
            )
        elif key == "password" and _PLACEHOLDER.fullmatch(value):
            yield ManifestProblem(
                f"{place}: {key}", "error", "a placeholder was never filled in", "Put the password in its place."
            )


def _older(version: str, than: tuple[int, ...]) -> bool:
    numbers = re.match(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", version)
    return bool(numbers) and tuple(int(part or 0) for part in numbers.groups()) < than if numbers else False


def _route_problems(name: str, route: Any) -> Iterator[ManifestProblem]:
    place = f"$edgeHub.routes.{name}"
    text = mapping(route).get("route") if isinstance(route, dict) else route
    match = _ROUTE.match(text) if isinstance(text, str) else None
    if match is None:
        yield ManifestProblem(
            place,
            "error",
            f"{one_line(text, 80)!r} is no route",
            'FROM SOURCE [WHERE CONDITION] INTO $upstream, or INTO BrokeredEndpoint("/modules/M/inputs/I").',
        )
    elif not match["source"].startswith("/"):
        yield ManifestProblem(
            place, "error", f"the source {one_line(match['source'], 60)!r} does not begin with /", "For example /messages/*."
        )


def _route_fields(place: str, route: Mapping[str, Any], old: bool) -> Iterator[ManifestProblem]:
    """The object form of a route, and its two numbers (IoT Edge's page "Deploy modules and establish routes")."""
    if old:
        yield ManifestProblem(
            place, "error", "is an object, which edgeHub reads from schema version 1.1 on", 'Set $edgeHub.schemaVersion to "1.1".'
        )
    for key, most, says in (
        ("priority", 9, "A whole number from 0 (first) to 9."),
        ("timeToLiveSecs", 2**32 - 1, "Seconds, from 0."),
    ):
        value = route.get(key)
        if value is not None and not (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most):
            yield ManifestProblem(f"{place}.{key}", "error", f"is {one_line(value, 40)}", says)
    yield from _unknown_keys(place, route, ("route", "priority", "timeToLiveSecs"))


def _unknown_keys(place: str, fields: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[ManifestProblem]:
    """Keys that are most likely misspelt; others are somebody's own, and the agent passes over them."""
    for key in fields:
        close = [] if key in known or is_chunk(key) else difflib.get_close_matches(str(key), known, 1, 0.8)
        if close:
            yield ManifestProblem(
                f"{place}.{one_line(key, 60)}", "warning", "is no key that the agent reads", f"Did you mean {close[0]}?"
            )


def _module_problems(name: str, module: Any, content: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    place = one_line(name, 80)
    fields = mapping(module)
    if not _MODULE_NAME.match(name):
        yield ManifestProblem(place, "error", "is no module name", "Letters, digits, '-' and '_' only, up to 128.")
    if not fields:
        yield ManifestProblem(place, "error", "is no object", "Give it type, status, restartPolicy and settings.")
        return
    yield from _unknown_keys(place, fields, _MODULE_KEYS)
    for key in ("settings", "env"):
        if fields.get(key) is not None and not isinstance(fields[key], dict):
            yield ManifestProblem(
                f"{place}.{key}", "error", "is no object; the agent refuses the whole deployment (400)", "Write it as { … }."
            )
    allowed = (
        ("status", _STATUSES, True),
        ("restartPolicy", _POLICIES, True),
        ("imagePullPolicy", _PULLS, False),
        ("type", ("docker",), True),
    )
    for key, values, needed in allowed:
        value = fields.get(key)
        if (value is not None or needed) and value not in values:
            yield ManifestProblem(
                f"{place}.{key}",
                "error",
                f"is {one_line(value, 40)!r}; the agent refuses the whole deployment (400)",
                f"Use {' or '.join(values)}.",
            )
    order = fields.get("startupOrder")
    if order is not None:
        value = number(order)
        if value is None or not 0 <= value <= 4294967295:
            yield ManifestProblem(
                f"{place}.startupOrder", "error", f"is {one_line(order, 40)!r}", "A whole number from 0 to 4294967295."
            )
        elif str(agent_of(content).get("schemaVersion")) == "1.0":
            yield ManifestProblem(
                f"{place}.startupOrder", "warning", "is ignored at schema version 1.0", 'Set $edgeAgent.schemaVersion to "1.1".'
            )
    settings = settings_of(fields)
    yield from _unknown_keys(f"{place}.settings", settings, ("image", "createOptions"))
    yield from _image_problems(f"{place}.image", settings.get("image"))
    yield from _env_problems(place, mapping(fields.get("env")))
    try:
        text = join(settings)
    except ChunkGap as gap:
        yield ManifestProblem(
            f"{place}.createOptions", "error", f"{gap}; the agent refuses the whole deployment (400)", "Write them again."
        )
        return
    around = replace(Surroundings.in_manifest(content, name), room=None)  # the size is told once, of the whole
    for problem in check(text, around).problems:
        where = f"{place}.createOptions line {problem.line}, column {problem.column}"
        yield ManifestProblem(where, problem.severity, problem.message, problem.remedy)


def _image_problems(place: str, image: Any) -> Iterator[ManifestProblem]:
    if not isinstance(image, str) or not image.strip():
        yield ManifestProblem(place, "error", "is missing", "Name the image: REGISTRY/NAME:TAG.")
    elif _PLACEHOLDER.search(image):
        yield ManifestProblem(
            place, "error", f"{one_line(image, 60)} was never filled in", "Put the image's location in its place."
        )
    elif not _IMAGE.match(image) or "//" in image or image.rpartition("/")[2].count(":") > 1 + image.count("@"):
        yield ManifestProblem(
            place, "error", f"{one_line(image, 80)!r} is no image reference", "REGISTRY/NAME:TAG, without https://."
        )


def _env_problems(place: str, env: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    for name, entry in env.items():
        here = f"{place}.env.{one_line(name, 60)}"
        value = mapping(entry).get("value")
        if not _ENV_NAME.match(name):
            yield ManifestProblem(here, "error", "is no name for an environment variable", "Without space, '.', '+', '#' or '$'.")
        if not isinstance(entry, dict) or value is None:
            yield ManifestProblem(here, "error", 'has no {"value": …}', "Give it a value.")
        elif isinstance(value, str) and _OWNER_KEY.search(value):
            yield ManifestProblem(
                here, "error", "holds a connection string of the hub itself: whoever reads the module owns the hub",
                "Give the module a device's connection string (DeviceId=…), or none: the client signs in as its module.",
            )  # fmt: skip
        elif isinstance(value, str) and _PLACEHOLDER.fullmatch(value):
            yield ManifestProblem(here, "error", f"{one_line(value, 60)} was never filled in", "Put the value in its place.")
