"""A direct method of a module, invoked by an expert: name, payload, the same with az, the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.background import in_thread
from console.session import Session
from services.errors import UsageError
from services.text import json_text
from widgets.dialogs import Confirm, Prompt, Reader

if TYPE_CHECKING:
    from console.screens.main import MainScreen

_KNOWN = "The edge agent has ping, RestartModule, GetModuleLogs, UploadModuleLogs, UploadSupportBundle, GetTaskStatus."


async def invoke(main: MainScreen, session: Session, device: str, name: str) -> None:
    """Ask for method and payload, confirm what may change something, and show the reply."""
    from services.deployment.diff import az_method
    from services.operations import twins

    app = main.app
    module = twins.system_name(name)
    method = await app.push_screen_wait(Prompt(f"Direct method of {name}", f"Its name. {_KNOWN}", ""))
    if not method or not method.strip():
        return
    method = method.strip()
    typed = '{"schemaVersion": "1.0"}' if method in ("GetModuleLogs", "RestartModule", "GetTaskStatus") else "{}"
    while True:
        answer = await app.push_screen_wait(Prompt(f"Payload of {method}", "JSON; Enter goes on, Esc sends nothing.", typed))
        if answer is None:
            return
        typed = answer
        try:
            payload = twins.payload_of(typed)
            break
        except UsageError as error:
            main.notify(str(error), severity="error", timeout=6)
    if not twins.changes_nothing(module, method):
        question = Confirm(
            f"Invoke {method}",
            f"{method} of {name} on {device} may change something there.",
            "Invoke",
            command=az_method(session.hub.host, device, method, payload, module),
            type_to_confirm=session.typed(device),
        )
        if not await app.push_screen_wait(question):
            return
    main.notify(f"waiting for {name}'s answer", timeout=3)
    reply = await in_thread(twins.invoke, session.hub, device, module, method, payload, 30, session.context.name)
    main.say_spent()
    app.push_screen(Reader(f"{method} of {name}: status {reply.status}", json_text(reply.payload, 2)))
