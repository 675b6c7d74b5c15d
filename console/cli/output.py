"""What a verb is given: its options, the context asked for, and where results and progress go."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.terminal.charset import lacks_unicode
from services.errors import OperatorError
from services.text import json_text
from services.times import age

if TYPE_CHECKING:
    from services.contexts.model import Context
    from services.contexts.sign_in import DeviceCode
    from services.operations.session import Session


_GAP = "  "
_SENTENCE = 12  # cells at least for a column of sentences


class ReaderGone(BrokenPipeError):
    """Who read the output has gone, as ``head`` does when it has seen enough."""


@dataclass(frozen=True)
class Call:
    """One call of a verb. Standard output carries results, standard error progress."""

    options: argparse.Namespace
    device: str = ""  # the one that is meant instead of the context's

    @property
    def as_json(self) -> bool:
        """Whether ``--json`` was given."""
        return bool(getattr(self.options, "json", False))

    def context(self) -> Context:
        """Return the context named by ``--context``, else the current one; raises OperatorError where there is none."""
        from services.contexts.sign_in import show_device_codes
        from services.contexts.store import ContextStore

        show_device_codes(self.show_device_code)
        context = ContextStore().resolve(
            getattr(self.options, "context", None), read_only=getattr(self.options, "read_only", False)
        )
        return replace(context, device=self.device or context.device)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open the services of the verb's context; what they started ends with the block."""
        from services.operations.session import Session

        session = Session(self.context())
        try:
            yield session
        except OperatorError as error:
            named = getattr(self.options, "device", ""), getattr(self.options, "module", "")
            session.add_nearest_names(error, *(name if isinstance(name, str) else "" for name in named))
            raise
        finally:
            session.close()

    def show_device_code(self, code: DeviceCode) -> None:
        """Report where to enter which code, for a sign-in by device code."""
        self.progress(f"To sign in, open {code.uri} and enter {code.code} (until {code.expires:%H:%M} UTC).")

    def progress(self, text: str) -> None:
        """Write a line of progress to standard error."""
        _write(sys.stderr, text)

    def out(self, text: str) -> None:
        """Write a line of result to standard output."""
        _write(sys.stdout, text)

    def out_json(self, value: Any, indent: int | None = None) -> None:
        """Write one JSON object, on one line unless it is indented."""
        self.out(json_line(value, indent))

    def table(self, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows as an aligned table for people, or as one JSON list with ``--json``; ``columns`` are keys of each row and its headings.

        For people a datetime is an age, a truth yes or no, and a list its items or their names; in JSON they are ISO 8601, true
        or false, and arrays. A table is as wide as the terminal (``COLUMNS``, or 80, where there is none): what is too long for its
        column goes on below, at a space where there is one. Nothing is cut.
        """
        rows = list(rows)
        if self.as_json:
            self.out_json([{name: _iso(value) for name, value in row.items()} for row in rows])
            return
        for line in _table_lines(columns, rows, get_terminal_size().columns):
            self.out(line)


def _table_lines(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], width: int) -> Iterator[str]:
    headings = [column.upper().replace("_", " ") for column in columns]
    lines = [[_cell(row.get(column)) for column in columns] for row in rows]
    natural = [max(map(cell_len, cells)) for cells in zip(headings, *lines, strict=True)]
    # Sentences give way first, then the widest of the rest; the names in the first column last.
    sentences = {index for index in range(1, len(columns)) if any(" " in line[index] for line in lines)}
    others = sorted(set(range(1, len(columns))) - sentences, key=lambda index: -natural[index])
    wrapped = set(sentences)
    for index in (*others, 0):
        least = sum(min(size, _SENTENCE) if place in wrapped else size for place, size in enumerate(natural))
        if least + len(_GAP) * (len(columns) - 1) <= width:
            break
        wrapped.add(index)
    table = Table(box=None, pad_edge=False, padding=(0, len(_GAP), 0, 0))
    for index, (column, heading) in enumerate(zip(columns, headings, strict=True)):
        values = [row.get(column) for row in rows]
        numeric = all(isinstance(value, int | float | None) and not isinstance(value, bool) for value in values)
        table.add_column(
            Text(heading), justify="right" if numeric and rows else "left", overflow="fold", no_wrap=index not in wrapped
        )
    for line in lines:
        table.add_row(*map(Text, line))
    text = io.StringIO()
    Console(file=text, width=width, color_system=None, force_terminal=False, legacy_windows=False).print(table)
    return (line.rstrip() for line in text.getvalue().splitlines())


def _iso(value: Any) -> Any:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return age(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(item["name"] if isinstance(item, Mapping) else item) for item in value)
    return "" if value is None else str(value)


def error_lines(error: OperatorError) -> list[str]:
    """Return an error as it is written for people: what, cause, remedy."""
    cause = [f"  cause:  {error.cause}"] if error.cause else []
    return [error.what, *cause, *([f"  remedy: {error.remedy}"] if error.remedy else [])]


def json_line(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON for standard output: in ASCII where that may have no other characters."""
    return json_text(value, indent, lacks_unicode(sys.stdout.encoding))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text + "\n")
        stream.flush()
    except OSError as error:
        # Python flushes once more at exit, and would complain there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if isinstance(error, BrokenPipeError):
            raise ReaderGone from error
        if stream is sys.stdout:  # of progress that cannot be told, nothing can be told
            raise OperatorError(
                "The result cannot be written to standard output.",
                cause=error.strerror or str(error),
                remedy="Make room where it goes, or let it go elsewhere; what was written before may end in the midst of a line.",
                code="output.unwritable",
            ) from error
