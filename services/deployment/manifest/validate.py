"""A manifest checked as hub, edge agent and edgeHub will, before anything is sent (docs/facts/iot-hub.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.deployment.manifest.content import DESIRED, agent_of, modules_of, packed
from services.deployment.manifest.credential_rules import credential_problems
from services.deployment.manifest.edge_hub_rules import edge_hub_problems
from services.deployment.manifest.module_rules import module_problems
from services.deployment.manifest.problem import ManifestProblem
from services.deployment.manifest.schema_versions import AGENT_AT_MOST, is_schema_1_0, schema_version
from services.deployment.options.placeholders import PLACEHOLDER
from services.deployment.options.size import DESIRED_AT_MOST, desired_size, shape_problems
from services.hub.client import AGENT, EDGE_HUB
from services.hub.field_readers import mapping
from services.hub.twin import settings_of
from services.text import one_line


def validate(
    content: Mapping[str, Any], before: Mapping[str, Any] | None = None, agent_version: str = ""
) -> Iterator[ManifestProblem]:
    """Yield the problems of a manifest.

    What stands in ``before`` already is not this change's doing: its errors are given as warnings. A clash between a module
    that changes and one that does not is told once, of the one that changes.
    """
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
    agent = agent_of(content)
    yield from _agent_problems(agent, agent_version)
    yield from credential_problems(content)
    yield from edge_hub_problems(content)
    modules = modules_of(content)
    for name, module in modules.items():
        yield from module_problems(name, module, content)
    for name, module in mapping(agent.get("systemModules")).items():
        if not settings_of(mapping(module)).get("image"):
            yield ManifestProblem(f"{name}.image", "error", "is missing", "Give the runtime's module its image.")
    for name, twin in mapping(content.get("modulesContent")).items():
        yield from _section_problems(name, _as_sent(name, mapping(mapping(twin).get(DESIRED))))
        if name not in (AGENT, EDGE_HUB) and name not in modules:
            yield ManifestProblem(
                name, "warning", "has desired properties but is no module of the deployment", "Add the module or drop them."
            )


def _as_sent(name: str, desired: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the section as the hub gets it: create options that stand as an object are sent as text, whose keys are no twin's."""
    groups = ("systemModules", "modules") if name == AGENT else ()
    texts = {
        group: {key: packed(module) for key, module in mapping(desired.get(group)).items()}
        for group in groups
        if desired.get(group)
    }
    return {**desired, **texts}


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


def _agent_problems(agent: Mapping[str, Any], agent_version: str) -> Iterator[ManifestProblem]:
    if not agent:
        yield ManifestProblem(AGENT, "error", "has no desired properties", "Without it the device would lose every module.")
        return
    yield from _schema_problems(agent.get("schemaVersion"), agent_version)
    for name in ("edgeAgent", "edgeHub"):
        if not isinstance(mapping(agent.get("systemModules")).get(name), dict):
            yield ManifestProblem(
                f"$edgeAgent.systemModules.{name}", "error", "is missing", "The runtime needs it; take it from another device."
            )
    if mapping(agent.get("runtime")).get("type") != "docker":
        yield ManifestProblem("$edgeAgent.runtime.type", "error", 'is not "docker"', 'Set it to "docker".')


def _schema_problems(version: Any, agent_version: str) -> Iterator[ManifestProblem]:
    """Yield the agent's own schema version; one before 1.0.10 takes any 1.x and reads it as 1.0."""
    place = "$edgeAgent.schemaVersion"
    numbers = schema_version(version)
    if isinstance(version, str) and PLACEHOLDER.fullmatch(version):
        yield ManifestProblem(
            place, "error", f"{one_line(version, 40)} was never filled in", 'Use "1.0", or "1.1" for startupOrder.'
        )
        return
    if version is not None and not isinstance(version, str):
        yield ManifestProblem(place, "error", f"{one_line(version, 20)} is no text", 'Write it in quotes: "1.1".')
    elif not numbers or numbers[0] != 1 or numbers > AGENT_AT_MOST:
        message = f"{one_line(version, 20)!r} is refused by the agent (412)"
        yield ManifestProblem(place, "error", message, 'Use "1.0", or "1.1" for startupOrder.')
    elif not is_schema_1_0(version) and _older(agent_version, (1, 0, 10)):
        message = f"{one_line(version, 20)!r} needs an agent of 1.0.10; {one_line(agent_version, 20)} starts modules in any order"
        yield ManifestProblem(place, "warning", message, 'Use "1.0", without startupOrder.')


def _older(version: str, than: tuple[int, ...]) -> bool:
    numbers = re.match(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", version)
    return bool(numbers) and tuple(int(part or 0) for part in numbers.groups()) < than if numbers else False
