"""A context put together inside the console, with nothing but keys and pastes, against the lab."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from piloting import text_of, until
from textual.events import Paste
from textual.screen import Screen

from console.tui.app import ConsoleApp
from console.tui.main_screen import MainScreen
from console.tui.screens.draft_questions import ask_for
from console.tui.screens.new_context import NewContext, Trying
from console.tui.screens.signing_in import DeviceCodeDialog
from services.contexts.draft import Draft
from services.contexts.model import CloudSettings, SignIn
from services.contexts.store import ContextStore
from widgets.dialogs import Choose
from widgets.paste import PasteLine


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def screen_of(app: ConsoleApp, lab: dict[str, Any]) -> NewContext:
    """The first run's screen, with the lab's cloud and authority as another cloud's."""
    screen = app.screen
    assert isinstance(screen, NewContext)
    screen.draft.cloud = CloudSettings(lab["https"], lab["https"], lab["ca_file"])
    screen.draft.ca_file = lab["ca_file"]
    return screen


async def test_a_wrapped_paste_is_taken_whole_not_shown_tried_and_kept(lab: dict[str, Any], home: Path) -> None:
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, NewContext), "the first run")
        screen = screen_of(app, lab)
        hub = lab["hub_connection_string"]
        screen.query_one(PasteLine).post_message(Paste(f"{hub[:30]}\r\n{hub[30:60]}\n\n{hub[60:]}\r\n"))
        await until(pilot, lambda: screen.draft.hub_string is not None, "the hub was understood")
        await until(pilot, lambda: "policy iothubowner" in text_of(app), "the hub on the screen")
        key = hub.rpartition("SharedAccessKey=")[2]
        assert key not in text_of(app)
        await pilot.press("tab", *["down"] * 5, "enter")
        await until(pilot, lambda: isinstance(app.screen, Choose), "the devices")
        await pilot.press("down", "enter")
        await until(pilot, lambda: screen.draft.device == "databox-edge-2", "the device was picked")
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, MainScreen) and app.session is not None, "the console on it")
        assert app.session is not None and app.session.context.device == "databox-edge-2"
        await until(pilot, lambda: app.main.modules.look == "ready", "its modules")
    app.end()
    store = home / "config" / "contexts.toml"
    assert ContextStore().current == "edge"
    assert store.stat().st_mode & 0o077 == 0 and key not in store.read_text()


async def test_answers_that_take_back_what_was_there(lab: dict[str, Any], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The questions alone: an emptied group is Azure's own, a CA's path is the shell's, az needs no service principal's secret."""
    monkeypatch.chdir(Path(lab["ca_file"]).parent)
    draft = Draft("edge", consumer_group="mine")
    answers: Iterator[str] = iter(
        ["service-principal", "tenant", "client", "", "s3cret", "az", "", "", Path(lab["ca_file"]).name]
    )

    async def ask(_question: Screen[Any]) -> str:
        return next(answers)

    await ask_for("sign_in", draft, ask, print)
    assert draft.client_secret is not None
    for what in ("sign_in", "group", "ca"):
        await ask_for(what, draft, ask, print)
    assert (draft.client_secret, draft.consumer_group) == (None, "$Default")
    assert draft.ca_file == draft.cloud.ca_file == lab["ca_file"]


async def test_a_paste_typed_by_the_terminal_and_one_that_does_not_work(
    lab: dict[str, Any], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Linux console has no bracketed paste: keys, and Enter for each line."""
    monkeypatch.setattr(PasteLine, "PAUSE", 2.0)  # a busy machine presses keys slowly
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, NewContext), "the first run")
        screen = screen_of(app, lab)
        wrong = f"HostName={lab['host']};SharedAccessKeyName=service;\nSharedAccessKey=c2VjcmV0c2VjcmV0c2VjcmV0"
        for line in wrong.splitlines():
            await pilot.press(*line, "enter")
            assert "c2VjcmV0" not in text_of(app)
        await until(pilot, lambda: screen.draft.hub_string is not None, "the hub was understood")
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, Trying) and app.screen.ended, "it was tried")
        assert "Copy the connection string anew" in text_of(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, NewContext), "back at the draft")
        screen.query_one(PasteLine).post_message(Paste("what is this"))
        await until(pilot, lambda: "nothing a context can be made from" in text_of(app), "nonsense is named")
    app.end()
    assert ContextStore().names() == ()


async def test_lists_of_azure_with_a_code_shown_inside(lab: dict[str, Any], home: Path) -> None:
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, NewContext), "the first run")
        screen = screen_of(app, lab)
        screen.draft.sign_in = SignIn("device-code", lab["tenant"], lab["client_id"])
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, DeviceCodeDialog), "the code")
        dialog = app.screen
        assert isinstance(dialog, DeviceCodeDialog)
        await until(pilot, lambda: dialog.code.code in text_of(app), "the code on the screen")
        enter = threading.Thread(
            target=requests.get,
            args=(dialog.code.uri,),
            kwargs={"params": {"code": dialog.code.code}, "verify": lab["ca_file"], "timeout": 60},
        )
        enter.start()
        for kind in ("Subscription", "Workspace", "Hub"):
            await until(pilot, lambda kind=kind: isinstance(app.screen, Choose) and app.screen.heading == kind, kind)
            await pilot.press("enter")
        await until(pilot, lambda: screen.draft.hub_string is not None, "the hub's string came from ARM")
        enter.join()
        assert screen.draft.workspace is not None and screen.draft.workspace.name == lab["workspace"]
        await pilot.press("f8")
        await until(pilot, lambda: app.session is not None, "the console on it")
        await until(pilot, lambda: app.main.images.look == "ready", "its images")
    app.end()


async def test_an_unknown_context_changes_nothing_and_places_are_kept(
    lab: dict[str, Any], lab_home: Path, eventually: Callable[..., Any]
) -> None:
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.modules.look == "ready", "modules")
        await pilot.press("colon", *"ctx nowhere", "enter")
        await until(pilot, lambda: "nowhere" in text_of(app), "the unknown context is named")
        await pilot.press("escape")
        assert app.session is not None
        await pilot.press("colon", *"device databox-edge-3", "enter")
        await until(pilot, lambda: app.main.modules.device == "databox-edge-3", "the other device")
        await pilot.press("2", "slash", *"edge", "enter")
        await until(pilot, lambda: app.main.modules.table.filter == "edge", "the filter")
        app.remember()
    app.end()
    kept = json.loads((lab_home / "state" / "place.json").read_text())["lab"]
    assert (kept["pane"], kept["device"], kept["filters"]) == (2, "databox-edge-3", {"modules": "edge"})
    again = ConsoleApp()
    async with again.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: again.main.modules.look == "ready", "modules")
        assert again.main.current is again.main.modules
        assert again.main.device == "databox-edge-3" and again.main.modules.table.filter == "edge"
    again.end()
