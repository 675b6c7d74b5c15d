"""What is pasted into create options from elsewhere: docker inspect, a module of a manifest, Docker Compose, docker run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.deployment.options.docker_schema import SCHEMA
from services.deployment.options.located_json import Finding, Node

# Docker's inspect prints these beside HostConfig (moby, api/types/container: InspectResponse).
_INSPECTED = frozenset((
    "id", "created", "path", "args", "state", "resolvconfpath", "hostnamepath", "hostspath", "logpath", "restartcount", "driver",
    "mountlabel", "processlabel", "apparmorprofile", "execids", "graphdriver", "sizerw", "sizerootfs", "config", "networksettings",
    "mounts", "imagemanifestdescriptor", "storage",
))  # fmt: skip
_INSPECT_REMEDY = "Write what stands in Config at the top, keep HostConfig beside it, and delete the rest."
_ONLY_IN_HOST = frozenset(map(str.lower, SCHEMA["HostConfig"])) - frozenset(map(str.lower, SCHEMA[""]))
_WRAPPERS = ("settings", "modulescontent", "$edgeagent", "properties.desired", "systemmodules", "modules")
_CHUNK = re.compile(r"createoptions[0-9]*\Z", re.IGNORECASE)
_INSIDE = "Take what stands in its createOptions, and that alone."
_COMPOSE = {
    "services": "Docker Compose has many modules in one file; these are the options of one.",
    "ports": 'Docker Compose writes it so: "PortBindings" in HostConfig here.',
    "devices": 'Docker Compose writes it so: "Devices" in HostConfig here.',
    "command": 'Docker Compose writes it so: "Cmd" here, as a list.',
    "environment": 'Docker Compose writes it so: "Env" here, as a list of "NAME=value".',
    "restart": "Docker Compose writes it so: the module's restart policy here.",
    "container_name": "Docker Compose writes it so: the module's name here.",
    "network_mode": 'Docker Compose writes it so: "NetworkMode" in HostConfig here.',
    "networks": 'Docker Compose writes it so: "NetworkingConfig": {"EndpointsConfig": {…}} here.',
    "cap_add": 'Docker Compose writes it so: "CapAdd" in HostConfig here.',
    "extra_hosts": 'Docker Compose writes it so: "ExtraHosts" in HostConfig here.',
    "mem_limit": 'Docker Compose writes it so: "Memory" in HostConfig here, in bytes.',
    "depends_on": "Docker Compose writes it so: the modules' startupOrder here.",
    "working_dir": 'Docker Compose writes it so: "WorkingDir" here.',
}
# What docker inspect calls the fields of a mount.
INSPECTED_MOUNT = {
    "destination": "It is docker inspect's word: write Target.",
    "rw": "It is docker inspect's word: write ReadOnly, true where RW is false.",
    "propagation": 'docker inspect writes it so: "BindOptions": {"Propagation": "…"} here.',
    "mode": "It is docker inspect's word: delete it.",
    "name": "It is docker inspect's word for a volume: write it as Source.",
    "driver": 'docker inspect writes it so: "VolumeOptions": {"DriverConfig": {"Name": "…"}} here.',
}
_COMMAND_LINE = re.compile(r"\s*(?:(?:sudo\s+)?docker\s+(?:container\s+)?(?:run|create)\b|--?[a-z])")
_YAML = re.compile(r"\s*(?:-\s+)?[A-Za-z][\w-]*:(?:\s|\Z)")


def paste_findings(root: Node) -> Iterator[Finding]:
    """Yield one error that says where the options come from, and what of them belongs here; none for options as they should be."""
    if root.kind == "array":
        if any(_is_inspected(item) for item in root.items()):
            yield root.offset, "error", "this is what docker inspect prints", f"Take the brackets away. {_INSPECT_REMEDY}"
        return
    if _is_inspected(root):
        first = next(member for member in root.members() if member.key.lower() in _INSPECTED)
        message = f"this is what docker inspect prints: {first.key} does not belong in create options"
        yield first.offset, "error", message, _INSPECT_REMEDY
        return
    for member in root.members():
        if member.key.lower() in _WRAPPERS or _CHUNK.match(member.key):
            yield member.offset, "error", f"{member.key} does not belong in create options", _INSIDE
            return
    inner = [member for member in root.members() if member.key.lower() in _ONLY_IN_HOST]
    if len(inner) > 2 and root.get("HostConfig") is None:
        message = f"{', '.join(member.key for member in inner[:3])} stand in HostConfig; at the top Docker would ignore them"
        yield inner[0].offset, "error", message, 'Write { "HostConfig": … } around what is pasted.'


def _is_inspected(node: Node) -> bool:
    keys = {member.key.lower() for member in node.members()}
    config = node.get("Config")
    return bool(config and config.kind == "object") or len(keys & _INSPECTED) > 1


def compose_remedy(key: str) -> str:
    """Return what Docker Compose's ``key`` is here; "" for what is no key of Docker Compose."""
    return _COMPOSE.get(key.lower(), "")


def no_json_remedy(text: str) -> str:
    """Return what a text that is no JSON is instead, and what to do; "" where that cannot be said."""
    if _COMMAND_LINE.match(text):
        return (
            "These are docker run's words. In JSON: -p is PortBindings, -v Binds, --device Devices, all in HostConfig; -e is Env."
        )
    if _YAML.match(text):
        return 'This is YAML: write it as JSON, { "KEY": VALUE, … }.'
    return ""
