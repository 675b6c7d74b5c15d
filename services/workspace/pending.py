"""Conversions and image builds that were begun and not seen to end, kept so that a console opened later takes them up again."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from services.contexts.paths import state_folder
from services.files import FileError, private_folder, write
from services.json_reader import read_json

_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Pending:
    """``subject`` is the model converted, or the image's name and models; ``asset_id`` what comes of it, where known already;
    ``unwanted``: that is to be deleted once it is there."""

    kind: Literal["conversion", "image"]
    workspace: str  # subscription/group/name
    subject: str
    operation_id: str
    asset_id: str = ""
    unwanted: bool = False


class PendingOperations:
    """The ones of one workspace, in ``state_folder()/workspace-operations.json``."""

    def __init__(self, workspace: str, path: Path | None = None) -> None:
        self._workspace = workspace
        self._path = path or state_folder() / "workspace-operations.json"

    def all(self) -> list[Pending]:
        """What is pending in this workspace."""
        return [item for item in self._load() if item.workspace == self._workspace]

    def find(self, kind: str, subject: str) -> Pending | None:
        """The pending one of that kind and subject."""
        return next((item for item in self.all() if item.kind == kind and item.subject == subject), None)

    def keep(self, item: Pending) -> None:
        """Remember ``item`` in place of an older one of its kind and subject. Raises FileError."""
        with _lock:
            self._save([*self._without(item), item])

    def done(self, item: Pending) -> None:
        """Forget ``item``; where the disk takes nothing it is found ended when it is taken up again."""
        with _lock, contextlib.suppress(FileError):
            self._save(self._without(item))

    def _without(self, item: Pending) -> list[Pending]:
        key = (item.kind, item.workspace, item.subject)
        return [other for other in self._load() if (other.kind, other.workspace, other.subject) != key]

    def _load(self) -> list[Pending]:
        try:
            return [Pending(**item) for item in read_json(self._path.read_bytes())]
        except (OSError, ValueError, TypeError):
            return []  # it only saves asking twice; a broken one is written anew

    def _save(self, items: list[Pending]) -> None:
        private_folder(self._path.parent)
        write(self._path, json.dumps([asdict(item) for item in items]))
