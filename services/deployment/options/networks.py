"""The network of create options: modes that Docker does not combine with what the edge agent adds, or with other keys (docs/facts/create-options.md).

Sources: Azure/iotedge, CombinedEdgeletConfigProvider.cs (InjectNetworkAliases: without ``NetworkingConfig.EndpointsConfig`` the agent
connects every module to its own network); moby, daemon/container_operations.go and runconfig/hostconfig.go.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from services.deployment.options.located_json import Finding, Node
from services.deployment.options.nodes import is_set, is_true, text_at

_OF_A_CONTAINER = "container:"
# What Docker refuses beside NetworkMode container:NAME.
_NOT_SHARED = (
    ("Hostname",), ("ExposedPorts",), ("MacAddress",), ("HostConfig", "Links"), ("HostConfig", "Dns"),
    ("HostConfig", "ExtraHosts"), ("HostConfig", "PortBindings"), ("HostConfig", "PublishAllPorts"),
)  # fmt: skip


def network_rules(root: Node) -> Iterator[Finding]:
    """Yield every finding about the module's network."""
    host = root.get("HostConfig")
    mode = text_at(host, "NetworkMode")
    if mode and mode.value in ("host", "none"):
        yield from _endpoints(root, mode, f'"NetworkingConfig": {{"EndpointsConfig": {{"{mode.value}": {{}}}}}}')
        yield from _without_ports(host, mode.value)
    elif mode and (mode.value == "container" or mode.value.startswith(_OF_A_CONTAINER)):
        if not mode.value.removeprefix(_OF_A_CONTAINER) or mode.value == "container":
            yield mode.offset, "error", f'NetworkMode "{mode.value}" names no container', 'Write "container:NAME".'
        yield from _endpoints(root, mode, '"NetworkingConfig": {"EndpointsConfig": {}}')
        for path in _NOT_SHARED:
            node = root.get(*path)
            if is_set(node) and node:
                message = f"Docker takes no {path[-1]} with NetworkMode container: the other container has it"
                yield node.offset, "error", message, "Delete it, or set it there."
    elif (several := _names(root)) and len(several) > 1:
        yield several[1][1], "error", "a module is made with one network only", f"Keep {several[0][0]}, and delete the others."
    hostname = text_at(root, "Hostname")
    if hostname and (uts := text_at(host, "UTSMode")) and uts.value == "host":
        yield hostname.offset, "error", "Docker takes no Hostname with UTSMode host", "Delete one of them."
    yield from _addresses(root, host)


def _names(root: Node) -> list[tuple[str, int]]:
    endpoints = root.get("NetworkingConfig", "EndpointsConfig")
    return [(member.key, member.offset) for member in endpoints.members()] if endpoints else []


def _endpoints(root: Node, mode: Node, pair: str) -> Iterator[Finding]:
    """Yield a network beside a mode that stands no other: the agent's own, or one that is named."""
    endpoints = root.get("NetworkingConfig", "EndpointsConfig")
    if endpoints is None or endpoints.kind == "null":
        message = f'the agent adds its own network to NetworkMode "{mode.value}", and the module does not start'
        yield mode.offset, "warning", message, f"Add {pair} beside HostConfig."
        return
    for name, offset in _names(root):
        if name != mode.value:
            message = f'no network stands beside NetworkMode "{mode.value}", {name} neither: the module does not start'
            yield offset, "error", message, f"Write {pair}."


def _without_ports(host: Node | None, mode: str) -> Iterator[Finding]:
    bindings = host.get("PortBindings") if host else None
    if bindings and bindings.members():
        remedy = "The module listens on the device's own ports." if mode == "host" else "It has no network at all."
        yield bindings.offset, "warning", f'PortBindings do nothing with NetworkMode "{mode}"', remedy
    publish = host.get("PublishAllPorts") if host else None
    if publish and is_true(publish):
        yield publish.offset, "warning", f'PublishAllPorts does nothing with NetworkMode "{mode}"', "Delete it."
    links = host.get("Links") if host else None
    if links and is_set(links) and mode == "host":
        yield links.offset, "error", 'Docker takes no Links with NetworkMode "host"', "Delete them."
    sysctls = host.get("Sysctls") if host else None
    for member in sysctls.members() if sysctls and mode == "host" else ():
        if member.key.startswith("net."):
            message = f'{member.key} cannot be set with NetworkMode "host": it is the device\'s own'
            yield member.offset, "error", message, "Set it on the device, or delete it."


def _addresses(root: Node, host: Node | None) -> Iterator[Finding]:
    bindings = host.get("PortBindings") if host else None
    for member in bindings.members() if bindings else ():
        for binding in member.node.items():
            address = text_at(binding, "HostIp")
            if address and not is_address(address.value):
                remedy = "Write an address of the device, or 0.0.0.0."
                yield address.offset, "error", f'HostIp "{address.value}" is no address', remedy
    endpoints = root.get("NetworkingConfig", "EndpointsConfig")
    for member in endpoints.members() if endpoints else ():
        for key in ("IPv4Address", "IPv6Address"):
            address = text_at(member.node, "IPAMConfig", key)
            if address and not is_address(address.value):
                yield address.offset, "error", f'{key} "{address.value}" is no address', "Write it without a mask: 172.20.30.33."


def is_address(text: str) -> bool:
    """Return whether ``text`` is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
