"""A direct method of a module, invoked by an expert: name, payload, the same with az, the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from console.tui.background import in_thread
from services.errors import OperatorError, UsageError
from services.operations.session import Session
from services.text import json_text, one_line
from widgets.dialogs import Confirm, Prompt, Reader
from widgets.pane import error_content

if TYPE_CHECKING:
    from console.tui.owner import MainScreen

_SECONDS = 30  # for the module to answer; ten more are given to the way there
_KNOWN = "The edge agent has ping, RestartModule, GetModuleLogs, UploadModuleLogs, UploadSupportBundle, GetTaskStatus."


async def invoke(main: MainScreen, session: Session, device: str, name: str) -> None:
    """Ask for method and payload, confirm what may change something, and show the reply."""
    from services.names import module_identity
    from services.operations import twins

    app = main.app
    module = module_identity(name)
    method = await app.push_screen_wait(Prompt(f"Direct method of {name}", f"Its name. {_KNOWN}", ""))
    if not method or not method.strip():
        return
    method = method.strip()
    payload_text = '{"schemaVersion": "1.0"}' if method in ("GetModuleLogs", "RestartModule", "GetTaskStatus") else "{}"
    while True:
        answer = await app.push_screen_wait(
            Prompt(f"Payload of {method}", "JSON; Enter goes on, Esc sends nothing.", payload_text)
        )
        if answer is None:
            return
        payload_text = answer
        try:
            payload = twins.payload_of(payload_text)
            break
        except UsageError as error:
            main.notify(str(error), severity="error", timeout=6)
    if not twins.changes_nothing(module, method):
        question = Confirm(
            f"Invoke {method}",
            f"{method} of {name} on {device} may change something there.",
            "Invoke",
            command=twins.method_command(session.hub.host, device, method, payload, module),
            type_to_confirm=session.name_to_type(device),
        )
        if not await app.push_screen_wait(question):
            return
    # It stands there from the start: one that came with the answer would take a key that was meant for what stands there then.
    reader = Reader(f"{method} of {name}", f"Waiting for the answer of {name}, {_SECONDS + 10} seconds at most.")
    app.push_screen(reader)
    try:
        reply = await in_thread(twins.invoke, session.hub, device, module, method, payload, _SECONDS, session.context.name)
    except OperatorError as error:
        if reader not in app.screen_stack:
            raise
        reader.show(error_content(error, raw=True))
        return
    finally:
        main.say_spent()
    answer = json_text(reply.payload, 2)
    if reader in app.screen_stack:
        reader.show(Content(f"status {reply.status}\n\n{answer}"))
    else:
        main.notify(f"{method} of {name} answered with status {reply.status}: {one_line(answer, 300)}", timeout=20)
