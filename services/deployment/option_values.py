"""Values of create options that the Docker Engine refuses or quietly drops, though their types are right.

As moby's daemon checks them when a container is made: ``verifyContainerConfig`` and ``verifyPlatformContainerResources`` of
package daemon, ``validateMountConfig`` and the Linux parser of package volume/mounts, ``caps`` of package oci.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterator

from services.deployment.positions import Found, Node

_MEGABYTES_AT_LEAST = 6
_OF_A_CONTAINER = r"container:.+"
# Each is matched whole; where Docker takes other names as well (a network, a log plugin) a near miss is a warning.
_WORDS: dict[str, tuple[str, ...]] = {
    "IpcMode": ("none", "private", "shareable", "host", _OF_A_CONTAINER),
    "PidMode": ("host", _OF_A_CONTAINER),
    "UTSMode": ("host",),
    "UsernsMode": ("host",),
    "CgroupnsMode": ("private", "host"),
    "Isolation": ("default", "process", "hyperv"),
}
_NETWORKS = ("bridge", "default", "host", "none")
_LOGS = ("json-file", "local", "journald", "syslog", "none", "gelf", "fluentd", "awslogs", "splunk", "gcplogs")
_MOUNTS = ("bind", "volume", "tmpfs", "image", "cluster", "npipe")
_PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
_PROBES = ("NONE", "CMD", "CMD-SHELL")
_RANGES = {
    "BlkioWeight": (10, 1000, "0 (as it comes), or 10 to 1000"),
    "MemorySwappiness": (-1, 100, "-1 (as it comes), or 0 to 100"),
    "OomScoreAdj": (-1000, 1000, "-1000 to 1000"),
}
_CAPABILITIES = (
    "ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN",
    "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE",
    "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON",
    "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE",
    "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM",
)  # fmt: skip
_CGROUP_RULE = re.compile(r"[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}\Z")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\Z")


def value_rules(root: Node) -> Iterator[Found]:
    """Every finding of this file for options that are an object."""
    host = root.get("HostConfig")
    yield from _healthcheck(root.get("Healthcheck"))
    if (folder := _text(root, "WorkingDir")) and not folder.value.startswith("/"):
        yield folder.offset, "error", f'WorkingDir "{folder.value}" is no absolute path', "Begin it with /."
    if (mac := _text(root, "MacAddress")) and not _MAC.match(mac.value):
        yield mac.offset, "error", f'MacAddress "{mac.value}" is none', "Write it as 02:42:ac:11:00:02."
    if host is None:
        return
    yield from _words(host)
    yield from _resources(host)
    yield from _lists(host)
    yield from _devices(host)
    yield from _mounts(host)
    yield from _network(host)


def _text(node: Node, *path: str) -> Node | None:
    """The text at a path, where there is one and it is not empty."""
    found = node.get(*path)
    return found if found and found.kind == "string" and found.value else None


def _number(node: Node, *path: str) -> Node | None:
    found = node.get(*path)
    return found if found and isinstance(found.value, int) and found.kind == "number" else None


def _texts(node: Node, key: str) -> list[Node]:
    found = node.get(key)
    return [item for item in (found.items() if found else ()) if item.kind == "string"]


def _items(node: Node, key: str) -> list[Node]:
    found = node.get(key)
    return [item for item in (found.items() if found else ()) if item.kind == "object"]


def _one_of(words: tuple[str, ...], value: str) -> str:
    named = [word for word in words if word != _OF_A_CONTAINER]
    close = difflib.get_close_matches(value.lower(), named, 1, 0.6)
    return (
        f"Did you mean {close[0]}?" if close else f"It is {', '.join(named)}{' or container:NAME' * (len(named) < len(words))}."
    )


def _words(host: Node) -> Iterator[Found]:
    for key, words in _WORDS.items():
        found = _text(host, key)
        if found and not any(re.fullmatch(word, found.value) for word in words):
            yield found.offset, "error", f'Docker knows no {key} "{found.value}"', _one_of(words, found.value)
    for found, known, what in (
        (_text(host, "NetworkMode"), _NETWORKS, "a network"),
        (_text(host, "LogConfig", "Type"), _LOGS, "a log plugin"),
    ):
        close = difflib.get_close_matches(found.value, known, 1, 0.75) if found and found.value not in known else []
        if found and close:
            yield found.offset, "warning", f'"{found.value}" would be {what} of that name', f"Did you mean {close[0]}?"


def _resources(host: Node) -> Iterator[Found]:
    for key, (least, most, says) in _RANGES.items():
        found = _number(host, key)
        if found and found.value != 0 and not least <= found.value <= most:
            yield found.offset, "error", f"{key} is {found.value}", f"Docker takes {says}."
    memory, swap = _number(host, "Memory"), _number(host, "MemorySwap")
    if memory and 0 < memory.value < _MEGABYTES_AT_LEAST << 20:
        yield (
            memory.offset, "error", f"Memory is {memory.value} bytes, Docker wants {_MEGABYTES_AT_LEAST} MB at least",
            f"It is counted in bytes: {memory.value << 20} is {memory.value} MB.",
        )  # fmt: skip
    if swap and swap.value > 0 and not (memory and memory.value > 0):
        yield swap.offset, "error", "MemorySwap is set without Memory", "Set Memory too: MemorySwap is both together."
    elif swap and memory and 0 < swap.value < memory.value:
        yield swap.offset, "error", "MemorySwap is less than Memory", "It is memory and swap together; -1 is no limit."
    nano = _number(host, "NanoCpus")
    for key in ("CpuPeriod", "CpuQuota"):
        other = _number(host, key)
        if nano and nano.value and other and other.value:
            yield other.offset, "error", f"NanoCpus and {key} are both set; Docker takes one way only", "Delete one of them."
    for limit in _items(host, "Ulimits"):
        soft, hard = _number(limit, "Soft"), _number(limit, "Hard")
        if soft and hard and 0 <= hard.value < soft.value:
            yield soft.offset, "error", "the soft limit is above the hard one", "Raise Hard, or lower Soft."


def _healthcheck(check: Node | None) -> Iterator[Found]:
    if check is None:
        return
    for key in ("Interval", "Timeout", "StartPeriod", "StartInterval"):
        found = _number(check, key)
        if found and found.value and found.value < 1_000_000:
            yield (
                found.offset, "error", f"Healthcheck.{key} is {found.value} ns, Docker wants 1 ms at least",
                f"It is counted in nanoseconds: {found.value} s is {found.value}000000000.",
            )  # fmt: skip
    test = _texts(check, "Test")
    if test and test[0].value not in _PROBES:
        yield (
            test[0].offset, "warning", f'Healthcheck.Test begins with "{test[0].value}"; Docker would never run it',
            'Begin the list with "CMD" or "CMD-SHELL".',
        )  # fmt: skip


def _lists(host: Node) -> Iterator[Found]:
    for key in ("CapAdd", "CapDrop"):
        for item in _texts(host, key):
            name = item.value.upper().removeprefix("CAP_")
            if name not in _CAPABILITIES:
                close = difflib.get_close_matches(name, _CAPABILITIES, 1, 0.7)
                remedy = f"Did you mean {close[0]}?" if close else "See man 7 capabilities."
                yield item.offset, "error", f'{key}: there is no capability "{item.value}"', remedy
    for item in _texts(host, "DeviceCgroupRules"):
        if not _CGROUP_RULE.match(item.value):
            yield item.offset, "error", f'"{item.value}" is no rule for devices', 'Write it as "c 189:* rmw".'
    for item in _texts(host, "ExtraHosts"):
        name, _, address = item.value.partition("=" if "=" in item.value else ":")
        if not name or not (address == "host-gateway" or is_address(address.strip("[]"))):
            yield item.offset, "error", f'ExtraHosts: "{item.value}" is not NAME:ADDRESS', 'Write it as "camera:10.0.0.7".'
    for item in _texts(host, "Dns"):
        if not is_address(item.value):
            yield item.offset, "error", f'Dns: "{item.value}" is no address', "Name servers are given by address."


def _devices(host: Node) -> Iterator[Found]:
    for device in _items(host, "Devices"):
        path, permissions = device.get("PathOnHost"), _text(device, "CgroupPermissions")
        if path is None or path.value in ("", None):
            yield device.offset, "error", "this device has no PathOnHost", 'Write "PathOnHost": "/dev/…".'
        elif path.kind == "string" and not path.value.startswith("/"):
            yield path.offset, "error", f'PathOnHost "{path.value}" is no absolute path', "Begin it with /."
        if _text(device, "PathInContainer") is None:
            yield device.offset, "warning", "this device has no PathInContainer", "Write it too, most often the same path."
        if permissions and not re.fullmatch("[rwm]{1,3}", permissions.value):
            yield (
                permissions.offset,
                "error",
                f'CgroupPermissions "{permissions.value}" is none',
                "Letters of rwm: read, write, mknod.",
            )


def _mounts(host: Node) -> Iterator[Found]:
    taken = {_target(bind.value): "Binds" for bind in _texts(host, "Binds")}
    for mount in _items(host, "Mounts"):
        kind, source, target = _text(mount, "Type"), _text(mount, "Source"), _text(mount, "Target")
        if kind is None:
            yield mount.offset, "error", "this mount has no Type", f"It is {', '.join(_MOUNTS[:3])}."
        elif kind.value not in _MOUNTS:
            yield kind.offset, "error", f'Docker knows no mount of Type "{kind.value}"', _one_of(_MOUNTS, kind.value)
        elif kind.value == "bind" and not (source and source.value.startswith("/")):
            yield (source or mount).offset, "error", "a bind mount's Source is an absolute path", "Begin Source with /."
        elif kind.value == "tmpfs" and source:
            yield source.offset, "error", "a tmpfs mount has no Source", "Delete it."
        if target is None or not target.value.startswith("/"):
            yield (target or mount).offset, "error", "a mount's Target is an absolute path", "Begin Target with /."
        elif target.value in taken:
            yield (
                target.offset,
                "error",
                f"{target.value} is mounted already, by {taken[target.value]}",
                "Give each its own Target.",
            )
        else:
            taken[target.value] = "another mount"
        way = _text(mount, "BindOptions", "Propagation")
        if way and way.value not in _PROPAGATIONS:
            yield way.offset, "error", f'Docker knows no Propagation "{way.value}"', _one_of(_PROPAGATIONS, way.value)


def _target(bind: str) -> str:
    parts = bind.split(":")
    return parts[1] if len(parts) > 1 else bind


def _network(host: Node) -> Iterator[Found]:
    bindings, mode = host.get("PortBindings"), _text(host, "NetworkMode")
    if bindings and bindings.members() and mode and mode.value in ("host", "none"):
        yield (
            bindings.offset, "warning", f'PortBindings do nothing with NetworkMode "{mode.value}"',
            "The module listens on the device's own ports." if mode.value == "host" else "It has no network at all.",
        )  # fmt: skip
    for member in bindings.members() if bindings else ():
        for binding in member.node.items():
            address = _text(binding, "HostIp")
            if address and not is_address(address.value):
                yield (
                    address.offset,
                    "error",
                    f'HostIp "{address.value}" is no address',
                    "Write an address of the device, or 0.0.0.0.",
                )


def is_address(text: str) -> bool:
    """Whether ``text`` is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
