"""What was deployed when, by whom, and how it went; from here it is rolled back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from console.tui.actions import bindings
from console.tui.background import for_dialog, go, in_thread
from console.tui.owner import app_of
from console.tui.screens.full import FullScreen
from services.errors import OperatorError
from services.names import hub_name
from services.operations.session import Session
from services.records import HistoryEntry
from services.text import counted
from services.times import age
from widgets.dialogs import Prompt, Reader
from widgets.diff import diff_content
from widgets.symbols import Role
from widgets.table import Cell, Column, Table

if TYPE_CHECKING:
    pass

_OUTCOMES: dict[str, tuple[str, Role]] = {
    "applied": ("✓ applied", "good"),
    "pending": ("▸ pending", "accent"),
    "failed": ("✗ failed", "bad"),
    "overridden": ("! overridden", "warn"),
    "unknown": ("? unknown", "warn"),
}


def _outcome(entry: HistoryEntry) -> Cell:
    return _OUTCOMES[entry.outcome]


def _change(entry: HistoryEntry) -> str:
    """Return what was done, without the image's registry, and how that ended."""
    return re.sub(r"(?<= from )\S+/", "", entry.summary) + (f" — {entry.detail}" if entry.detail else "")


class HistoryScreen(FullScreen[None]):
    """The audit trail."""

    HELP = "Enter shows what an entry changed; B makes the device what it was before the entry (diff first); a shows all devices of this hub."
    SCOPES = ("history",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, session: Session, device: str) -> None:
        self.host = session.context.hub.host if session.context.hub is not None else ""
        super().__init__(" · ".join(filter(None, ("History", device or "all devices", hub_name(self.host)))))
        self.session = session
        self.device = device
        self.only = device

    def compose_content(self) -> ComposeResult:
        columns: tuple[Column[HistoryEntry], ...] = (
            Column("#", lambda entry: (str(entry.id), "dim"), right=True),
            Column("AGE", lambda entry: (age(entry.at), "dim"), right=True),
            Column("OUTCOME", _outcome),
            Column("DEVICE", lambda entry: ("" if self.only else entry.device, "plain"), grow=1, quiet=True),
            Column("BY", lambda entry: (entry.user, "dim"), spare=True),
            Column("CHANGE", lambda entry: (_change(entry), "strong"), grow=4),
        )
        yield Table(columns, lambda entry: entry.id, lambda entry: f"{entry.device} {entry.summary} {entry.user}", id="entries")

    def on_mount(self) -> None:
        """Read at once."""
        self.query_one(Table).rows.focus()
        go(self, self._read(), "history")

    def row_word(self) -> str:
        return "change"

    def current_row(self) -> HistoryEntry | None:
        """Return the entry under the cursor."""
        current: HistoryEntry | None = self.query_one(Table).current
        return current

    def action_all(self) -> None:
        """Switch between this device's entries and all devices'."""
        self.only = "" if self.only else self.device
        go(self, self._read(), "history")

    async def _read(self) -> None:
        """Show the entries at once, then ask the hub how those went whose end is not known."""
        await self._show_entries()
        try:
            if await in_thread(self.session.deployer.settle):
                await self._show_entries()
        except OperatorError as error:
            self.notify(f"what is pending cannot be looked at: {error.what}", severity="warning", timeout=6)

    async def _show_entries(self) -> None:
        try:
            entries = await in_thread(lambda: self.session.history.entries(host=self.host, device=self.only))
        except OperatorError as error:
            self.say(f"✗ {error}", "bad")
            return
        table = self.query_one(Table)
        table.nothing = f"Nothing was deployed {f'to {self.only} ' if self.only else ''}from here yet."
        table.show(entries)
        self.say(counted(len(entries), "change"))

    @on(Table.Chosen)
    def _open_entry(self, event: Table.Chosen) -> None:
        if event.record is not None:
            go(self, self._show(event.record), "show")

    async def _show(self, entry: HistoryEntry) -> None:
        from services.operations.history import difference

        lines = await in_thread(difference, entry)
        self.app.push_screen(
            Reader(f"{entry.summary} · {entry.device} · {hub_name(entry.host)} · {entry.outcome}", diff_content(lines))
        )

    def action_rollback(self, entry: HistoryEntry) -> None:
        """Make the device what it was before an entry."""
        go(self.app, self._rollback(entry), "deploy")

    async def _rollback(self, entry: HistoryEntry) -> None:
        from console.tui.flows.plans import carry_out

        deployer = self.session.deployer
        main = app_of(self).main
        main.notify("comparing with what the device has", timeout=2)
        rollback = await for_dialog(main, lambda: deployer.prepare_rollback(entry))
        answers = {}
        for path, question in zip(rollback.missing, rollback.questions(), strict=True):
            answer = await self.app.push_screen_wait(Prompt("A secret that is gone from the device", question, secret=True))
            if not answer:
                return
            answers[path] = answer
        if answers:
            rollback = await for_dialog(main, lambda: deployer.prepare_rollback(entry, answers=answers))
        await carry_out(main, self.session, lambda deployer: deployer.rollback(rollback))
        await self._read()
