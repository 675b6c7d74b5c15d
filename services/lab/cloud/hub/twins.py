"""Twins: documents with versions, metadata, etags and the hub's limits.

Limits (docs/facts/iot-hub.md): desired and reported 32 KB each, tags 8 KB, strings 4 KB, depth 10, keys without ``.``, ``$``, space.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.lab.clock import Clock
from services.lab.cloud.hub.errors import HubError, section

SECTION_BYTES = 32 * 1024
STRING_BYTES = 4096
DEPTH = 10  # of objects below the section itself
INTEGERS = range(-(2**52), 2**52)

Json = dict[str, Any]
# What the hub itself writes into a section, and reads over when a twin comes back as it went.
_OWN = ("$metadata", "$version")


def etag_of(version: int) -> str:
    """Return the etag that Azure makes of a version: base64 of eight bytes."""
    return base64.b64encode(version.to_bytes(8, "big")).decode()


def size_of(value: Any) -> int:
    """Return the bytes as the hub counts them: UTF-8 of keys and strings, 8 a number, 4 a boolean."""
    if isinstance(value, Mapping):
        return sum(len(str(key).encode()) + size_of(inner) for key, inner in value.items() if not str(key).startswith("$"))
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bool):
        return 4
    if isinstance(value, (int, float)):
        return 8
    if isinstance(value, list):
        return sum(size_of(inner) for inner in value)
    return 0


def check(value: Any, depth: int = 1, key: str = "") -> None:
    """Refuse keys, strings and depths that a hub refuses."""
    if isinstance(value, Mapping):
        if depth > DEPTH + 1:
            raise HubError(400004, f"The depth of the properties should not exceed {DEPTH}.")
        for name, inner in value.items():
            if not name or len(name.encode()) > 1024 or any(letter in ". $" or ord(letter) < 32 for letter in name):
                raise HubError(400004, f"Property or Tag name '{name}' contains invalid characters.")
            check(inner, depth + 1, name)
    elif isinstance(value, str) and len(value.encode()) > STRING_BYTES:
        raise HubError(400004, f"Property or Tag value should be maximum {STRING_BYTES} bytes. Error in Property/Tag {key}")
    elif isinstance(value, int) and value not in INTEGERS:
        raise HubError(400004, f"The value of '{key}' must be from {INTEGERS.start} to {INTEGERS.stop - 1}.")
    elif isinstance(value, list):
        for inner in value:
            check(inner, depth + 1, key)


def merge(target: Json, patch: Mapping[str, Any]) -> None:
    """Merge in place: null deletes, objects merge, anything else replaces."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, Mapping):
            inner = target.get(key)
            if not isinstance(inner, dict):
                inner = target[key] = {}
            merge(inner, value)
        else:
            target[key] = copy.deepcopy(value)


def kept_of(content: Mapping[str, Any]) -> Json:
    """Return what a twin keeps of a whole section: no ``$metadata`` or ``$version``, nothing that is null."""
    content_only: Json = {}
    merge(content_only, {key: value for key, value in content.items() if key not in _OWN})
    return content_only


@dataclass
class Section:
    """Desired or reported properties: content, version and ``$metadata``."""

    name: str  # Desired or Reported
    clock: Clock
    content: Json = field(default_factory=dict)
    version: int = 1
    metadata: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.metadata.setdefault("$lastUpdated", self.clock.text())
        if self.name == "Desired":
            self.metadata.setdefault("$lastUpdatedVersion", self.version)

    def _apply(self, content: Json, patch: Mapping[str, Any], replace: bool) -> None:
        check(patch)
        if size_of(content) > SECTION_BYTES:
            raise HubError(403100, f"'Properties.{self.name}' size should be less than {SECTION_BYTES} bytes.")
        self.content = content
        self.version += 1
        if replace:
            self.metadata = {}
        self._stamp(self.metadata, patch)

    def _stamp(self, metadata: Json, patch: Mapping[str, Any]) -> None:
        metadata["$lastUpdated"] = self.clock.text()
        if self.name == "Desired":
            metadata["$lastUpdatedVersion"] = self.version
        for key, value in patch.items():
            if value is None:
                metadata.pop(key, None)
                continue
            inner = metadata.setdefault(key, {})
            self._stamp(inner, value if isinstance(value, Mapping) else {})

    def patch(self, patch: Mapping[str, Any]) -> None:
        """Merge ``patch``; HubError when a limit is broken (nothing is changed then)."""
        patch = {key: value for key, value in patch.items() if key not in _OWN}
        content = copy.deepcopy(self.content)
        merge(content, patch)
        self._apply(content, patch, replace=False)

    def replace(self, content: Mapping[str, Any]) -> None:
        """Put ``content`` in place of all that was there."""
        content = kept_of(content)
        self._apply(content, content, replace=True)

    def view(self, metadata: bool = True) -> Json:
        """Return the section as the hub gives it: content, ``$metadata`` and ``$version``."""
        view = copy.deepcopy(self.content)
        if metadata:
            view["$metadata"] = copy.deepcopy(self.metadata)
        view["$version"] = self.version
        return view


class Twin:
    """A device's or module's twin."""

    def __init__(self, clock: Clock) -> None:
        self.desired = Section("Desired", clock)
        self.reported = Section("Reported", clock)
        self.tags: Json = {}
        self.version = 2
        self.edits = 1  # what the etag counts: tags and desired, not reported
        self.configurations: dict[str, str] = {}  # deployments at scale: id → Applied | Targeted

    @property
    def etag(self) -> str:
        """Changes with tags and desired properties, not with reports."""
        return etag_of(self.edits)

    def touched(self, edited: bool) -> None:
        """Count a change; ``edited`` when the back end made it."""
        self.version += 1
        self.edits += edited

    def edit(self, body: Mapping[str, Any], replace: bool) -> Json:
        """Carry out a PATCH or PUT of the service on tags and desired properties; return the desired patch to send to the device."""
        properties = section(body, "properties")
        desired = section(properties, "desired") if properties.get("desired") is not None else None
        tags = section(body, "tags") if body.get("tags") is not None else None
        if tags is not None:
            check(tags)
            new_tags = {} if replace else copy.deepcopy(self.tags)
            merge(new_tags, tags)
            if size_of(new_tags) > 8 * 1024:
                raise HubError(403100, "'Tags' size should be less than 8192 bytes.")
        if desired is not None:
            if replace:
                self.desired.replace(desired)
            else:
                self.desired.patch(desired)
        if tags is not None:
            self.tags = new_tags
        self.touched(edited=True)
        return dict(desired or {})
