"""Long work in the workspace, followed in a dialog: Esc leaves it, and it goes on there; some of it can be cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from console.tui.background import in_thread
from services.errors import OperatorError
from services.records import Progress
from widgets.progress import ProgressDialog
from widgets.remedies import on_screen

if TYPE_CHECKING:
    from console.tui.owner import MainScreen
    from services.records import PendingOperation

Result = TypeVar("Result")


async def followed(
    main: MainScreen,
    title: str,
    work: Callable[[Callable[[Progress], None], threading.Event], Result],
    cancelling: str = "",
    cancel: Callable[[PendingOperation], None] | None = None,
) -> Result | None:
    """Run ``work(tell, stopped)`` in a thread and return its result; None where the operator left it. Raises what it raises.

    ``cancel`` is given what the workspace works at, where the operator wants none of it; ``cancelling`` says what that means.
    """
    from services.errors import Stopped

    stopped = threading.Event()
    dialog = ProgressDialog(title, cancelling)

    def tell(progress: Progress) -> None:
        if not stopped.is_set():
            main.app.call_from_thread(dialog.tell, progress)

    main.app.push_screen(dialog, lambda _: stopped.set())
    try:
        result = await in_thread(work, tell, stopped)
    except Stopped as left:
        if dialog.cancelled and cancel is not None and left.pending is not None:
            cancel(left.pending)
            return None
        main.notify(f"{left.what} {on_screen(left.remedy)}".strip(), timeout=6)
        return None
    except OperatorError:
        if dialog.is_attached:
            dialog.dismiss(None)
        raise
    if dialog.is_attached:
        dialog.dismiss(None)
    if dialog.cancelled:
        main.notify("it was done before it could be cancelled", severity="warning", timeout=8)
        return None
    return result
