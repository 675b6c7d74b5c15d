"""The filtered set into a file: NDJSON or CSV, complete or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from services.contexts.paths import saved_folder
from services.errors import OperatorError
from services.files import private_folder, write, writing
from services.messages.filters import Filter
from services.messages.journal.window import Window
from services.records import InferenceMessage
from services.text import json_text

COLUMNS = (
    "enqueued", "device", "module", "kind", "picture", "class", "confidence", "milliseconds", "text", "partition",
    "sequence_number", "offset", "body_size", "body", "properties", "system_properties", "marked", "missing_before",
    "hub_remade_before",
)  # fmt: skip
# What makes a formula of a cell's text, also as full-width and small forms, which spreadsheets in East Asian languages take alike.
_FORMULA = tuple("=+-@＝＋－＠﹦﹢﹣﹫\t\n\r")


def as_dict(message: InferenceMessage) -> dict[str, Any]:
    """Return a message for NDJSON: stable names, times in ISO 8601 and UTC."""
    return {
        "enqueued": message.enqueued.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "device": message.device,
        "module": message.module,
        "kind": message.kind,
        "picture": message.picture,
        "class": message.label,
        "confidence": message.confidence,
        "milliseconds": message.milliseconds,
        "text": message.text,
        "partition": message.partition,
        "sequence_number": message.sequence_number,
        "offset": message.offset,
        "body_size": message.body_size,
        "body": message.body,
        "properties": dict(message.properties),
        "system_properties": dict(message.system_properties),
        "marked": message.marked,
        "missing_before": message.missing,
        "hub_remade_before": message.hub_remade,
    }


def export_path(kind: str, folder: Path | None = None) -> Path:
    """Return a new file's path among the saved exports; ``kind`` is ndjson or csv. The folder is made when it is written."""
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return (folder or _exports()) / f"messages-{stamp}.{kind}"


def new_export(path: str) -> Path:
    """Return the file that was typed; nothing that is there is written over. Raises OperatorError."""
    target = Path(path).expanduser().absolute()
    if target.exists():
        raise OperatorError(f"{target} is there already.", remedy="Choose another name.", code="export.exists")
    return target


def export(
    journal: Path,
    where: Filter,
    path: Path,
    progress: Callable[[int], None] = lambda count: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> int:
    """Write every message that passes, oldest first, to ``path`` (``.csv``, else NDJSON), mode 0600; gives how many.

    It appears under its name when it is whole. ``progress`` hears the count now and then. Raises OperatorError.
    """
    _make_folder(path)
    window = Window(journal)
    try:
        with writing(path, replace=True) as file:
            text = io.TextIOWrapper(file, "utf-8", "backslashreplace", newline="")
            rows = _watched(window.rows(where), progress, cancelled)
            count = _csv(text, rows) if path.suffix.lower() == ".csv" else _ndjson(text, rows)
            text.detach()  # writes what it holds
    finally:
        window.close()
    return count


def save_body(body: bytes, path: Path) -> None:
    """Write one body as it came, mode 0600. Raises OperatorError."""
    _make_folder(path)
    write(path, body)


def _exports() -> Path:
    return saved_folder("exports")


def _make_folder(path: Path) -> None:
    """Make the folder of exports where ``path`` lies in it; a folder that the operator names is there, or its name is mistyped."""
    if path.parent == _exports():
        private_folder(path.parent)


def _watched(
    rows: Iterator[InferenceMessage], progress: Callable[[int], None], cancelled: Callable[[], bool]
) -> Iterator[InferenceMessage]:
    for number, message in enumerate(rows):
        if number % 2_000 == 1_999:
            progress(number + 1)
            if cancelled():
                raise OperatorError("The export was cancelled.", remedy="Nothing was written.", code="export.cancelled")
        yield message


def _ndjson(file: Any, rows: Iterable[InferenceMessage]) -> int:
    count = 0
    for message in rows:
        file.write(json_text(as_dict(message)) + "\n")
        count += 1
    return count


def _csv(file: Any, rows: Iterable[InferenceMessage]) -> int:
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for message in rows:
        record = as_dict(message)
        writer.writerow([_cell(record[name]) for name in COLUMNS])
        count += 1
    return count


def _cell(value: Any) -> Any:
    """Guard a cell: spreadsheets take a text that begins like a formula for one, behind blanks, too."""
    if isinstance(value, dict):
        return json_text(value) if value else ""
    formula = isinstance(value, str) and (value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA))
    return f"'{value}" if formula else value
