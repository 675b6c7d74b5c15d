"""What $edgeAgent's desired properties ask for, read as the edge agent reads them (docs/facts/iot-hub.md)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from services.lab.device.versions import Version, schema_refusal

Json = dict[str, Any]

_STATUSES = ("running", "stopped")
_POLICIES = ("never", "on-failure", "on-unhealthy", "always")
_PULLS = ("on-create", "never")
_LAST = 2**32 - 1  # the greatest startupOrder, and its default
_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_ENV_NAME = re.compile(r"[^\+#$\s\.]+")
_IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/@-]*")


class Refused(Exception):
    """The deployment as a whole is refused; ``code`` and the text go into lastDesiredStatus."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code, self.description = code, description


def bad_format() -> Refused:
    """Return the 400 that names no module."""
    return Refused(400, "Agent configuration format is invalid.")


@dataclass(frozen=True)
class CreateOptions:
    """What this engine honours of a container's create options; ``ports`` are (container port, host port)."""

    command: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    ports: tuple[tuple[int, int], ...] = ()
    devices: tuple[str, ...] = ()
    privileged: bool = False
    fpgas: int = 0  # k8s-experimental.resources: "microsoft.com/fpga_catapult"


@dataclass(frozen=True)
class ModuleSpecification:
    """A module as it is asked for. Two that are equal need no new container; ``report`` is what goes into the reported copy."""

    name: str
    image: str
    options: CreateOptions
    environment: tuple[tuple[str, str], ...] = field(repr=False, default=())
    status: str = "running"
    restart_policy: str = "always"
    pull_policy: str = "on-create"
    startup_order: int = _LAST
    options_text: str = field(repr=False, default="", compare=False)
    raw: str = field(repr=False, default="", compare=False)

    @property
    def report(self) -> Json:
        """The module's entry as it was written."""
        entry: Json = json.loads(self.raw)
        return entry

    def same_container(self, other: ModuleSpecification) -> bool:
        """Return whether the container of ``other`` will do."""
        return (self.image, self.options, self.environment) == (other.image, other.options, other.environment)


@dataclass(frozen=True)
class Deployment:
    """A whole deployment."""

    modules: dict[str, ModuleSpecification]  # edgeHub among them
    agent: Json
    runtime: Json = field(repr=False)
    schema_version: str = "1.0"

    @property
    def agent_image(self) -> str:
        """The image that the agent itself is to run."""
        return str((self.agent.get("settings") or {}).get("image") or "")

    @property
    def agent_environment(self) -> dict[str, str]:
        """Return edgeAgent's own environment."""
        entries = self.agent.get("env") or {}
        return {name: str(one.get("value", "")) for name, one in entries.items() if isinstance(one, dict)}

    @property
    def credentials(self) -> list[Json]:
        """The registries' credentials: username, password, address."""
        return [
            one
            for one in ((self.runtime.get("settings") or {}).get("registryCredentials") or {}).values()
            if isinstance(one, dict)
        ]


def join(settings: Json) -> str:
    """Join ``createOptions``, ``createOptions01``… in sorted order, any case; Refused where a chunk is missing.

    As to the agent (JsonEx.cs, ChunkedProperty), every key that holds the name is a chunk.
    """
    chunks = sorted(((key.lower(), value) for key, value in settings.items() if "createoptions" in key.lower()))
    parts = []
    for number, (key, value) in enumerate(chunks):
        expected = "createoptions" + (f"{number:02}" if number else "")
        if key != expected or not isinstance(value, str | dict | None):
            raise bad_format()
        parts.append(json.dumps(value) if isinstance(value, dict) else value or "")
    return "".join(parts)


def parse_options(text: str) -> CreateOptions:
    """Return the create options; Refused when they are no JSON object or have parts of a wrong type."""
    if not text.strip():
        return CreateOptions()
    try:
        whole = json.loads(text)
        if whole is None:
            return CreateOptions()
        host = whole.get("HostConfig") or {}
        ports = []
        for container, bindings in (host.get("PortBindings") or {}).items():
            for binding in bindings or []:
                ports.append((int(container.partition("/")[0]), int(binding.get("HostPort") or container.partition("/")[0])))
        resources = ((whole.get("k8s-experimental") or {}).get("resources") or {}).get("limits") or {}
        command = whole.get("Cmd") or []
        return CreateOptions(
            command=tuple(str(one) for one in ([command] if isinstance(command, str) else command)),
            environment=tuple(str(one) for one in whole.get("Env") or []),
            ports=tuple(ports),
            devices=tuple(str(one["PathOnHost"]) for one in host.get("Devices") or []),
            privileged=host.get("Privileged") is True,
            fpgas=int(resources.get("microsoft.com/fpga_catapult") or 0),
        )
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise bad_format() from error


def _module(name: str, entry: Any) -> ModuleSpecification:
    if not isinstance(entry, dict) or not _NAME.fullmatch(name):
        raise bad_format()
    settings = entry.get("settings")
    if (
        not isinstance(settings, dict)
        or not isinstance(settings.get("image"), str)
        or not _IMAGE.fullmatch(settings["image"].strip())
    ):
        raise bad_format()
    environment = entry.get("env") or {}
    if not isinstance(environment, dict) or not all(
        _ENV_NAME.fullmatch(key) and isinstance(one, dict) for key, one in environment.items()
    ):
        raise bad_format()
    order = entry.get("startupOrder", _LAST)
    status, policy = entry.get("status", "running"), entry.get("restartPolicy", "always")
    pull = entry.get("imagePullPolicy", "on-create")
    if (
        status not in _STATUSES
        or policy not in _POLICIES
        or pull not in _PULLS
        or entry.get("type", "docker") != "docker"
        or not isinstance(order, int)
        or isinstance(order, bool)
        or not 0 <= order <= _LAST
    ):
        raise bad_format()
    return ModuleSpecification(
        name=name,
        image=settings["image"].strip(),
        options=parse_options(text := join(settings)),
        options_text=text,
        environment=tuple(sorted((key, str(one.get("value", ""))) for key, one in environment.items())),
        status=status,
        restart_policy=policy,
        pull_policy=pull,
        startup_order=order,
        raw=json.dumps(entry),
    )


def image_of_agent(desired: Json) -> str:
    """Return the agent's image in desired properties of any shape, "" where there is none."""
    value: Any = desired
    for key in ("systemModules", "edgeAgent", "settings", "image"):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def parse(desired: Json, agent: Version = (1, 4)) -> Deployment:
    """Return the deployment in $edgeAgent's desired properties as an ``agent`` of that version reads it; Refused with 417, 412 or 400."""
    if not desired:
        raise Refused(417, "This device has an empty configuration for the edge agent. Please set a deployment manifest.")
    schema = desired.get("schemaVersion")
    refusal = schema_refusal(agent, "" if schema is None else str(schema))
    if refusal and agent < (1, 0, 8):  # it looks at the schema before anything else
        raise Refused(412, refusal)
    deployment = _whole(desired)
    if refusal:
        raise Refused(412, refusal)
    return deployment


def _whole(desired: Json) -> Deployment:
    schema = desired.get("schemaVersion")
    if schema is None or isinstance(schema, (dict, list)):
        raise bad_format()
    system, modules, runtime = desired.get("systemModules"), desired.get("modules") or {}, desired.get("runtime")
    if not isinstance(system, dict) or not isinstance(modules, dict) or not isinstance(runtime, dict):
        raise bad_format()
    agent = system.get("edgeAgent")
    if not isinstance(agent, dict):
        raise bad_format()
    specifications = {name: _module(name, entry) for name, entry in modules.items()}
    if "edgeHub" in system:
        specifications["edgeHub"] = _module("edgeHub", system["edgeHub"])
    return Deployment(specifications, agent, runtime, str(schema))
