"""What a console that ended left behind: deployments whose end nobody saw, and work that still goes on in the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.tui.background import go, in_thread
from console.tui.flows import models
from services.errors import OperatorError
from services.operations.session import Session
from widgets.dialogs import Reader

if TYPE_CHECKING:
    from console.tui.owner import MainScreen


async def report(main: MainScreen, session: Session) -> None:
    """Say how interrupted deployments went, by what the devices have now, and follow what the workspace still works on."""
    try:
        unfinished = await in_thread(session.deployer.settle)
    except OperatorError as error:
        main.notify(f"an interrupted deployment cannot be looked at: {error.what}", severity="warning", timeout=10)
        unfinished = []
    if unfinished:
        lines = [f"#{entry.id}  {entry.summary} on {entry.device}\n    {entry.outcome}: {entry.detail}" for entry in unfinished]
        text = "A console ended in the middle of this. What the device has now tells how it went:\n\n" + "\n".join(lines)
        main.app.push_screen(Reader("Found again", text, wide=False))
    if session.context.workspace is None or session.read_only:
        return
    for pending in await in_thread(lambda: session.workspace.pending()):
        go(main.app, models.take_up(main, session, pending), f"pending-{pending.kind}-{pending.subject}", exclusive=False)
