"""Rules of create options beyond their schema: ports, FPGA, environment, what the agent sets, and those of the files beside."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.deployment.options.client_arguments import cmd_rules
from services.deployment.options.located_json import BrokenJson, Finding, Node, read
from services.deployment.options.mounts import mount_rules
from services.deployment.options.networks import network_rules
from services.deployment.options.nodes import is_true, texts_at
from services.deployment.options.placement import Placement
from services.deployment.options.runtime import runtime_rules
from services.deployment.options.values import value_rules

RUNTIME_PORTS = (443, 5671, 8883)
_PORT_KEY = re.compile(r"([0-9]{1,5})(?:/(tcp|udp|sctp))?\Z", re.IGNORECASE)
_PORT_RANGE = re.compile(r"[0-9]+-[0-9]+(?:/[a-z]+)?\Z", re.IGNORECASE)
_HOST_PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z")
_BY_THE_AGENT = {
    "Image": "the module's image",
    "Name": "the module's name",
    "HostConfig.RestartPolicy": "the module's restart policy",
}
_FPGA = "/dev/catapult"


def rules(root: Node, around: Placement) -> Iterator[Finding]:
    """Yield every finding of this file for options that are an object."""
    yield from _ports(root, around)
    yield from _fpga(root, around)
    yield from _env(root)
    yield from _set_by_the_agent(root)
    yield from mount_rules(root)
    yield from network_rules(root)
    yield from runtime_rules(root)
    yield from value_rules(root)
    yield from cmd_rules(root, around)


def host_ports(text: str) -> dict[tuple[int, str], str]:
    """Return the ports of the device that create options bind: (port, protocol) to the address they bind on ("" is all).

    Broken options bind none.
    """
    try:
        root = read(text)
    except BrokenJson:
        return {}
    return {(port, protocol): address for _, port, protocol, address in _bindings(root)}


def takes_fpga(text: str) -> bool:
    """Return whether create options ask for the FPGA's devices."""
    try:
        root = read(text)
    except BrokenJson:
        return False
    return bool(_devices(root)) or _fpga_by_kubernetes(root) is not None


def _bindings(root: Node) -> Iterator[tuple[int, int, str, str]]:
    bindings = root.get("HostConfig", "PortBindings")
    for member in bindings.members() if bindings else ():
        key = _PORT_KEY.match(member.key)
        protocol = (key.group(2) or "tcp").lower() if key else "tcp"
        for item in member.node.items():
            port, address = item.get("HostPort"), item.get("HostIp")
            match = _HOST_PORT.match(_port_text(port))
            if match and port:
                first, last = int(match.group(1)), int(match.group(2) or match.group(1))
                where = address.value if address and address.kind == "string" and address.value not in ("0.0.0.0", "::") else ""
                for number in range(first, min(last, first + 100) + 1) if first else ():
                    yield port.offset, number, protocol, where


def _port_text(port: Node | None) -> str:
    """Return a HostPort as a text; the agent makes one of a number."""
    return str(port.value) if port and port.kind in ("string", "number") else ""


def _ports(root: Node, around: Placement) -> Iterator[Finding]:
    for path in (("HostConfig", "PortBindings"), ("ExposedPorts",)):
        node = root.get(*path)
        yield from _port_keys(node) if node else ()
    bindings = root.get("HostConfig", "PortBindings")
    for member in bindings.members() if bindings else ():
        if member.node.kind == "array" and not member.node.items():
            yield member.node.offset, "warning", f"{member.key} is bound to no port of the device", 'Write [{"HostPort": "…"}].'
        for item in member.node.items():
            port = item.get("HostPort")
            text = _port_text(port)
            match = _HOST_PORT.match(text)
            if port and text and (match is None or not _in_order(match)):
                yield port.offset, "error", f'HostPort "{text}" is no port', "It is a number from 1 to 65535, in quotes."
    yield from _port_rules(root, around)


def _port_keys(node: Node) -> Iterator[Finding]:
    """Yield the module's ports: one in each key, and each once (moby, daemon/container.go, validatePortBindings)."""
    present: dict[tuple[int, str], str] = {}
    for member in node.members():
        match = _PORT_KEY.match(member.key)
        if _PORT_RANGE.match(member.key):
            message = f'"{member.key}" is a range of ports; the engine takes one port in each key'
            yield member.offset, "error", message, f'Write a key for each: "{member.key.partition("-")[0]}/tcp", and so on.'
        elif match is None or not 1 <= int(match.group(1)) <= 65535:
            yield member.offset, "error", f'"{member.key}" is no port of the container', 'Write it as "50051/tcp".'
        else:
            port = int(match.group(1)), (match.group(2) or "tcp").lower()
            if port in present and present[port] != member.key:  # the same key twice is said of the JSON
                message = f'"{member.key}" is the same port as "{present[port]}": only one of them would count'
                yield member.offset, "error", message, "Write all its bindings into one list."
            present.setdefault(port, member.key)


def _in_order(match: re.Match[str]) -> bool:
    """Return whether a port of the device, or the two ends of a range, lie in 1..65535 in their order; 0 is any that is free."""
    first = int(match.group(1))
    return first == 0 or first <= int(match.group(2) or first) <= 65535


def _port_rules(root: Node, around: Placement) -> Iterator[Finding]:
    own: set[tuple[int, str, str]] = set()
    ports_by_module = {name: host_ports(text) for name, text in around.others.items()}
    for offset, port, protocol, address in _bindings(root):
        if (port, protocol, address) in own:
            yield offset, "error", f"port {port} of the device is bound twice here", "Give each its own HostPort."
        own.add((port, protocol, address))
        for name, theirs in ports_by_module.items():
            other = theirs.get((port, protocol))
            if other is None or (other and address and other != address):
                continue
            holder = f"the edge runtime ({name})" if name in around.system else f"the module {name}"
            yield (
                offset,
                "error",
                f"port {port} of the device is held by {holder}",
                f"Use another HostPort, for example {_free(port, ports_by_module)}.",
            )
            break
        else:
            if port in RUNTIME_PORTS and protocol == "tcp" and around.module not in ("edgeHub", "edgeAgent"):
                yield (
                    offset,
                    "warning",
                    f"port {port} is one of the edge runtime's (443, 5671, 8883); edgeHub may need it",
                    "Use another HostPort unless edgeHub's own options do without it.",
                )


def _free(port: int, ports_by_module: dict[str, dict[tuple[int, str], str]]) -> int:
    numbers = {number for ports in ports_by_module.values() for number, _ in ports}
    return next((number for number in range(port + (8000 if port < 1024 else 1), 65536) if number not in numbers), 50000)


def _devices(root: Node) -> list[Node]:
    devices = root.get("HostConfig", "Devices")
    paths = [item.get("PathOnHost") for item in (devices.items() if devices else ())]
    return [path for path in paths if path and path.kind == "string" and path.value.startswith(_FPGA)]


def _fpga_by_kubernetes(root: Node) -> Node | None:
    limits = root.get("k8s-experimental", "resources", "limits")
    return limits.get("microsoft.com/fpga_catapult") if limits else None


def _fpga(root: Node, around: Placement) -> Iterator[Finding]:
    devices, kubernetes = _devices(root), _fpga_by_kubernetes(root)
    place = devices[0] if devices else kubernetes
    if place is None:
        return
    privileged = root.get("HostConfig", "Privileged")
    if not is_true(privileged):
        offset = privileged.offset if privileged else place.offset
        yield offset, "error", "the FPGA is asked for without Privileged", 'Add "Privileged": true to HostConfig.'
    paths = {device.value for device in devices}
    for number in (0, 1):
        if devices and f"{_FPGA}{number}" not in paths:
            yield (
                devices[0].offset,
                "warning",
                f"an FPGA host takes both devices; {_FPGA}{number} is missing",
                "Add it to Devices.",
            )
    for name, text in around.others.items():
        if takes_fpga(text):
            yield (
                place.offset,
                "warning",
                f"the module {name} takes the FPGA too; two hosts cannot both run on it",
                f"Stop {name} first.",
            )


def _env(root: Node) -> Iterator[Finding]:
    present: set[str] = set()
    for item in texts_at(root, "Env"):
        name, separator, _ = item.value.partition("=")
        if not name:
            yield item.offset, "error", f'"{item.value}" names no variable: Docker refuses it', 'Write "NAME=value".'
        elif not separator:
            yield item.offset, "warning", f'"{item.value}" sets no variable', 'Write "NAME=value".'
        elif name != name.strip():
            yield item.offset, "warning", f'the blank belongs to the name of "{name}="', 'Write "NAME=value" without blanks.'
        elif name in present:
            yield item.offset, "warning", f"{name} is set twice; only the last counts", "Delete one of them."
        present.add(name)


def _set_by_the_agent(root: Node) -> Iterator[Finding]:
    for path, instead in _BY_THE_AGENT.items():
        node = root.get(*path.split("."))
        if node is not None and node.kind != "null":
            yield node.offset, "warning", f"the edge agent sets {path} itself", f"Set {instead} instead."
