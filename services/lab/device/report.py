"""$edgeAgent's reported properties, and how they change (docs/facts/iot-hub.md)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.lab.cloud.manifests import options
from services.lab.device import wordings
from services.lab.device.container import NEVER
from services.lab.device.versions import daemon_text, version_text

if TYPE_CHECKING:
    from services.lab.device.container import Container
    from services.lab.device.deployment import Deployment, ModuleSpecification

Json = dict[str, Any]
PLATFORM = {"os": "linux", "architecture": "x86_64"}
_REPORTED_SCHEMA = "1.0"  # of every agent up to 1.6, whatever it takes (IoTHubReporter.cs)


def module_report(module: ModuleSpecification, container: Container | None, status: str) -> Json:
    """Return a module's entry. ``status`` is its runtimeStatus."""
    entry = {key: value for key, value in module.report.items() if key in ("env", "version", "imagePullPolicy", "startupOrder")}
    entry |= {
        "type": "docker",
        "status": module.status,
        "restartPolicy": module.restart_policy,
        "imagePullPolicy": module.pull_policy,
        "runtimeStatus": status,
        "exitCode": container.exit_code if container else 0,
        "statusDescription": _description(container, status),
        "lastStartTimeUtc": container.started if container else NEVER,
        "lastExitTimeUtc": container.exited if container else NEVER,
        "restartCount": container.restarts if container else 0,
        "lastRestartTimeUtc": container.restarted if container else NEVER,
    }
    entry["settings"] = {
        "image": module.image,
        "imageHash": container.image.digest if container else "",
        **options(module.options_text),
    }
    return entry


def _description(container: Container | None, status: str) -> str | None:
    if container is None:
        return None
    if status in ("running", "unhealthy"):
        return "; ".join([status, *(wordings.port_mapped(port.host_port, port.bound_port) for port in container.mapped)])
    return wordings.exited(container.exit_code)


def device_report(deployment: Deployment, version: int, status: Json, started: str, entries: Mapping[str, Json]) -> Json:
    """Return the whole report. ``version`` is the deployment's, ``started`` the agent's last start, ``entries`` each module's own."""
    number = version_text(str((deployment.agent.get("settings") or {}).get("image") or ""))
    modules = dict(entries)
    system = {"edgeAgent": agent_report(deployment, started)}
    if "edgeHub" in modules:
        system["edgeHub"] = modules.pop("edgeHub")
    return {
        "lastDesiredVersion": version,
        "lastDesiredStatus": status,
        "schemaVersion": _REPORTED_SCHEMA,
        "version": {"version": number, "build": "20200624.1", "commit": "lab"},
        "runtime": {**deployment.runtime, "platform": {**PLATFORM, "version": daemon_text(number)}},
        "systemModules": system,
        "modules": modules,
    }


def containers_unlisted(description: str) -> Json:
    """Return what a report has instead where the agent could not list its containers (IoTHubReporter.cs, BuildCurrentState)."""
    unknown = {"type": "unknown", "imagePullPolicy": "on-create"}
    return {
        "lastDesiredStatus": {"code": 500, "description": description},
        "systemModules": {"edgeAgent": dict(unknown), "edgeHub": dict(unknown)},
        "modules": {},
    }


def agent_report(deployment: Deployment, started: str) -> Json:
    """Return edgeAgent's own entry, without status, restartPolicy and the restart fields."""
    settings = deployment.agent.get("settings") or {}
    return {
        "type": "docker",
        "imagePullPolicy": deployment.agent.get("imagePullPolicy", "on-create"),
        "settings": {key: value for key, value in settings.items() if isinstance(value, str)},
        "env": deployment.agent.get("env") or {},
        "runtimeStatus": "running",
        "exitCode": 0,
        "statusDescription": "running",
        "lastStartTimeUtc": started,
        "lastExitTimeUtc": NEVER,
    }


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Json:
    """Return the merge patch from one to the other: null deletes."""
    patch: Json = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            inner = difference(old, value)
            if inner:
                patch[key] = inner
        elif value != old or key not in before:
            patch[key] = copy.deepcopy(value)
    return patch


def make_odd(report: Json) -> None:
    """Give a report missing, extra and wrongly typed fields, as no reader should trip over."""
    report["version"] = "1.4"
    report["lastDesiredStatus"] = {"code": "200"}
    report["unheardOf"] = {"deep": {"er": [1, 2, {"three": True}]}}
    for entry in report.get("modules", {}).values():
        entry |= {
            "restartCount": "many",
            "exitCode": {"code": 0},
            "runtimeStatus": 7,
            "lastStartTimeUtc": "yesterday",
            "settings": "none",
        }
        entry["statusDescription"] = "x" * 4000
        entry.pop("status", None)
