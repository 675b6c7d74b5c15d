"""Binds, Mounts, Volumes and Tmpfs of create options, as Docker checks them, and where data would be lost (docs/facts/create-options.md).

Source: moby, volume/mounts/linux_parser.go and daemon/volumes.go (``Duplicate mount point``).
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator

from services.deployment.options.docker_schema import SCHEMA
from services.deployment.options.located_json import Finding, Node
from services.deployment.options.nodes import objects_at, text_at, texts_at
from services.deployment.options.placeholders import PLACEHOLDER

_PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
_MODES = frozenset(("ro", "rw", "z", "Z", "nocopy", "volume-nocopy", "consistent", "cached", "delegated", *_PROPAGATIONS))
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")
_TYPES = ("bind", "volume", "tmpfs", "image", "cluster", "npipe")
_LOSS = "the module gets an unnamed volume, and a new one, empty, when it is made anew"


def mount_rules(root: Node) -> Iterator[Finding]:
    """Yield every finding about what is mounted into the module."""
    host = root.get("HostConfig")
    targets: dict[str, str] = {}  # path in the module to the key that mounts there
    for item in texts_at(host, "Binds"):
        yield from _bind(item, targets)
    for mount in objects_at(host, "Mounts"):
        yield from _mount(mount, targets)
    tmpfs = host.get("Tmpfs") if host else None
    for member in tmpfs.members() if tmpfs else ():
        yield from _target(member.key, member.offset, "Tmpfs", targets)
    volumes = root.get("Volumes")
    for member in volumes.members() if volumes else ():
        yield from _volume(member.key, member.offset, targets)


def _target(path: str, offset: int, key: str, targets: dict[str, str]) -> Iterator[Finding]:
    """Check a path in the module, and note it as mounted by ``key``."""
    clean = posixpath.normpath(path)
    if not path.startswith("/"):
        yield offset, "error", f'"{path}" is no absolute path of the module', "Begin it with /."
    elif clean.strip("/") == "":
        yield offset, "error", "nothing can be mounted over the module's whole file system, /", "Name a folder of it."
    elif clean in targets:
        yield offset, "error", f"{clean} is mounted already, by {targets[clean]}", "Give each its own target."
    else:
        targets[clean] = key


def _bind(item: Node, targets: dict[str, str]) -> Iterator[Finding]:
    parts = item.value.split(":")
    if len(parts) == 1 and parts[0].startswith("/"):
        yield item.offset, "warning", f'the bind "{item.value}" has no source: {_LOSS}', 'Name one: "data:/blobroot".'
        targets[posixpath.normpath(parts[0])] = "Binds"
        return
    if len(parts) not in (2, 3) or not all(parts):
        remedy = 'Write it as "/etc/hosts:/etc/hosts", with ":ro" to protect it.'
        yield item.offset, "error", f'the bind "{item.value}" is not SOURCE:TARGET', remedy
        return
    source, modes = parts[0], parts[2].split(",") if len(parts) == 3 else []
    if source.startswith("~"):
        yield (
            item.offset,
            "error",
            f'the bind\'s source "{source}" names a home folder',
            "Write the whole path: ~ is the shell's.",
        )
    elif PLACEHOLDER.match(source):
        yield item.offset, "error", f'the bind\'s source "{source}" was never filled in', "Put the folder's path in its place."
    elif not source.startswith("/") and not _VOLUME.match(source):
        message = f'the bind\'s source "{source}" is neither an absolute path nor a volume'
        yield item.offset, "error", message, "Begin it with /."
    if not parts[1].startswith("/"):
        yield item.offset, "error", f'the bind\'s target "{parts[1]}" is no absolute path', "Begin it with /."
    else:
        yield from _target(parts[1], item.offset, "Binds", targets)
    if not set(modes) <= _MODES:
        yield item.offset, "error", f'the bind\'s option "{parts[2]}" is unknown to Docker', "Use ro or rw."
    elif {"ro", "rw"} <= set(modes) or len(modes) > len(set(modes)):
        yield item.offset, "error", f'the bind\'s option "{parts[2]}" contradicts itself', "Use ro or rw."
    if source in ("/", "/var/run/docker.sock", "/run/docker.sock"):
        yield (
            item.offset,
            "warning",
            f"{source} given to a module gives it the whole device",
            "Leave it out unless that is meant.",
        )


def _mount(mount: Node, targets: dict[str, str]) -> Iterator[Finding]:
    kind, source, target = text_at(mount, "Type"), text_at(mount, "Source"), text_at(mount, "Target")
    if kind is None:
        yield mount.offset, "error", "this mount has no Type", f"It is {', '.join(_TYPES[:3])}."
    elif kind.value not in _TYPES:
        yield kind.offset, "error", f'Docker knows no mount of Type "{kind.value}"', _one_of(_TYPES, kind.value)
    elif kind.value == "bind" and not (source and source.value.startswith("/")):
        yield (source or mount).offset, "error", "a bind mount's Source is an absolute path", "Begin Source with /."
    elif kind.value == "tmpfs" and source:
        yield source.offset, "error", "a tmpfs mount has no Source", "Delete it."
    elif kind.value == "volume" and source is None and _is_whole(mount):
        yield mount.offset, "warning", f"this volume has no Source: {_LOSS}", 'Name one: "Source": "data".'
    elif kind.value == "volume" and source and not _VOLUME.match(source.value) and not mount.get("VolumeOptions", "DriverConfig"):
        folder = source.value.startswith("/")
        remedy = 'Write "Type": "bind" for a folder of the device.' if folder else "Two letters or digits at least."
        yield source.offset, "error", f'"{source.value}" is no name of a volume', remedy
    path = target or text_at(mount, "Destination")  # as docker inspect has it, which is said of the key
    if path is None or not path.value.startswith("/"):
        yield (path or mount).offset, "error", "a mount's Target is an absolute path", "Begin Target with /."
    else:
        yield from _target(path.value, path.offset, "another mount", targets)
    way = text_at(mount, "BindOptions", "Propagation")
    if way and way.value not in _PROPAGATIONS:
        yield way.offset, "error", f'Docker knows no Propagation "{way.value}"', _one_of(_PROPAGATIONS, way.value)
    for options, of_type in (("BindOptions", "bind"), ("VolumeOptions", "volume"), ("TmpfsOptions", "tmpfs")):
        node = mount.get(options)
        if node and node.kind == "object" and kind and kind.value in _TYPES[:3] and kind.value != of_type:
            yield node.offset, "error", f"a mount of Type {kind.value} has no {options}", f"Delete it, or use Type {of_type}."


def _is_whole(mount: Node) -> bool:
    """Return whether Docker knows every key of a mount: none of them is a misspelt Source."""
    return {member.key.lower() for member in mount.members()} <= set(map(str.lower, SCHEMA["Mount"]))


def _volume(path: str, offset: int, targets: dict[str, str]) -> Iterator[Finding]:
    """Yield an entry of Volumes: Docker makes an unnamed volume there, unless something is mounted there already."""
    if ":" in path:
        yield (
            offset,
            "error",
            f'Volumes take paths of the module, "{path}" is SOURCE:TARGET',
            'Write it in HostConfig: "Binds": […].',
        )
    elif not path.startswith("/"):
        yield offset, "error", f'"{path}" is no absolute path of the module', "Begin it with /."
    elif posixpath.normpath(path) not in targets:
        remedy = f'Name one in HostConfig: "Binds": ["data:{path}"].'
        yield offset, "warning", f'the volume "{path}" has no name: {_LOSS}', remedy


def _one_of(words: tuple[str, ...], value: str) -> str:
    close = difflib.get_close_matches(value.lower(), words, 1, 0.6)
    return f"Did you mean {close[0]}?" if close else f"It is {', '.join(words)}."
