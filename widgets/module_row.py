"""A module in a row of the table: its state in a word, the reason, and the columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from services.times import age, now, span
from widgets.symbols import SEVERITY, Role
from widgets.table import Cell, Column

if TYPE_CHECKING:
    from services.records import Finding, Module

_RUNTIME: dict[str, tuple[str, Role]] = {
    "running": ("✓ running", "good"),
    "stopped": ("- stopped", "dim"),
    "backoff": ("✗ backoff", "bad"),
    "failed": ("✗ failed", "bad"),
    "dead": ("✗ dead", "bad"),
    "unhealthy": ("! unhealthy", "warn"),
}


@dataclass(frozen=True)
class Row:
    """A module with what diagnosis found of it."""

    module: Module
    finding: Finding | None


def module_state(row: Row) -> Cell:
    """Return one word, with its sign: diagnosis' where there is one, else the agent's own."""
    if row.finding is not None:
        sign, role = SEVERITY[row.finding.severity]
        return f"{sign} {row.finding.word}", role
    reported = row.module.reported
    if reported is None:
        return "· not reported", "dim"
    return _RUNTIME.get(reported.runtime_status, (f"? {reported.runtime_status}", "warn"))


def reason(row: Row) -> Cell:
    """Return one short reason; nothing where all is well."""
    finding = row.finding
    if finding is None or finding.severity == "ok":
        return "", "dim"
    return ("likely: " if finding.likely else "") + finding.reason, "plain"


def wanted_status(row: Row) -> Cell:
    """Return the desired against reported status, where they differ."""
    desired, reported = row.module.desired, row.module.reported
    if desired is None:
        return "not wanted", "warn"
    if reported is None:
        return f"{desired.status} → ?", "warn"
    if desired.status == reported.runtime_status:
        return "", "dim"
    return f"{desired.status} → {reported.runtime_status}", "warn"


def since(row: Row) -> str:
    """Return the age of what it does now."""
    reported = row.module.reported
    if reported is None:
        return ""
    return age(reported.last_start if reported.runtime_status == "running" else reported.last_exit or reported.last_start)


def _exit(row: Row) -> Cell:
    code = row.module.reported.exit_code if row.module.reported else None
    running = row.module.reported is not None and row.module.reported.runtime_status == "running"
    if code is None or (running and code == 0):
        return "", "dim"
    return str(code), "bad" if code else "dim"


def _restarts(row: Row) -> Cell:
    count = row.module.reported.restart_count if row.module.reported else 0
    return (str(count), "warn") if count else ("", "dim")


def next_start(module: Module, at: datetime | None = None) -> str:
    """Return in words when a module starts again; empty where nothing is to start."""
    delay = module.starts_in(at or now())
    if delay is None:
        return ""
    return f"starts again in {span(delay)}" if delay > 0 else "due to start again"


COLUMNS: tuple[Column[Row], ...] = (
    Column("STATE", module_state, order=lambda row: module_state(row)[0]),
    Column(
        "MODULE",
        lambda row: (row.module.name, "dim" if row.module.system else "strong"),
        grow=2,
        order=lambda row: row.module.name.lower(),
    ),
    Column("SINCE", lambda row: (since(row), "dim"), right=True),
    Column(
        "RST",
        _restarts,
        right=True,
        quiet=True,
        order=lambda row: -(row.module.reported.restart_count if row.module.reported else 0),
    ),
    Column("EXIT", _exit, right=True, quiet=True, spare=True),
    Column("WANTED", wanted_status, quiet=True, spare=True),
    Column("REASON", reason, grow=4, quiet=True, enough=20),
    Column("IMAGE", lambda row: (row.module.short_image, "dim"), grow=1, spare=True, enough=12, keep_end=True),
)


def summary(rows: list[Row]) -> tuple[str, Role]:
    """Return the modules in a few words: the worst first."""
    own = [row for row in rows if not row.module.system] or rows
    bad = [row for row in rows if module_state(row)[1] == "bad"]
    warn = [row for row in rows if module_state(row)[1] == "warn"]
    if bad:
        return f"✗ {bad[0].module.name} {module_state(bad[0])[0][2:]}" + (f" +{len(bad) - 1}" if len(bad) > 1 else ""), "bad"
    if warn:
        return f"! {warn[0].module.name} {module_state(warn[0])[0][2:]}" + (f" +{len(warn) - 1}" if len(warn) > 1 else ""), "warn"
    running = sum(row.module.reported is not None and row.module.reported.runtime_status == "running" for row in own)
    return f"{running} of {len(own)} run", "dim"
