"""Drafts on disk: ``state_folder()/drafts``, a file each, mode 0600, without the secrets of the create options.

A draft is kept whole or not at all: what is no JSON cannot be masked, and so it does not go to disk.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from services.contexts.paths import state_folder
from services.deployment.manifest.mask_key import hide_with_digest
from services.deployment.manifest.restoring import Path as Place
from services.deployment.manifest.restoring import Restoring
from services.errors import OperatorError
from services.files import check_owner, file_name, private_folder, remove, write
from services.json_reader import JsonError, read_json
from services.masking import MASK, Masking
from services.records import Draft, DraftKey
from services.text import one_line

_VERSION = 1
_AT_MOST = 256 * 1024  # characters of create options; a hub's twin has room for 32 KB


def draft_file(key: DraftKey) -> Path:
    """Return the file of a module's draft."""
    return state_folder() / "drafts" / f"{file_name(' '.join((key.hub.lower(), key.device, key.module)))}.json"


def draft_files() -> list[Path]:
    """Return the files of all drafts there are."""
    folder = state_folder() / "drafts"
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def load(key: DraftKey) -> Draft | None:
    """Return a module's draft, None where there is none. Raises OperatorError for one that cannot be read."""
    draft = load_file(draft_file(key))
    return draft if draft is None or _same_place(draft.key, key) else None


def load_file(path: Path) -> Draft | None:
    """Return the draft in a file, None where there is none. Raises OperatorError: damaged, newer, or somebody else's."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise _damaged(path, "It is no plain file.")
        check_owner(path, "the draft")
        entry = read_json(path.read_bytes(), max_bytes=4 * _AT_MOST)
    except FileNotFoundError:
        return None
    except (OSError, JsonError) as error:
        raise _damaged(path, one_line(getattr(error, "strerror", "") or error, 200)) from error
    if isinstance(entry, dict) and isinstance(entry.get("version"), int) and entry["version"] > _VERSION:
        raise OperatorError(
            f"The draft {path.name} is of a newer dbe-console.",
            cause=f"It has version {entry['version']}; this one reads version {_VERSION}.",
            remedy=f"Open it with that one, or remove it: {path}",
            code="draft.newer",
        )
    try:
        texts = [entry[name] for name in ("hub", "device", "module", "text", "deployed", "saved_at", "writer")]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError
        hub, device, module, text, deployed, saved_at, writer = texts
        moment = datetime.fromisoformat(saved_at)
    except (TypeError, KeyError, ValueError):
        raise _damaged(path, "What a draft consists of is not all there.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return Draft(DraftKey(hub, device, module), text, deployed, moment, writer)


def store(draft: Draft) -> None:
    """Write a draft, whose text is ``masked`` already. Raises FileError."""
    path = draft_file(draft.key)
    private_folder(path.parent)
    entry = {
        "version": _VERSION,
        **draft.key._asdict(),
        "text": draft.text,
        "deployed": draft.deployed,
        "saved_at": draft.saved_at.isoformat(),
        "writer": draft.writer,
    }
    write(path, json.dumps(entry, ensure_ascii=False), durable=False)


def drop(key: DraftKey) -> None:
    """Remove a module's draft, if there is one. Raises FileError."""
    remove(draft_file(key))


def fingerprint(options: str) -> str:
    """Return a digest that is another for other create options: of them masked, so that no secret can be guessed from it."""
    value = _value(options)
    meaning = options if value is None else json.dumps(Masking(hide_with_digest()).tree(value), sort_keys=True)
    if value is None and options.strip():
        meaning = hide_with_digest()(options)
    return hashlib.sha256(meaning.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def same(one: str, other: str) -> bool:
    """Return whether two texts are the same create options, however they are written; nothing is ``{}``."""
    first, second = _value(one), _value(other)
    if first is None or second is None:
        return one.strip() == other.strip()
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


def masked(text: str) -> str | None:
    """Return create options as they may be kept: to the letter where they hold no secret. None where they are no JSON object."""
    value = _value(text)
    if value is None or len(text) > _AT_MOST:
        return None
    safe = Masking(hide_with_digest()).tree(value)
    return text if safe == value else json.dumps(safe, indent=2, ensure_ascii=False)


def filled(text: str, deployed: str, answers: Mapping[Place, str] | None = None) -> tuple[str, tuple[Place, ...]]:
    """Return ``masked`` create options with the secrets that the deployed ones have, and the places of those still missing."""
    value = _value(text) if MASK in text else None
    if value is None:
        return text, ()
    restoring = Restoring(_value(deployed) or {}, hide_with_digest(), answers or {})
    whole = restoring.filled(value)
    return json.dumps(whole, indent=2, ensure_ascii=False), tuple(restoring.missing)


def _value(text: str) -> dict[str, Any] | None:
    """Return the object of a JSON text; None where it is none, or where a key is twice: the first would escape the mask."""
    if not text.strip():
        return {}
    try:
        read_json(text)  # its limits
        value = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError
    return fields


def _same_place(one: DraftKey, other: DraftKey) -> bool:
    return (one.hub.lower(), *one[1:]) == (other.hub.lower(), *other[1:])


def _damaged(path: Path, cause: str) -> OperatorError:
    return OperatorError(
        f"The draft {path.name} cannot be read.",
        cause=cause,
        remedy=f"Nothing of it can be used; remove it: {path}",
        code="draft.damaged",
    )
