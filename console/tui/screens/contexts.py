"""Choosing another context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.tui.background import in_thread
from console.tui.saved_state import recent_contexts
from widgets.dialogs import Choose

if TYPE_CHECKING:
    from console.tui.owner import ConsoleApp


async def choose_context(app: ConsoleApp) -> None:
    """Choose from the contexts there are, those that were used last first."""
    from services.contexts.store import ContextStore

    contexts = await in_thread(lambda: ContextStore().all())
    if not contexts:
        app.new_context(first=True)
        return
    recent = await in_thread(recent_contexts)
    order = [name for name in recent if name in contexts] + [name for name in contexts if name not in recent]
    choices = []
    for name in order:
        context = contexts[name]
        marks = [
            word
            for word, on in (("LAB", context.lab), ("PRODUCTION", context.production), ("read-only", context.read_only))
            if on
        ]
        place = context.hub.host if context.hub else "no hub"
        choices.append((name, name, " · ".join([place, *([context.device] if context.device else []), *marks])))
    current = app.session.context.name if app.session is not None else None
    choices.append(("", "new…", "put another one together"))
    name = await app.push_screen_wait(Choose("Context", choices, current=current))
    if name == "":
        app.new_context()
    elif name and name != current:
        app.use_context(name)
