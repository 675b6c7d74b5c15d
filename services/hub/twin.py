"""Read the edge agent's module twin into a DeviceState.

Hostile and malformed twins give a state with less in it, never an exception.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.chunks import ChunkGap, join
from services.diagnosis.liveness import connected_of
from services.hub.field_readers import mapping, moment, number, passage, word
from services.records import (
    ConfigurationStatus,
    DesiredModule,
    Device,
    DeviceState,
    EdgeHubState,
    Module,
    RegistryEntry,
    ReportedModule,
)

_MODULES = 500
_CLIENTS = 1000
_SCOPE = "ms-azure-iot-edge://"


def device_of(identity: Any) -> Device | None:
    """Return a device identity as ``GET /devices`` gives it; None where it has no id."""
    fields = mapping(identity)
    name = word(fields.get("deviceId"))
    if not name:
        return None
    return Device(
        id=name,
        connected=connected_of(fields.get("connectionState")),
        enabled=word(fields.get("status")).strip().lower() != "disabled",
        edge=_edge(name, fields),
        last_activity=moment(fields.get("lastActivityTime")),
        status_reason=word(fields.get("statusReason")),
        parents=tuple(parent for scope in _scopes(fields) if (parent := scope.rpartition("-")[0]) and parent != name),
    )


def _edge(name: str, fields: Mapping[str, Any]) -> bool:
    """Return whether an identity has the IoT Edge capability. Where the reply names none, the scope tells: an edge device's is its own."""
    capabilities = mapping(fields.get("capabilities"))
    if "iotEdge" in capabilities:
        return word(capabilities["iotEdge"]).strip().lower() == "true"
    return word(fields.get("deviceScope")).startswith(f"{_SCOPE}{name}-")


def _scopes(fields: Mapping[str, Any]) -> list[str]:
    """Return the scopes of the parents, ``PARENT-GENERATION``."""
    scopes = fields.get("parentScopes")
    words = [word(scope) for scope in scopes[:_MODULES]] if isinstance(scopes, list) else []
    return [scope.removeprefix(_SCOPE) for scope in words if scope.startswith(_SCOPE)]


def state_of(device: Device, twin: Any, read_at: datetime | None = None) -> DeviceState:
    """Return the state of ``device`` by the twin of its $edgeAgent."""
    fields = mapping(twin)
    properties = mapping(fields.get("properties"))
    desired, reported = mapping(properties.get("desired")), mapping(properties.get("reported"))
    status = mapping(reported.get("lastDesiredStatus"))
    platform = mapping(mapping(reported.get("runtime")).get("platform"))
    return DeviceState(
        device=device,
        modules=_modules(desired, reported),
        desired_version=number(desired.get("$version")),
        last_desired_version=number(reported.get("lastDesiredVersion")),
        last_desired_code=number(status.get("code")),
        last_desired_description=passage(status.get("description")),
        last_desired_at=_updated(reported, "lastDesiredStatus"),
        schema_version=word(desired.get("schemaVersion")),
        agent_version=word(mapping(reported.get("version")).get("version")),
        daemon_version=word(platform.get("version")),
        platform="/".join(filter(None, (word(platform.get("os")), word(platform.get("architecture"))))),
        desired_at=_updated(desired),
        reported_at=_updated(reported),
        etag=word(fields.get("etag")),
        registries=_registries(desired),
        configurations=tuple(
            ConfigurationStatus(word(name), word(mapping(entry).get("status")))
            for name, entry in mapping(fields.get("configurations")).items()
        ),
        desired=desired,
        reported=reported,
        modules_listed=not _unlisted(reported),
        read_at=read_at,
    )


def edge_hub_of(twin: Any, read_at: datetime | None = None) -> EdgeHubState:
    """Return what the twin of $edgeHub says."""
    properties = mapping(mapping(twin).get("properties"))
    desired, reported = mapping(properties.get("desired")), mapping(properties.get("reported"))
    status = mapping(reported.get("lastDesiredStatus"))
    clients = list(mapping(reported.get("clients")).items())[:_CLIENTS]
    return EdgeHubState(
        configured=any(not name.startswith("$") for name in desired),
        desired_version=number(desired.get("$version")),
        last_desired_version=number(reported.get("lastDesiredVersion")),
        code=number(status.get("code")),
        description=passage(status.get("description")),
        desired_at=_updated(desired),
        reported_at=_updated(reported, "lastDesiredStatus") or _updated(reported),
        version=word(mapping(reported.get("version")).get("version")),
        clients={word(name): word(mapping(client).get("status")) for name, client in clients if not name.startswith("$")},
        read_at=read_at,
    )


def _updated(properties: Mapping[str, Any], name: str = "") -> datetime | None:
    """Return when the hub last took a change of these properties, or of the one of that name."""
    metadata = mapping(properties.get("$metadata"))
    return moment((mapping(metadata.get(name)) if name else metadata).get("$lastUpdated"))


def _unlisted(reported: Mapping[str, Any]) -> bool:
    """Return whether the agent could not list the containers: it then reports itself as ``unknown`` (IoTHubReporter.cs, docs/facts/iot-hub.md)."""
    agent = mapping(mapping(reported.get("systemModules")).get("edgeAgent"))
    return word(agent.get("type")).lower() == "unknown"


def _modules(desired: Mapping[str, Any], reported: Mapping[str, Any]) -> tuple[Module, ...]:
    modules = []
    for section, system in (("systemModules", True), ("modules", False)):
        desired_modules, reported_modules = dict(mapping(desired.get(section))), mapping(reported.get(section))
        if not system:
            # A layered deployment adds modules under keys of their own.
            prefix = "properties.desired.modules."
            desired_modules.update({key.removeprefix(prefix): value for key, value in desired.items() if key.startswith(prefix)})
        names = sorted(name for name in {*desired_modules, *reported_modules} if not name.startswith("$"))[:_MODULES]
        modules += [
            Module(
                name=word(name, 128),
                system=system,
                desired=_desired(desired_modules[name]) if isinstance(desired_modules.get(name), dict) else None,
                reported=_reported(reported_modules[name]) if isinstance(reported_modules.get(name), dict) else None,
            )
            for name in names
        ]
    return tuple(modules)


def settings_of(module: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a module's settings, which some tools write as a string of JSON."""
    settings = module.get("settings")
    if isinstance(settings, str):
        try:
            settings = json.loads(settings)
        except (ValueError, RecursionError):
            return {}
    return mapping(settings)


def _desired(module: Mapping[str, Any]) -> DesiredModule:
    settings = settings_of(module)
    try:
        options = passage(join(settings), 64 * 1024)
    except ChunkGap:
        # What is there is shown, as far as it goes: the check of create options says what is wrong with it.
        options = passage(
            "".join(str(settings[key]) for key in sorted(settings) if key.lower().startswith("createoptions")), 64 * 1024
        )
    env = {
        word(name): passage(mapping(entry).get("value"))
        for name, entry in mapping(module.get("env")).items()
        if not name.startswith("$")
    }
    return DesiredModule(
        image=word(settings.get("image")),
        status=word(module.get("status")) or "running",
        restart_policy=word(module.get("restartPolicy")) or "always",
        create_options=options,
        env=env,
        pull_policy=word(module.get("imagePullPolicy")),
        startup_order=number(module.get("startupOrder")),
        version=word(module.get("version")),
    )


def _reported(module: Mapping[str, Any]) -> ReportedModule:
    settings = settings_of(module)
    return ReportedModule(
        runtime_status=word(module.get("runtimeStatus")) or "unknown",
        image=word(settings.get("image")),
        image_hash=word(settings.get("imageHash")),
        status=word(module.get("status")),
        restart_policy=word(module.get("restartPolicy")),
        exit_code=number(module.get("exitCode")),
        description=passage(module.get("statusDescription")),
        last_start=moment(module.get("lastStartTimeUtc")),
        last_exit=moment(module.get("lastExitTimeUtc")),
        last_restart=moment(module.get("lastRestartTimeUtc")),
        restart_count=number(module.get("restartCount")) or 0,
    )


def _registries(desired: Mapping[str, Any]) -> tuple[RegistryEntry, ...]:
    credentials = mapping(mapping(mapping(desired.get("runtime")).get("settings")).get("registryCredentials"))
    return tuple(
        RegistryEntry(word(name), word(mapping(entry).get("address")), word(mapping(entry).get("username")))
        for name, entry in credentials.items()
        if not name.startswith("$")
    )
