"""Create options: presets with their form fields, and what a check says of a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

PresetKind = Literal["host", "cpu-host", "client", "other"]
FieldKind = Literal["text", "number", "port", "flag"]


@dataclass(frozen=True, slots=True)
class PresetField:
    """A form field. A flag's ``value`` is what it writes when on; ``default`` of a flag is "" (off) or "on"."""

    name: str
    label: str
    default: str = ""
    kind: FieldKind = "text"
    value: str = ""


@dataclass(frozen=True, slots=True)
class Preset:
    """Create options with fields. ``output_count`` of a client's model and the like belong in ``title``."""

    name: str
    title: str
    kind: PresetKind
    fields: tuple[PresetField, ...]
    template: Mapping[str, Any]
    own: bool = False


@dataclass(frozen=True, slots=True)
class OptionProblem:
    """A problem at a place (line and column from 1). A warning does not forbid deploying."""

    line: int
    column: int
    severity: Literal["error", "warning"]
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class OptionsReport:
    """``normalised`` is the minified text that is sent, ``size`` its bytes, ``chunks`` how many pieces the twin keeps it in.

    ``room`` is the bytes that are left of the twin's 32 KB with it (None where the device is not known).
    """

    problems: tuple[OptionProblem, ...]
    normalised: str
    size: int
    chunks: int
    room: int | None = None

    @property
    def errors(self) -> tuple[OptionProblem, ...]:
        """The problems that forbid deploying."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


class DraftKey(NamedTuple):
    """The module whose create options a draft holds, on a device of a hub (its host)."""

    hub: str
    device: str
    module: str


@dataclass(frozen=True, slots=True)
class Draft:
    """Create options that were changed and not deployed, as they are kept: ``text`` holds masks for secrets.

    ``deployed`` is the fingerprint of what was deployed when the draft was begun, empty where that was not known; ``writer`` tells
    one console's from another's.
    """

    key: DraftKey
    text: str = field(repr=False)
    deployed: str
    saved_at: datetime
    writer: str


@dataclass(frozen=True, slots=True)
class DraftStatus:
    """How the text in the editor stands to what is deployed and to what is on disk.

    ``moved``: what is deployed is another version than when the draft was begun. ``secrets`` are the places of those that are
    not on disk. ``unkept`` says why the text itself is not, ``remark`` what else there is to say of it, once.
    """

    changed: bool = False
    moved: bool = False
    saved_at: datetime | None = None
    secrets: tuple[str, ...] = ()
    unkept: str = ""
    remark: str = ""
