"""Logs, kernel settings, security options and restart in create options, as the engine checks them (docs/facts/create-options.md).

Sources: moby, daemon/container.go, daemon/daemon_unix.go (parseSecurityOpt), daemon/logger/*/ (ValidateLogOpt), docker/go-units
(ulimit.go); opencontainers/runc, libcontainer/configs/validate (sysctls).
"""

from __future__ import annotations

import difflib
import re
import signal
from collections.abc import Iterator

from services.deployment.options.located_json import Finding, Node
from services.deployment.options.nodes import is_set, is_true, number_at, objects_at, text_at, texts_at

_COMMON_LOG_OPTIONS = ("labels", "labels-regex", "env", "env-regex", "tag")
_FILE_LOG_OPTIONS = (*_COMMON_LOG_OPTIONS, "max-size", "max-file", "compress")
_EVERY_DRIVER = ("mode", "max-buffer-size", "cache-disabled", "cache-max-size", "cache-max-file", "cache-compress")
_LOG_OPTIONS = {"json-file": _FILE_LOG_OPTIONS, "local": _FILE_LOG_OPTIONS, "journald": _COMMON_LOG_OPTIONS}
_LOG_SIZE = re.compile(r"[0-9]+(?:\.[0-9]+)? ?[kKmMgGtTpP]?[iI]?[bB]?\Z")
_SYSCTLS = (
    "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
    "kernel.shm_rmid_forced", "kernel.domainname", "kernel.hostname",
)  # fmt: skip
_ULIMITS = (
    "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime",
    "sigpending", "stack",
)  # fmt: skip
_SECURITY = ("label", "apparmor", "seccomp", "no-new-privileges", "writable-cgroups")
_SECURITY_WORDS = ("no-new-privileges", "writable-cgroups", "disable")
_RESTARTS = ("no", "always", "on-failure", "unless-stopped")
_CPUS = re.compile(r"[0-9]+(?:-[0-9]+)?(?:,[0-9]+(?:-[0-9]+)?)*\Z")
_SIGNALS = frozenset(name.removeprefix("SIG") for name in signal.Signals.__members__) | {
    "RTMIN",
    "RTMAX",
    "IOT",
    "POLL",
    "STKFLT",
}
_SIGNAL = re.compile(r"(?:SIG)?(RTM(?:IN\+|AX-)?[0-9]*|[A-Z0-9]+)\Z", re.IGNORECASE)


def runtime_rules(root: Node) -> Iterator[Finding]:
    """Yield every finding of this file for options that are an object."""
    host = root.get("HostConfig")
    stop = text_at(root, "StopSignal")
    if stop and not _is_signal(stop.value):
        yield stop.offset, "error", f'StopSignal "{stop.value}" is none', "Write it as SIGTERM or SIGINT."
    if host is None:
        return
    yield from _logs(host)
    yield from _sysctls(host)
    yield from _security(host)
    yield from _restart(host)
    yield from _ulimits(host)
    for key in ("CpusetCpus", "CpusetMems"):
        cpus = text_at(host, key)
        if cpus and not _CPUS.match(cpus.value.replace(" ", "")):
            yield cpus.offset, "error", f'{key} "{cpus.value}" is no list of processors', 'Write it as "0-2,5".'
    for request in objects_at(host, "DeviceRequests"):
        count, devices = number_at(request, "Count"), request.get("DeviceIDs")
        if count and count.value and devices and is_set(devices):
            yield count.offset, "error", "Count and DeviceIDs are both set; Docker takes one way only", "Delete one of them."


def _is_signal(text: str) -> bool:
    match = _SIGNAL.match(text)
    word = match[1].upper() if match else ""
    return word.isdigit() or word in _SIGNALS or word.startswith(("RTMIN+", "RTMAX-"))


def _logs(host: Node) -> Iterator[Finding]:
    driver = text_at(host, "LogConfig", "Type")
    options = host.get("LogConfig", "Config")
    names = _LOG_OPTIONS.get(driver.value if driver else "")
    for member in options.members() if options else ():
        if names and member.key not in (*names, *_EVERY_DRIVER):
            close = difflib.get_close_matches(member.key, names, 1, 0.6)
            remedy = f"Did you mean {close[0]}?" if close else f"It knows {', '.join(names)}."
            yield member.offset, "error", f"the log driver {driver.value if driver else ''} knows no {member.key}", remedy
        text = member.node.value if member.node.kind == "string" else None
        if member.key == "max-size" and text is not None and text != "-1" and not _LOG_SIZE.match(text):
            yield member.node.offset, "error", f'max-size "{text}" is no size', 'Write it as "10m".'
        if member.key == "max-file" and text is not None and not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
            yield member.node.offset, "error", f'max-file "{text}" is no number from 1', 'Write it as "3".'


def _sysctls(host: Node) -> Iterator[Finding]:
    sysctls = host.get("Sysctls")
    for member in sysctls.members() if sysctls else ():
        if not (member.key in _SYSCTLS or member.key.startswith(("net.", "fs.mqueue."))):
            message = f"the kernel has one {member.key} for the whole device, and the module does not start with it"
            yield member.offset, "error", message, "Set it on the device (/etc/sysctl.d)."


def _security(host: Node) -> Iterator[Finding]:
    for item in texts_at(host, "SecurityOpt"):
        name, separator, value = item.value.partition("=" if "=" in item.value else ":")
        if item.value in _SECURITY_WORDS:
            continue
        if not separator or name not in _SECURITY:
            close = difflib.get_close_matches(name, _SECURITY, 1, 0.6)
            remedy = f"Did you mean {close[0]}?" if close else f"It begins with {', '.join(_SECURITY)}."
            yield item.offset, "error", f'SecurityOpt: Docker knows no "{item.value}"', remedy
        elif name == "seccomp" and value not in ("unconfined", "builtin") and not value.lstrip().startswith("{"):
            message = f'SecurityOpt: "{value}" is no seccomp profile; the engine reads no file'
            yield item.offset, "error", message, 'Write the profile\'s JSON itself, or "seccomp=unconfined".'


def _restart(host: Node) -> Iterator[Finding]:
    policy, automatic = host.get("RestartPolicy"), host.get("AutoRemove")
    name, count = text_at(policy, "Name"), number_at(policy, "MaximumRetryCount") if policy else None
    plain = name.value.lower() if name else ""
    if name and plain not in _RESTARTS:
        message = f'RestartPolicy "{name.value}" is none; the agent refuses the whole deployment (400)'
        yield name.offset, "error", message, f"It is {', '.join(_RESTARTS)}; better, set the module's restart policy."
    elif count and name and (count.value < 0 or (count.value and plain != "on-failure")):
        yield count.offset, "error", "MaximumRetryCount goes with on-failure only, from 0", "Delete it."
    if automatic and is_true(automatic):
        if plain not in ("", "no"):
            yield automatic.offset, "error", "Docker takes no AutoRemove beside a RestartPolicy", "Delete both."
        else:
            message = "AutoRemove deletes the container, its log and its unnamed volumes whenever it stops"
            yield automatic.offset, "warning", message, "Delete it; the agent removes what is not deployed any more."


def _ulimits(host: Node) -> Iterator[Finding]:
    for limit in objects_at(host, "Ulimits"):
        name = text_at(limit, "Name")
        if name is None or name.value not in _ULIMITS:
            close = difflib.get_close_matches(name.value.lower(), _ULIMITS, 1, 0.6) if name else []
            remedy = f"Did you mean {close[0]}?" if close else f"It is one of {', '.join(_ULIMITS)}."
            text = f'Docker knows no limit "{name.value}"' if name else "this limit has no Name"
            yield (name or limit).offset, "error", text, remedy
        soft, hard = number_at(limit, "Soft"), number_at(limit, "Hard")
        if soft and hard and 0 <= hard.value < soft.value:
            yield soft.offset, "error", "the soft limit is above the hard one", "Raise Hard, or lower Soft."
        for one, other in (("Soft", "Hard"), ("Hard", "Soft")):
            if limit.get(one) is None and limit.get(other) is not None:
                yield limit.offset, "warning", f"this limit has no {one}, which counts as 0", f"Write {one} too."
