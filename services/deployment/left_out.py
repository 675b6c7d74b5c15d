"""What a manifest's file asks for and a merge leaves as the device has it: the runtime's own modules and settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.deployment.manifest import agent_of, edge_hub_of
from services.deployment.masking import expanded
from services.deployment.validate import ManifestProblem
from services.hub.tolerant import mapping

_AGENTS_OWN = ("modules", "runtime", "schemaVersion", "systemModules")


def left_out(given: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    """A warning where ``given`` says something of the runtime that is not so in ``after``, which it was merged into."""
    wanted, has = _runtime(given), _runtime(after)
    names = [name for name, value in wanted.items() if value != has.get(name)]
    if names:
        yield ManifestProblem(
            "the file",
            "warning",
            f"merging leaves {', '.join(names)} as the device has it, and the file has it otherwise",
            "Replace the whole deployment with the file (import --replace) to change the runtime too.",
        )


def _runtime(content: Mapping[str, Any]) -> dict[str, Any]:
    """What is the runtime's in a manifest, by the name that an operator looks for."""
    whole = expanded(content)
    agent, hub = agent_of(whole), edge_hub_of(whole)
    found = {f"systemModules.{name}": module for name, module in mapping(agent.get("systemModules")).items()}
    settings = mapping(mapping(agent.get("runtime")).get("settings"))
    found |= {f"runtime.settings.{name}": value for name, value in settings.items() if name != "registryCredentials"}
    found |= {f"runtime.{name}": value for name, value in mapping(agent.get("runtime")).items() if name != "settings"}
    found |= {f"$edgeAgent.{name}": value for name, value in agent.items() if name not in _AGENTS_OWN}
    found |= {f"$edgeHub.{name}": value for name, value in hub.items() if name not in ("routes", "schemaVersion")}
    return found
