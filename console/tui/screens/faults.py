"""Faults of the lab, switched on and off: to practise what each of them looks like."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from console.lab.faults import Fault, LabFaults
from console.tui.actions import bindings
from console.tui.background import go, in_thread
from console.tui.screens.full import FullScreen
from services.errors import OperatorError
from widgets.table import Cell, Column, Table


def _on(fault: Fault) -> Cell:
    if not fault.on:
        return "", "dim"
    device, module = fault.on[0]
    where = f" {device}/{module}".rstrip("/") if device else ""
    return f"● on{where}", "warn"


class FaultsScreen(FullScreen[None]):
    """Every fault with what it does; Enter switches it."""

    HELP = """The faults that the lab can make, for practice and for tests. Enter switches the one under the cursor on or off: one of
the agent at the device, and at the module that the modules pane's cursor stands on; all others at the whole lab. N switches all off."""
    SCOPES = ("faults",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)
    DEFAULT_CSS = """
    FaultsScreen Input { display: none; height: 1; border: none; padding: 0 1; background: $boost; }
    FaultsScreen Input.-open { display: block; }
    FaultsScreen Input:focus { border: none; }
    """

    def __init__(self, control: LabFaults, device: str, module: str) -> None:
        where = f"{device}, module {module}" if module else device
        super().__init__(f"Faults of the lab · those of the agent at {where}")
        self.control = control
        self.device = device
        self.module = module

    def compose_content(self) -> ComposeResult:
        columns: tuple[Column[Fault], ...] = (
            Column("FAULT", lambda fault: (fault.name, "strong"), grow=1),
            Column("", _on, quiet=True),
            Column("WHERE", lambda fault: (fault.place, "dim"), spare=True),
            Column("WHAT HAPPENS", lambda fault: (fault.text, "plain"), grow=6),
        )
        yield Table(columns, lambda fault: fault.name, lambda fault: f"{fault.name} {fault.place} {fault.text}", id="faults")
        yield Input(placeholder="filter", compact=True)

    def on_mount(self) -> None:
        """Ask what is on."""
        self.query_one(Table).rows.focus()
        go(self, self._show(None), "faults")

    def row_word(self) -> str:
        return "fault"

    def current_row(self) -> Fault | None:
        """Return the fault under the cursor."""
        current: Fault | None = self.query_one(Table).current
        return current

    def action_switch(self, fault: Fault) -> None:
        """Switch a fault on or off."""
        go(self, self._show(fault), "faults")

    @on(Table.Chosen)
    def _toggle_selected(self) -> None:
        self.act("faults.switch")

    def action_none(self) -> None:
        """Switch every fault off."""
        go(self, self._show(Fault("none", "", "", (("", ""),))), "faults")

    async def _show(self, fault: Fault | None) -> None:
        try:
            if fault is None:
                faults = await in_thread(self.control.faults)
            elif fault.on:
                faults = []
                for device, module in fault.on:
                    faults = await in_thread(self.control.switch, fault.name, False, device, module)
            else:
                device = self.device if fault.of_a_device else ""
                module = self.module if fault.of_a_device else ""
                faults = await in_thread(self.control.switch, fault.name, True, device, module)
        except OperatorError as error:
            self.say(f"✗ {error}", "bad")
            return
        self.query_one(Table).show(faults)
        names = [active.name for active in faults if active.on]
        self.say(f"on: {', '.join(names)}" if names else "none is on", "warn" if names else "dim")

    def action_find(self) -> None:
        """Open the filter line."""
        line = self.query_one(Input)
        line.add_class("-open")
        line.focus()

    @on(Input.Changed)
    def _filtered(self, event: Input.Changed) -> None:
        self.query_one(Table).set_filter(event.value)

    @on(Input.Submitted)
    def _on_faults(self) -> None:
        self.query_one(Table).rows.focus()

    def action_leave(self) -> None:
        """Leave the filter first, then the screen."""
        line = self.query_one(Input)
        if line.has_class("-open"):
            line.value = ""
            line.remove_class("-open")
            self.query_one(Table).rows.focus()
        else:
            self.dismiss(None)
