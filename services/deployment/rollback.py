"""Back to what a device had before, or after, an entry of the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from services.deployment.manifest.changes import ReplaceContent
from services.deployment.manifest.content import DESIRED, credentials_of
from services.deployment.manifest.masking import Path, restored
from services.deployment.plan import Plan
from services.deployment.routes.hub import export, plan_changes
from services.errors import OperatorError
from services.hub.client import AGENT, Hub
from services.hub.field_readers import mapping
from services.records import HistoryEntry, RegistryCredentials
from services.text import counted


@dataclass(frozen=True, slots=True)
class Rollback:
    """A manifest of the history with its secrets put back; ``missing`` are the places whose secret has to be asked for."""

    entry: HistoryEntry
    point: Literal["before", "after"]
    content: Mapping[str, Any] = field(repr=False)
    missing: tuple[Path, ...] = ()

    def questions(self) -> tuple[str, ...]:
        """Return the missing secrets in words, in the order of ``missing``."""
        return tuple(_words(path) for path in self.missing)


def prepare(
    hub: Hub,
    entry: HistoryEntry,
    point: Literal["before", "after"] = "before",
    answers: Mapping[Path, str] | None = None,
    registry: Callable[[], RegistryCredentials | None] = lambda: None,
) -> Rollback:
    """Return the manifest to go back to.

    Secrets come from the device's twins as they are now, else from ``registry`` (the workspace's own credentials) or
    ``answers``. Module twins' reads are metered. Raises OperatorError for an entry of another hub: a device of the same name is
    another device there.
    """
    _check_hub(hub, entry)
    stored = entry.before if point == "before" else entry.after
    if not mapping(stored.get("modulesContent")) or entry.route == "method":
        raise OperatorError(
            f"The history's entry {entry.id} ({entry.summary}) keeps no manifest to go back to.",
            cause="It changed nothing in the device's deployment.",
            remedy="Choose another: dbe-console history.",
            code="rollback.nothing",
        )
    now = export(hub, entry.device)
    content, missing = restored(stored, now, answers or {})
    if missing:  # the workspace is asked only where the device does not have the password any more
        content, missing = restored(stored, now, {**_registry_passwords(stored, registry()), **(answers or {})})
    return Rollback(entry, point, content, tuple(missing))


def plan_rollback(hub: Hub, rollback: Rollback) -> Plan:
    """Return the plan that goes back, with the same diff and checks as every other; raises where a secret is missing."""
    _check_hub(hub, rollback.entry)
    if rollback.missing:
        raise OperatorError(
            f"{counted(len(rollback.missing), 'secret')} missing: {', '.join(rollback.questions())}.",
            cause="The history keeps no secrets, and the device does not have these any more.",
            remedy="Give them when asked.",
            code="rollback.secrets",
        )
    why = f"roll back to {rollback.point} entry {rollback.entry.id}"
    return plan_changes(hub, rollback.entry.device, [ReplaceContent(rollback.content, why)])


def _check_hub(hub: Hub, entry: HistoryEntry) -> None:
    if entry.host.lower() != hub.host.lower():
        raise OperatorError(
            f"The entry {entry.id} is of another hub, {entry.host or 'which it does not name'}.",
            cause=f"This is {hub.host}; a device {entry.device} of it, where there is one, is not the same device.",
            remedy="Choose the context of that hub.",
            code="rollback.hub",
        )


def _registry_passwords(stored: Mapping[str, Any], registry: RegistryCredentials | None) -> dict[Path, str]:
    if registry is None:
        return {}
    entries = credentials_of(stored)
    place = ("modulesContent", AGENT, DESIRED, "runtime", "settings", "registryCredentials")
    return {
        (*place, name, "password"): registry.password.reveal()
        for name, entry in entries.items()
        if str(mapping(entry).get("address")).lower() == registry.server.lower()
        and mapping(entry).get("username") == registry.username
    }


def _words(path: Path) -> str:
    short = [part for part in path if part not in ("modulesContent", AGENT, DESIRED, "settings", "value", "runtime", "modules")]
    return " ".join(short)
