"""What a manifest's file asks for and a merge leaves as the device has it: the runtime's own modules and settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.deployment.manifest.content import agent_of, edge_hub_of
from services.deployment.manifest.masking import expanded
from services.deployment.manifest.problem import ManifestProblem
from services.deployment.manifest.schema_versions import schema_version
from services.hub.field_readers import mapping

_AGENTS_OWN = ("modules", "runtime", "schemaVersion", "systemModules")
_HUBS_OWN = ("routes", "schemaVersion")


def left_out(manifest: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    """Yield a warning where ``manifest`` says something of the runtime that is not so in ``after``, which it was merged into."""
    in_file, present = _runtime(manifest), _runtime(after)
    names = [name for name, value in in_file.items() if value != present.get(name)]
    for section, reader in (("$edgeAgent", agent_of), ("$edgeHub", edge_hub_of)):
        versions = [schema_version(reader(content).get("schemaVersion"))[:2] for content in (manifest, after)]
        if versions[0] > versions[1]:
            names.append(f"{section}.schemaVersion")
    if names:
        yield ManifestProblem(
            "the file",
            "warning",
            f"merging leaves {', '.join(names)} as the device has it, and the file has it otherwise",
            "Replace the whole deployment with the file (import --replace) to change the runtime too.",
        )


def _runtime(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is the runtime's in a manifest, by the name that an operator looks for; schema versions aside."""
    whole = expanded(content)
    agent, hub = agent_of(whole), edge_hub_of(whole)
    fields = {f"systemModules.{name}": module for name, module in mapping(agent.get("systemModules")).items()}
    settings = mapping(mapping(agent.get("runtime")).get("settings"))
    fields |= {f"runtime.settings.{name}": value for name, value in settings.items() if name != "registryCredentials"}
    fields |= {f"runtime.{name}": value for name, value in mapping(agent.get("runtime")).items() if name != "settings"}
    fields |= {f"$edgeAgent.{name}": value for name, value in agent.items() if name not in _AGENTS_OWN}
    fields |= {f"$edgeHub.{name}": value for name, value in hub.items() if name not in _HUBS_OWN}
    return fields
