"""What the create options pane shows, by its shape: a report of what is wrong, and presets with their fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.records import Severity


class Problem(Protocol):
    """What is wrong, and where: line and column count from 1."""

    @property
    def line(self) -> int:
        """Line, from 1."""
        ...

    @property
    def column(self) -> int:
        """Column, from 1."""
        ...

    @property
    def severity(self) -> Severity:
        """An error forbids deploying."""
        ...

    @property
    def message(self) -> str:
        """What is wrong."""
        ...

    @property
    def remedy(self) -> str:
        """What to do."""
        ...


class Report(Protocol):
    """A check of create options; ``size`` in bytes as stored, ``chunks`` of 512 characters, ``room`` bytes left in the twin."""

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong."""
        ...

    @property
    def size(self) -> int:
        """Bytes as stored."""
        ...

    @property
    def chunks(self) -> int:
        """Pieces of 512 characters."""
        ...

    @property
    def room(self) -> int | None:
        """Bytes left in the twin."""
        ...


class Field(Protocol):
    """A field of a preset's form."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def label(self) -> str:
        """What the form calls it."""
        ...

    @property
    def default(self) -> str:
        """What it is at first."""
        ...

    @property
    def kind(self) -> str:
        """text, number, port or flag."""
        ...


class Preset(Protocol):
    """A preset as the chooser shows it."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def title(self) -> str:
        """What the chooser shows."""
        ...

    @property
    def fields(self) -> Sequence[Field]:
        """Its form."""
        ...
