"""A sign-in that lapses while one works: it asks again over what one was looking at, and all of that is still there afterwards."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from piloting import until
from textual.pilot import Pilot
from textual.widgets import Input

from console.tui.app import ConsoleApp
from console.tui.main_screen import MainScreen
from console.tui.screens.signing_in import DeviceCodeDialog
from services.contexts.model import SignIn
from services.contexts.sign_in import forget_credential
from services.contexts.store import ContextStore
from widgets.command_line import CommandLine


@pytest.fixture
def signed_in_by_code(own_lab: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A lab whose context signs in by device code."""
    monkeypatch.setenv("DBE_CONSOLE_HOME", own_lab["config_home"])
    context = ContextStore().resolve()
    by_code = SignIn("device-code", own_lab["tenant"], own_lab["client_id"])
    ContextStore().add(dataclasses.replace(context, sign_in=by_code), replace=True)
    yield own_lab
    forget_credential(ContextStore().resolve())


def enter(lab: dict[str, Any], dialog: DeviceCodeDialog) -> None:
    """What a person does in a browser."""
    page = {"params": {"code": dialog.code.code}, "verify": lab["ca_file"], "timeout": 60}
    threading.Thread(target=requests.get, args=(dialog.code.uri,), kwargs=page).start()


async def code_of(pilot: Pilot[None], app: ConsoleApp) -> DeviceCodeDialog:
    await until(pilot, lambda: isinstance(app.screen, DeviceCodeDialog), "a code")
    assert isinstance(app.screen, DeviceCodeDialog)
    return app.screen


async def test_it_asks_again_and_the_screen_is_as_it_was(signed_in_by_code: dict[str, Any], control: Callable[..., Any]) -> None:
    lab, app = signed_in_by_code, ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        first = await code_of(pilot, app)
        enter(lab, first)
        await until(pilot, lambda: app.main.images.look == "ready", "images")
        main, images = app.screen, app.main.images
        assert isinstance(main, MainScreen)
        await pilot.press("slash", *"accel", "enter", "j")
        stood = images.table.current.id
        await asyncio.to_thread(control, lab, "faults", {"name": "expire"})
        await pilot.press("r")
        second = await code_of(pilot, app)
        assert second.code.code != first.code.code
        await asyncio.to_thread(control, lab, "faults", {"name": "expire", "on": False})
        # Hidden, work goes on beneath, and the code can be had again; what is opened meanwhile stays when the sign-in is through.
        await pilot.press("escape", "colon", *"sign-in", "enter")
        again = await code_of(pilot, app)
        assert again.code == second.code
        await pilot.press("escape", "2", "j", "colon", *"theme")
        assert isinstance(app.screen, CommandLine)
        before = images.images
        enter(lab, second)
        await until(pilot, lambda: images.images is not before, "images again")
        assert isinstance(app.screen, CommandLine) and app.screen.query_one(Input).value.startswith("theme")
        await pilot.press("escape")
        assert app.screen is main and app.main.current is app.main.modules
        assert images.table.filter == "accel" and images.table.current.id == stood
    app.end()
