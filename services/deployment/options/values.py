"""Values of create options that the Docker Engine refuses or quietly drops, though their types are right.

As moby's daemon checks them when a container is made: ``verifyContainerConfig`` and ``verifyPlatformContainerResources`` of
package daemon, ``caps`` of package oci.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from services.deployment.options.located_json import Finding, Node
from services.deployment.options.networks import is_address
from services.deployment.options.nodes import number_at, objects_at, text_at, texts_at
from services.masking import MASK

_UNMASK = "Write the secret itself in its place."
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


def value_rules(root: Node) -> Iterator[Finding]:
    """Yield every finding of this file for options that are an object."""
    host = root.get("HostConfig")
    yield from _masks(root)
    yield from _healthcheck(root.get("Healthcheck"))
    if (folder := text_at(root, "WorkingDir")) and not folder.value.startswith("/"):
        yield folder.offset, "error", f'WorkingDir "{folder.value}" is no absolute path', "Begin it with /."
    if (mac := text_at(root, "MacAddress")) and not _MAC.match(mac.value):
        yield mac.offset, "error", f'MacAddress "{mac.value}" is none', "Write it as 02:42:ac:11:00:02."
    if host is None:
        return
    yield from _words(host)
    yield from _resources(host)
    yield from _lists(host)
    yield from _devices(host)


def _masks(node: Node) -> Iterator[Finding]:
    """Yield the texts and keys in which a mask stands for a secret: from a draft or a printed copy."""
    for member in node.members():
        if MASK in member.key:
            yield member.offset, "error", "a mask stands here for a secret", _UNMASK
        yield from _masks(member.node)
    for item in node.items():
        yield from _masks(item)
    if node.kind == "string" and MASK in node.value:
        yield node.offset, "error", "a mask stands here for a secret", _UNMASK


def _one_of(words: tuple[str, ...], value: str) -> str:
    named = [word for word in words if word != _OF_A_CONTAINER]
    close = difflib.get_close_matches(value.lower(), named, 1, 0.6)
    return (
        f"Did you mean {close[0]}?" if close else f"It is {', '.join(named)}{' or container:NAME' * (len(named) < len(words))}."
    )


def _words(host: Node) -> Iterator[Finding]:
    for key, words in _WORDS.items():
        node = text_at(host, key)
        if node and not any(re.fullmatch(word, node.value) for word in words):
            yield node.offset, "error", f'Docker knows no {key} "{node.value}"', _one_of(words, node.value)
    for node, allowed, what in (
        (text_at(host, "NetworkMode"), _NETWORKS, "a network"),
        (text_at(host, "LogConfig", "Type"), _LOGS, "a log plugin"),
    ):
        close = difflib.get_close_matches(node.value, allowed, 1, 0.75) if node and node.value not in allowed else []
        if node and close:
            yield node.offset, "warning", f'"{node.value}" would be {what} of that name', f"Did you mean {close[0]}?"


def _resources(host: Node) -> Iterator[Finding]:
    for key, (least, most, says) in _RANGES.items():
        node = number_at(host, key)
        if node and node.value != 0 and not least <= node.value <= most:
            yield node.offset, "error", f"{key} is {node.value}", f"Docker takes {says}."
    for key in ("ShmSize", "CpuShares", "NanoCpus", "Memory", "MemoryReservation"):
        below = number_at(host, key)
        if below and below.value < 0:
            yield below.offset, "error", f"{key} is {below.value}", "It is 0 (as it comes) or more."
    memory, swap = number_at(host, "Memory"), number_at(host, "MemorySwap")
    if memory and 0 < memory.value < _MEGABYTES_AT_LEAST << 20:
        yield (
            memory.offset, "error", f"Memory is {memory.value} bytes, Docker wants {_MEGABYTES_AT_LEAST} MB at least",
            f"It is counted in bytes: {memory.value << 20} is {memory.value} MB.",
        )  # fmt: skip
    if swap and swap.value > 0 and not (memory and memory.value > 0):
        yield swap.offset, "error", "MemorySwap is set without Memory", "Set Memory too: MemorySwap is both together."
    elif swap and memory and 0 < swap.value < memory.value:
        yield swap.offset, "error", "MemorySwap is less than Memory", "It is memory and swap together; -1 is no limit."
    nano = number_at(host, "NanoCpus")
    for key in ("CpuPeriod", "CpuQuota"):
        other = number_at(host, key)
        if nano and nano.value and other and other.value:
            yield other.offset, "error", f"NanoCpus and {key} are both set; Docker takes one way only", "Delete one of them."


def _healthcheck(check: Node | None) -> Iterator[Finding]:
    if check is None:
        return
    for key in ("Interval", "Timeout", "StartPeriod", "StartInterval"):
        node = number_at(check, key)
        if node and node.value and node.value < 1_000_000:
            yield (
                node.offset, "error", f"Healthcheck.{key} is {node.value} ns, Docker wants 1 ms at least",
                f"It is counted in nanoseconds: {node.value} s is {node.value}000000000.",
            )  # fmt: skip
    retries = number_at(check, "Retries")
    if retries and retries.value < 0:
        yield retries.offset, "error", f"Healthcheck.Retries is {retries.value}", "It is 0 (as it comes) or more."
    test = texts_at(check, "Test")
    if test and test[0].value not in _PROBES:
        yield (
            test[0].offset, "warning", f'Healthcheck.Test begins with "{test[0].value}"; Docker would never run it',
            'Begin the list with "CMD" or "CMD-SHELL".',
        )  # fmt: skip


def _lists(host: Node) -> Iterator[Finding]:
    for key in ("CapAdd", "CapDrop"):
        for item in texts_at(host, key):
            name = item.value.upper().removeprefix("CAP_")
            if name not in _CAPABILITIES:
                close = difflib.get_close_matches(name, _CAPABILITIES, 1, 0.7)
                remedy = f"Did you mean {close[0]}?" if close else "See man 7 capabilities."
                yield item.offset, "error", f'{key}: there is no capability "{item.value}"', remedy
    for item in texts_at(host, "DeviceCgroupRules"):
        if not _CGROUP_RULE.match(item.value):
            yield item.offset, "error", f'"{item.value}" is no rule for devices', 'Write it as "c 189:* rmw".'
    for item in texts_at(host, "ExtraHosts"):
        name, _, address = item.value.partition("=" if "=" in item.value else ":")
        if not name or not (address == "host-gateway" or is_address(address.strip("[]"))):
            yield item.offset, "error", f'ExtraHosts: "{item.value}" is not NAME:ADDRESS', 'Write it as "camera:10.0.0.7".'
    for item in texts_at(host, "Dns"):
        if not is_address(item.value):
            yield item.offset, "error", f'Dns: "{item.value}" is no address', "Name servers are given by address."


def _devices(host: Node) -> Iterator[Finding]:
    for device in objects_at(host, "Devices"):
        path, permissions = device.get("PathOnHost"), text_at(device, "CgroupPermissions")
        if path is None or path.value in ("", None):
            yield device.offset, "error", "this device has no PathOnHost", 'Write "PathOnHost": "/dev/…".'
        elif path.kind == "string" and not path.value.startswith("/"):
            message = f'PathOnHost "{path.value}" is no absolute path: the engine looks from where it was started, mostly /'
            yield path.offset, "warning", message, "Begin it with /."
        if text_at(device, "PathInContainer") is None:
            yield device.offset, "warning", "this device has no PathInContainer", "Write it too, most often the same path."
        if permissions and not re.fullmatch("[rwm]{1,3}", permissions.value):
            yield (
                permissions.offset,
                "error",
                f'CgroupPermissions "{permissions.value}" is none',
                "Letters of rwm: read, write, mknod.",
            )
