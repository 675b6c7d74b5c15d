"""Drafts of create options: what is typed for a module stays until it is deployed or dropped.

On disk without its secrets (services.deployment.drafts); whole, with them, while the console runs.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.deployment import drafts
from services.deployment.manifest.diff import diff
from services.deployment.manifest.restoring import Path
from services.errors import OperatorError
from services.json_reader import JsonError, read_json
from services.masking import mask
from services.records import DiffLine, Draft, DraftKey, DraftStatus
from services.text import one_line
from services.times import now

_NO_JSON = "no JSON yet, so a secret in it could not be masked"
_Version = tuple[str, str]  # writer and time of a draft on disk


@dataclass(frozen=True, slots=True)
class OpenDraft:
    """What the editor begins with. ``missing`` are the places of secrets that the draft had and that are to be had from nowhere."""

    text: str = field(repr=False)
    status: DraftStatus
    missing: tuple[Path, ...] = ()


@dataclass(slots=True)
class _Entry:
    """A module's text as this console has it; ``version`` is the one on disk that it was written as or read from."""

    text: str = ""
    version: _Version | None = None
    begun: str = ""  # the fingerprint of what was deployed then
    status: DraftStatus = field(default_factory=DraftStatus)


class Drafts:
    """The drafts that this console works on. Calls block, and may come from several threads."""

    def __init__(self) -> None:
        self._writer = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._entries: dict[DraftKey, _Entry] = {}
        self._noting = threading.Lock()  # never held while a disk is waited for
        self._notes: dict[DraftKey, tuple[str, str | None, str]] = {}

    def open(self, key: DraftKey, deployed: str | None, offer: str, answers: Mapping[Path, str] | None = None) -> OpenDraft:
        """Return a module's draft, else ``offer``. ``deployed`` is None where it is not known; ``answers`` are missing secrets."""
        with self._lock:
            entry, remark = self._entries.get(key), ""
            try:
                stored = drafts.load(key)
            except OperatorError as error:
                stored, remark = None, f"{error.what} {error.cause} {error.remedy}"
            ours = stored is None or (entry is not None and _version(stored) == entry.version)
            if entry is not None and entry.status.changed and ours and not answers:
                if stored is None and entry.version is not None:
                    remark = remark or "its draft on disk was dropped meanwhile; this is what is still here"
                text, missing = drafts.filled(entry.text, deployed or "")
            elif stored is not None:
                if entry is not None and entry.status.changed and not ours:
                    remark = f"another console changed this draft at {stored.saved_at.astimezone():%H:%M}; this is that one"
                text, missing = drafts.filled(stored.text, deployed or "", answers)
                entry = _Entry(version=_version(stored), begun=stored.deployed)
            else:
                text, missing, entry = offer, (), _Entry(begun=_fingerprint(deployed))
            self._entries[key] = entry
            entry.text = text
            status = self._stored(key, entry, text, deployed, offer) if not missing else _unfilled(entry, deployed, stored)
            entry.status = replace(status, remark="")
            return OpenDraft(text, replace(status, remark=remark or status.remark), missing)

    def note(self, key: DraftKey, text: str, deployed: str | None, offer: str) -> None:
        """Note a text that was typed, for ``keep``; returns at once."""
        with self._noting:
            self._notes[key] = text, deployed, offer

    def keep(self) -> dict[DraftKey, DraftStatus]:
        """Keep what was noted, and return how each stands; what is deployed, or what was offered, is no draft and is dropped."""
        statuses = {}
        with self._lock:
            with self._noting:
                notes, self._notes = self._notes, {}
            for key, (text, deployed, offer) in notes.items():
                entry = self._entries.setdefault(key, _Entry(begun=_fingerprint(deployed)))
                entry.text = text
                statuses[key] = self._stored(key, entry, text, deployed, offer)
                entry.status = replace(statuses[key], remark="")
        return statuses

    def drop(self, key: DraftKey) -> None:
        """Drop a module's draft. Raises FileError where its file cannot be removed."""
        with self._lock:
            with self._noting:
                self._notes.pop(key, None)
            self._entries.pop(key, None)
            drafts.drop(key)

    def at_risk(self) -> list[str]:
        """Return a sentence for each draft of which something would be lost with this console."""
        with self._lock:
            return [
                f"{key.module} on {key.device}: {why}." for key, entry in self._entries.items() if (why := _loss(entry.status))
            ]

    def _stored(self, key: DraftKey, entry: _Entry, text: str, deployed: str | None, offer: str) -> DraftStatus:
        """Bring the disk to where the text is, and return how it stands."""
        if drafts.same(text, deployed if deployed is not None else offer) or drafts.same(text, offer):
            return self._unchanged(key, entry, deployed)
        status = DraftStatus(changed=True, moved=_moved(entry, deployed), saved_at=entry.status.saved_at)
        safe = drafts.masked(text)
        if safe is None:
            return replace(status, unkept=_NO_JSON)
        try:
            before = drafts.load(key)
        except OperatorError as error:
            if error.code != "draft.damaged":
                return replace(status, unkept=str(error))
            before = None
        _, missing = drafts.filled(safe, deployed or "")
        _, masks = drafts.filled(text, deployed or "")  # nobody filled them in: nothing is lost with them
        status = replace(status, secrets=tuple(place_name(place) for place in missing if place not in masks))
        if before is not None and _version(before) == entry.version and before.text == safe:
            return replace(status, saved_at=before.saved_at)
        remark = ""
        if before is not None and _version(before) != entry.version:
            remark = f"another console changed this draft at {before.saved_at.astimezone():%H:%M}; yours has taken its place"
        draft = Draft(key, safe, entry.begun, now(), self._writer)
        try:
            drafts.store(draft)
        except OperatorError as error:
            return replace(status, unkept=f"{error.what} {error.cause}")
        entry.version = _version(draft)
        return replace(status, saved_at=draft.saved_at, remark=remark)

    def _unchanged(self, key: DraftKey, entry: _Entry, deployed: str | None) -> DraftStatus:
        """Drop the draft that this text was; one that another console wrote since stays."""
        entry.begun = _fingerprint(deployed)
        if entry.version is None:
            return DraftStatus()
        try:
            before = drafts.load(key)
            if before is not None and _version(before) == entry.version:
                drafts.drop(key)
        except OperatorError as error:
            return DraftStatus(remark=f"{error.what} {error.cause}")
        entry.version = None
        return DraftStatus()


def difference(deployed: str, text: str) -> tuple[DiffLine, ...]:
    """Return the difference between what is deployed and a draft, without secrets. Raises OperatorError for a text that is no JSON."""
    try:
        return diff(read_json(deployed or "{}"), read_json(text or "{}"))
    except JsonError as error:
        raise OperatorError(
            "There is no difference of what is no JSON.", cause=str(error), remedy="Mend the text first.", code="options.json"
        ) from error


def drafts_on(hub: str, device: str) -> list[Draft]:
    """Return the drafts for modules of a device, the newest first; those that cannot be read are left out."""
    stored, _ = list_drafts()
    here = [draft for draft in stored if (draft.key.hub.lower(), draft.key.device) == (hub.lower(), device)]
    return sorted(here, key=lambda draft: draft.saved_at, reverse=True)


def list_drafts() -> tuple[list[Draft], list[OperatorError]]:
    """Return the drafts of all hubs, and what is wrong with those that cannot be read."""
    stored, errors = [], []
    for path in drafts.draft_files():
        try:
            draft = drafts.load_file(path)
        except OperatorError as error:
            errors.append(error)
        else:
            stored += [draft] if draft is not None else []
    return stored, errors


def find_draft(key: DraftKey) -> Draft:
    """Return a module's draft. Raises OperatorError where there is none, or it cannot be read."""
    draft = drafts.load(key)
    if draft is None:
        raise _none(key)
    return draft


def drop_draft(key: DraftKey) -> None:
    """Remove a module's draft, damaged or not. Raises OperatorError where there is none."""
    if not drafts.draft_file(key).exists():
        raise _none(key)
    drafts.drop(key)


def place_name(place: Path) -> str:
    """Return the place of a secret as it is shown: ``Env.PASSWORD``."""
    return one_line(mask(".".join(place).rstrip("=")), 80)


def _none(key: DraftKey) -> OperatorError:
    return OperatorError(
        f"There is no draft for {key.module} on {key.device}.",
        cause="What was deployed, or equals what is deployed, is no draft any more.",
        remedy="See which there are: dbe-console options draft list",
        code="draft.unknown",
    )


def _fingerprint(deployed: str | None) -> str:
    return "" if deployed is None else drafts.fingerprint(deployed)


def _moved(entry: _Entry, deployed: str | None) -> bool:
    return bool(entry.begun) and deployed is not None and drafts.fingerprint(deployed) != entry.begun


def _unfilled(entry: _Entry, deployed: str | None, stored: Draft | None) -> DraftStatus:
    """Return how a draft stands whose masks nobody filled in: it stays on disk as it is."""
    return DraftStatus(changed=True, moved=_moved(entry, deployed), saved_at=stored.saved_at if stored else None)


def _loss(status: DraftStatus) -> str:
    if status.unkept:
        kept = f" (on disk is that of {status.saved_at.astimezone():%H:%M})" if status.saved_at else ""
        return f"the text as it stands would be lost{kept}: {status.unkept.rstrip('.')}"
    if status.secrets:
        return f"{', '.join(status.secrets)} would be lost, and be asked for again: secrets do not go to disk"
    return ""


def _version(draft: Draft) -> _Version:
    return draft.writer, draft.saved_at.isoformat()
