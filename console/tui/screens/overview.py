"""All devices of the context, the one in most trouble first; from there into one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from console.tui.actions import bindings
from console.tui.background import go, in_thread
from console.tui.screens.full import FullScreen
from services.errors import OperatorError
from services.operations.session import Session
from services.times import age, now
from widgets.remedies import on_screen
from widgets.symbols import LIVENESS, SEVERITY
from widgets.table import Cell, Column, Table

if TYPE_CHECKING:
    from services.operations.overview import DeviceRow


def _state(row: DeviceRow) -> Cell:
    if row.doubtful:
        sign, role = LIVENESS["unknown"]
        return f"{sign} {row.word}", role
    sign, role = SEVERITY["error" if row.error is not None else row.finding.severity if row.finding else "ok"]
    return f"{sign} {row.word}", role


def _why(row: DeviceRow) -> Cell:
    return row.remark, "plain" if row.reason else "dim"


def _liveness(row: DeviceRow) -> Cell:
    if row.liveness is None:
        return "?", "dim"
    sign, role = LIVENESS[row.liveness.word]
    return f"{sign} {row.liveness.word}", role


def _modules(row: DeviceRow) -> Cell:
    return (str(sum(not module.system for module in row.state.modules)) if row.state else "?"), "plain"


class OverviewScreen(FullScreen[str]):
    """Gives the device that was chosen."""

    HELP = "Enter goes to the device's modules; r reads again (two metered twin reads a device)."
    SCOPES = ("overview",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, session: Session) -> None:
        super().__init__("Devices")
        self.session = session
        self._read_at: datetime | None = None  # when the rows were read

    def compose_content(self) -> ComposeResult:
        columns: tuple[Column[DeviceRow], ...] = (
            Column("STATE", _state),
            Column("DEVICE", lambda row: (row.device.id, "strong"), grow=2),
            Column("LIVENESS", _liveness, spare=True),  # the state says offline
            Column("MODULES", _modules, right=True),
            Column("REPORTED", lambda row: (age(row.state.reported_at) if row.state else "", "dim"), right=True, spare=True),
            Column("MESSAGE", lambda row: (age(row.last_message), "dim"), right=True, quiet=True),
            Column("DEPLOYMENT", lambda row: (row.deployment, "dim"), grow=1, quiet=True, spare=True),
            Column("REASON", _why, grow=4, quiet=True),  # below the table it has room
        )
        yield Table(columns, lambda row: row.device.id, lambda row: row.device.id, id="devices")

    def on_mount(self) -> None:
        """Read at once."""
        self.query_one(Table).rows.focus()
        self.action_again()

    def action_again(self) -> None:
        """Read every device."""
        go(self, self._read(), "overview")

    async def _read(self) -> None:
        table = self.query_one(Table)
        self.say("reading the twins of every device")
        try:
            rows = await in_thread(self.session.overview)
        except OperatorError as error:
            self._show_stale(error)
            return
        self._read_at = now()
        table.rows.set_stale(False)
        table.show(rows)
        bad = sum(_state(row)[1] == "bad" for row in rows)
        well = "all well" if not any(row.doubtful for row in rows) else "no trouble known"
        self.title_is(f"Devices · {bad} of {len(rows)} in trouble" if bad else f"Devices · {len(rows)}, {well}")

    def _show_stale(self, error: OperatorError) -> None:
        """Show an error; rows that were read before stay, look stale, and say how old they are."""
        self.say(f"✗ {error}", "bad")
        if self._read_at is not None:
            self.query_one(Table).rows.set_stale(True)
            self.title_is(f"Devices · as of {self._read_at.astimezone():%H:%M}")

    @on(Table.Highlighted)
    def _highlighted(self, event: Table.Highlighted) -> None:
        """Show what is wrong with the device under the cursor, whole."""
        row: DeviceRow | None = event.record
        if row is not None:
            remedy = row.error.remedy if row.error else row.finding.remedy if row.finding and row.reason else ""
            text = row.liveness.text if row.liveness is not None and (row.doubtful or not row.reason) else row.reason or row.word
            ended = "" if row.reason else row.remark
            self.say(f"{row.device.id}: {text}. {on_screen(remedy)}{ended[:1].upper()}{ended[1:]}".strip(), _state(row)[1])

    @on(Table.Chosen)
    def _open_device(self, event: Table.Chosen) -> None:
        if event.record is not None:
            self.dismiss(event.record.device.id)
