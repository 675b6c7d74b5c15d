"""The screens that stand over the four panes, and what each is opened with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.owner import ConsoleApp
    from services.operations.session import Session


def _doctor(app: ConsoleApp, session: Session) -> None:
    """The checklist from the operator's chair to the FPGA."""
    from console.screens.doctor import DoctorScreen

    app.push_screen(DoctorScreen(session, app.main.device))


def _overview(app: ConsoleApp, session: Session) -> None:
    """All devices, sorted by trouble."""
    from console.screens.overview import OverviewScreen

    app.push_screen(OverviewScreen(session), app.main.look_at)


def _history(app: ConsoleApp, session: Session) -> None:
    """What was deployed when."""
    from console.screens.history import HistoryScreen

    app.push_screen(HistoryScreen(session, app.main.device))


def _faults(app: ConsoleApp, session: Session) -> None:
    """The lab's faults, on and off."""
    from console.lab.faults import LabFaults
    from console.screens.faults import FaultsScreen

    control = LabFaults.find()
    if control is None:
        app.notify("this lab's control is not to be found from here", severity="warning", timeout=4)
        return
    row = app.main.modules.row
    app.push_screen(FaultsScreen(control, app.main.device, row.module.name if row and not row.module.system else ""))


SCREENS: dict[str, Callable[[ConsoleApp, Session], None]] = {
    "doctor": _doctor,
    "overview": _overview,
    "history": _history,
    "faults": _faults,
}
