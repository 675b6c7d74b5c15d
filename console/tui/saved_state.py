"""Where one was in each context, so that a lost line costs nothing: kept in ``state_folder()/place.json`` while one works."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any

from services.contexts.paths import state_folder
from services.files import private_folder, write
from services.json_reader import read_json

_keeping = threading.Lock()


@dataclass(frozen=True)
class LeftWatch:
    """A rollout that was being watched."""

    device: str
    module: str
    title: str
    client: bool
    started: str  # ISO 8601, UTC

    @property
    def since(self) -> datetime:
        """When it began."""
        moment = datetime.fromisoformat(self.started)
        return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Place:
    """Pane (from 1), device, models instead of images, each pane's filter, and a rollout that still ran."""

    pane: int = 1
    device: str = ""
    models: bool = False
    filters: dict[str, str] = field(default_factory=dict)
    watch: LeftWatch | None = None


def load_place(context: str) -> Place:
    """Return where one was in ``context``; the beginning where that is not known or cannot be read."""
    raw = _read().get(context)
    if not isinstance(raw, dict):
        return Place()
    try:
        watch = LeftWatch(**raw["watch"]) if raw.get("watch") else None
        if watch is not None:
            _ = watch.since
        filters = {str(name): str(text) for name, text in raw.get("filters", {}).items()}
        pane = int(raw.get("pane", 1))
        return Place(pane if 1 <= pane <= 4 else 1, str(raw.get("device", "")), bool(raw.get("models")), filters, watch)
    except (TypeError, ValueError, AttributeError, KeyError):
        return Place()  # another version's, or damaged: one starts at the beginning


def keep(context: str, place: Place) -> None:
    """Keep ``place``; raises FileError."""
    with _keeping:
        places = _read()
        places.pop(context, None)  # the newest stands last
        write(private_folder(state_folder()) / "place.json", json.dumps({**places, context: asdict(place)}))


def recent_contexts() -> list[str]:
    """Return the names of the contexts in which one was, the latest first."""
    return list(_read())[::-1]


def _read() -> dict[str, Any]:
    try:
        places = read_json((state_folder() / "place.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return places if isinstance(places, dict) else {}
