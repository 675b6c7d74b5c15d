"""Rules of create options beyond their schema: ports, FPGA, binds, environment, and the client's own arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.deployment.client_arguments import cmd_rules
from services.deployment.option_values import value_rules
from services.deployment.positions import BrokenJson, Found, Node, read
from services.deployment.surroundings import Surroundings

RUNTIME_PORTS = (443, 5671, 8883)
_PORT_KEY = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp|sctp))?\Z", re.IGNORECASE)
_HOST_PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z")
_BIND_OPTIONS = frozenset(
    [
        "ro",
        "rw",
        "z",
        "Z",
        "nocopy",
        "consistent",
        "cached",
        "delegated",
        "private",
        "rprivate",
        "shared",
        "rshared",
        "slave",
        "rslave",
        "volume-nocopy",
    ]
)
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")
_BY_THE_AGENT = {
    "Image": "the module's image",
    "Name": "the module's name",
    "HostConfig.RestartPolicy": "the module's restart policy",
}
_FPGA = "/dev/catapult"


def rules(root: Node, around: Surroundings) -> Iterator[Found]:
    """Every finding of this file for options that are an object."""
    yield from _ports(root, around)
    yield from _fpga(root, around)
    yield from _binds(root)
    yield from _env(root)
    yield from _set_by_the_agent(root)
    yield from value_rules(root)
    yield from cmd_rules(root, around)


def host_ports(text: str) -> dict[tuple[int, str], str]:
    """The ports of the device that create options bind: (port, protocol) to the address they bind on ("" is all). Broken
    options bind none."""
    try:
        root = read(text)
    except BrokenJson:
        return {}
    return {(port, protocol): address for _, port, protocol, address in _bindings(root)}


def takes_fpga(text: str) -> bool:
    """Whether create options ask for the FPGA's devices."""
    try:
        root = read(text)
    except BrokenJson:
        return False
    return bool(_devices(root)) or _fpga_by_kubernetes(root) is not None


def _bindings(root: Node) -> Iterator[tuple[int, int, str, str]]:
    bindings = root.get("HostConfig", "PortBindings")
    for member in bindings.members() if bindings else ():
        key = _PORT_KEY.match(member.key)
        protocol = (key.group(3) or "tcp").lower() if key else "tcp"
        for item in member.node.items():
            port, address = item.get("HostPort"), item.get("HostIp")
            match = _HOST_PORT.match(port.value) if port and port.kind == "string" else None
            if match and port:
                first, last = int(match.group(1)), int(match.group(2) or match.group(1))
                where = address.value if address and address.kind == "string" and address.value not in ("0.0.0.0", "::") else ""
                for number in range(first, min(last, first + 100) + 1):
                    yield port.offset, number, protocol, where


def _ports(root: Node, around: Surroundings) -> Iterator[Found]:
    for path in (("HostConfig", "PortBindings"), ("ExposedPorts",)):
        node = root.get(*path)
        for member in node.members() if node else ():
            match = _PORT_KEY.match(member.key)
            if match is None or not _in_order(match):
                yield member.offset, "error", f'"{member.key}" is no port of the container', 'Write it as "50051/tcp".'
    bindings = root.get("HostConfig", "PortBindings")
    for member in bindings.members() if bindings else ():
        if member.node.kind == "array" and not member.node.items():
            yield member.node.offset, "warning", f"{member.key} is bound to no port of the device", 'Write [{"HostPort": "…"}].'
        for item in member.node.items():
            port = item.get("HostPort")
            if port is not None and port.kind == "string":
                match = _HOST_PORT.match(port.value)
                bad = match is None or not _in_order(match)
                if port.value and bad:
                    yield (
                        port.offset,
                        "error",
                        f'HostPort "{port.value}" is no port',
                        "It is a number from 1 to 65535, in quotes.",
                    )
    yield from _taken(root, around)


def _in_order(match: re.Match[str]) -> bool:
    """Whether a port, or the two ends of a range, lie in 1..65535 and the first is not behind the last."""
    first = int(match.group(1))
    return 1 <= first <= int(match.group(2) or first) <= 65535


def _taken(root: Node, around: Surroundings) -> Iterator[Found]:
    own: set[tuple[int, str, str]] = set()
    held = {name: host_ports(text) for name, text in around.others.items()}
    for offset, port, protocol, address in _bindings(root):
        if (port, protocol, address) in own:
            yield offset, "error", f"port {port} of the device is bound twice here", "Give each its own HostPort."
        own.add((port, protocol, address))
        for name, theirs in held.items():
            other = theirs.get((port, protocol))
            if other is None or (other and address and other != address):
                continue
            holder = f"the edge runtime ({name})" if name in around.system else f"the module {name}"
            yield (
                offset,
                "error",
                f"port {port} of the device is held by {holder}",
                f"Use another HostPort, for example {_free(port, held)}.",
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


def _free(port: int, held: dict[str, dict[tuple[int, str], str]]) -> int:
    taken = {number for ports in held.values() for number, _ in ports}
    return next((number for number in range(port + (8000 if port < 1024 else 1), 65536) if number not in taken), 50000)


def _devices(root: Node) -> list[Node]:
    devices = root.get("HostConfig", "Devices")
    paths = [item.get("PathOnHost") for item in (devices.items() if devices else ())]
    return [path for path in paths if path and path.kind == "string" and path.value.startswith(_FPGA)]


def _fpga_by_kubernetes(root: Node) -> Node | None:
    limits = root.get("k8s-experimental", "resources", "limits")
    return limits.get("microsoft.com/fpga_catapult") if limits else None


def _fpga(root: Node, around: Surroundings) -> Iterator[Found]:
    devices, kubernetes = _devices(root), _fpga_by_kubernetes(root)
    place = devices[0] if devices else kubernetes
    if place is None:
        return
    privileged = root.get("HostConfig", "Privileged")
    if privileged is None or privileged.value is not True:
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


def _binds(root: Node) -> Iterator[Found]:
    binds = root.get("HostConfig", "Binds")
    for item in binds.items() if binds else ():
        if item.kind != "string":
            continue
        parts = item.value.split(":")
        if len(parts) == 1 and parts[0].startswith("/"):
            yield (
                item.offset,
                "warning",
                f'the bind "{item.value}" has no source: the module gets an unnamed volume, and a new one when it is made anew',
                'Name one: "data:/blobroot".',
            )
            continue
        if len(parts) not in (2, 3) or not all(parts):
            yield (
                item.offset,
                "error",
                f'the bind "{item.value}" is not SOURCE:TARGET',
                'Write it as "/etc/hosts:/etc/hosts", with ":ro" to protect it.',
            )
            continue
        if not parts[0].startswith("/") and not _VOLUME.match(parts[0]):
            yield (
                item.offset,
                "error",
                f'the bind\'s source "{parts[0]}" is neither an absolute path nor a volume',
                "Begin it with /.",
            )
        if not parts[1].startswith("/"):
            yield item.offset, "error", f'the bind\'s target "{parts[1]}" is no absolute path', "Begin it with /."
        if len(parts) == 3 and not set(parts[2].split(",")) <= _BIND_OPTIONS:
            yield item.offset, "error", f'the bind\'s option "{parts[2]}" is unknown to Docker', "Use ro or rw."
        if parts[0] in ("/", "/var/run/docker.sock", "/run/docker.sock"):
            yield (
                item.offset,
                "warning",
                f"{parts[0]} given to a module gives it the whole device",
                "Leave it out unless that is meant.",
            )


def _env(root: Node) -> Iterator[Found]:
    env = root.get("Env")
    for item in env.items() if env else ():
        if item.kind == "string" and (not item.value or item.value.startswith("=") or "=" not in item.value):
            yield item.offset, "warning", f'"{item.value}" sets no variable', 'Write "NAME=value".'


def _set_by_the_agent(root: Node) -> Iterator[Found]:
    for path, instead in _BY_THE_AGENT.items():
        node = root.get(*path.split("."))
        if node is not None and node.kind != "null":
            yield node.offset, "warning", f"the edge agent sets {path} itself", f"Set {instead} instead."
