"""What can be changed in a device's deployment, one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.records import RegistryCredentials


@dataclass(frozen=True, slots=True)
class SetModule:
    """Add a module, or change one: what is None stays as it is.

    ``create_options`` is JSON text; a None value in ``env`` removes the variable.
    """

    name: str
    image: str | None = None
    create_options: str | None = None
    status: str | None = None
    restart_policy: str | None = None
    env: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    pull_policy: str | None = None
    startup_order: int | None = None
    version: str | None = None
    desired: Mapping[str, Any] | None = field(default=None, repr=False)  # the module twin's desired properties


@dataclass(frozen=True, slots=True)
class RemoveModule:
    """Take a module off the device."""

    name: str


@dataclass(frozen=True, slots=True)
class SetRegistry:
    """Give the device credentials for a registry; an entry of the same address is replaced."""

    credentials: RegistryCredentials


@dataclass(frozen=True, slots=True)
class SetRoute:
    """Add or change a route of $edgeHub: ``FROM /messages/* INTO $upstream``."""

    name: str
    route: str


@dataclass(frozen=True, slots=True)
class SendUpstream:
    """See to it that what a module sends reaches the hub: adds a route for it where none carries its messages yet."""

    module: str


@dataclass(frozen=True, slots=True)
class RemoveRoute:
    """Remove a route of $edgeHub."""

    name: str


@dataclass(frozen=True, slots=True)
class MergeContent:
    """Add everything of another manifest; what has the same name is replaced, everything else stays."""

    content: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReplaceContent:
    """Replace the whole deployment: modules that the manifest does not name are removed from the device.

    ``why`` is for the history.
    """

    content: Mapping[str, Any] = field(repr=False)
    why: str = "replace the whole deployment"


Change = SetModule | RemoveModule | SetRegistry | SetRoute | SendUpstream | RemoveRoute | MergeContent | ReplaceContent


def describe(change: Change) -> str:
    """Return a few words, without secrets, for history and confirmation."""
    if isinstance(change, SetModule):
        if change.image:
            return f"deploy {change.name} from {change.image}"
        if change.status and not (change.create_options or change.env):
            return {"stopped": f"stop {change.name}", "running": f"start {change.name}"}.get(change.status, f"set {change.name}")
        return f"change {change.name}"
    if isinstance(change, RemoveModule):
        return f"remove {change.name}"
    if isinstance(change, SetRegistry):
        return f"credentials for {change.credentials.server}"
    if isinstance(change, SetRoute):
        return f"route {change.name}"
    if isinstance(change, SendUpstream):
        return f"messages of {change.module} to the hub"
    if isinstance(change, RemoveRoute):
        return f"remove route {change.name}"
    return change.why if isinstance(change, ReplaceContent) else "merge a manifest"
