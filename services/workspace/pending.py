"""Conversions and image builds that were begun and not seen to end, kept so that a console opened later takes them up again."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import asdict
from pathlib import Path

from services.contexts.paths import state_folder
from services.files import FileError, private_folder, write
from services.json_reader import read_json
from services.records import PendingOperation

_lock = threading.Lock()


class PendingOperations:
    """The ones of one workspace, in ``state_folder()/workspace-operations.json``."""

    def __init__(self, workspace: str, path: Path | None = None) -> None:
        self._workspace = workspace
        self._path = path or state_folder() / "workspace-operations.json"

    def all(self) -> list[PendingOperation]:
        """Return what is pending in this workspace."""
        return [item for item in self._load() if item.workspace == self._workspace]

    def find(self, kind: str, subject: str) -> PendingOperation | None:
        """Return the pending one of that kind and subject."""
        return next((item for item in self.all() if item.kind == kind and item.subject == subject), None)

    def keep(self, item: PendingOperation) -> None:
        """Remember ``item`` in place of an older one of its kind and subject. Raises FileError."""
        with _lock:
            self._save([*self._without(item), item])

    def done(self, item: PendingOperation) -> None:
        """Forget ``item``; where the disk takes nothing it is found ended when it is taken up again."""
        with _lock, contextlib.suppress(FileError):
            self._save(self._without(item))

    def _without(self, item: PendingOperation) -> list[PendingOperation]:
        key = (item.kind, item.workspace, item.subject)
        return [other for other in self._load() if (other.kind, other.workspace, other.subject) != key]

    def _load(self) -> list[PendingOperation]:
        try:
            return [PendingOperation(**item) for item in read_json(self._path.read_bytes())]
        except (OSError, ValueError, TypeError):
            return []  # it only saves asking twice; a broken one is written anew

    def _save(self, items: list[PendingOperation]) -> None:
        private_folder(self._path.parent)
        write(self._path, json.dumps([asdict(item) for item in items]))
