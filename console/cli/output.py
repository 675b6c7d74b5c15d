"""What a verb is given: its options, the context asked for, and where results and progress go."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

from rich.cells import cell_len, set_cell_size

from console.terminal.charset import lacks_unicode
from services.errors import OperatorError
from services.text import json_text
from services.times import age

if TYPE_CHECKING:
    from services.contexts.model import Context
    from services.contexts.sign_in import DeviceCode
    from services.operations.session import Session


class ReaderGone(BrokenPipeError):
    """Who read the output has gone, as ``head`` does when it has seen enough."""


@dataclass(frozen=True)
class Call:
    """One call of a verb. Standard output carries results, standard error progress."""

    options: argparse.Namespace

    @property
    def as_json(self) -> bool:
        """Whether ``--json`` was given."""
        return bool(getattr(self.options, "json", False))

    def context(self) -> Context:
        """Return the context named by ``--context``, else the current one; raises OperatorError where there is none."""
        from services.contexts.sign_in import show_device_codes
        from services.contexts.store import ContextStore

        show_device_codes(self.show_device_code)
        return ContextStore().resolve(getattr(self.options, "context", None), read_only=getattr(self.options, "read_only", False))

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open the services of the verb's context; what they started ends with the block."""
        from services.operations.session import Session

        session = Session(self.context())
        try:
            yield session
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
        or false, and arrays.
        """
        rows = list(rows)
        if self.as_json:
            self.out_json([{name: _iso(value) for name, value in row.items()} for row in rows])
            return
        cells = [[column.upper().replace("_", " ") for column in columns]]
        cells += [[_cell(row.get(column)) for column in columns] for row in rows]
        widths = [max(cell_len(line[index]) for line in cells) for index in range(len(columns))]
        numeric = [
            all(isinstance(row.get(column), int | float | None) and not isinstance(row.get(column), bool) for row in rows)
            for column in columns
        ]
        for line in cells:
            fitted = [
                set_cell_size("", width - cell_len(cell)) + cell if number else set_cell_size(cell, width)
                for cell, width, number in zip(line, widths, numeric, strict=True)
            ]
            self.out("  ".join(fitted).rstrip())


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
