"""On screen a disk that takes nothing ends nothing: it is said, the console goes on, and no file is written in its event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import pytest
from files_and_disks import DISKS, full
from piloting import text_of, until
from still_console import StillConsole
from textual.pilot import Pilot

from console.tui import saved_state as place
from console.tui.resumption import Resumption
from console.tui.screens.logs import LogsScreen
from services import files
from services.contexts.store import ContextStore
from services.hub.log_lines import LogLine
from widgets.dialogs import ErrorDialog

Disk = Callable[[Path], AbstractContextManager[str]]


class StillLog(LogsScreen):
    """A log whose lines have been read."""

    def action_again(self) -> None:
        self.view.add([LogLine("a line")])


@pytest.fixture(autouse=True)
def writing_threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads in which files were written; none of them may be the event loop's."""
    threads: list[str] = []
    scratch = files._scratch

    def noted(path: Path) -> tuple[int, str]:
        threads.append(threading.current_thread().name)
        return scratch(path)

    monkeypatch.setattr(files, "_scratch", noted)
    return threads


async def open_log(pilot: Pilot[None], device: str = "edge-1", module: str = "host") -> StillLog:
    app = cast(StillConsole, pilot.app)
    screen = StillLog(await until(pilot, lambda: app.session), device, module)
    await app.push_screen(screen)
    await pilot.pause()
    return screen


@pytest.mark.parametrize("disk", DISKS, ids=lambda disk: disk.__name__)
async def test_a_log_that_cannot_be_saved_is_said(still_console: StillConsole, tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "state").mkdir()
    async with still_console.run_test(size=(80, 24)) as pilot:
        log = await open_log(pilot)
        with disk(tmp_path / "state"):
            await pilot.press("s")
            dialog = await until(pilot, lambda: isinstance(still_console.screen, ErrorDialog) and still_console.screen)
            assert "cannot be written" in text_of(still_console)
            await pilot.press("escape")
            await until(pilot, lambda: still_console.screen is log and dialog is not None)
    assert still_console.return_code in (0, None)


@pytest.mark.parametrize("module", ["a/b", "../../../b", "$edgeAgent", "x" * 300, "nul"])
async def test_the_log_of_a_module_with_any_name_is_saved_in_its_folder(
    still_console: StillConsole, tmp_path: Path, writing_threads: list[str], module: str
) -> None:
    async with still_console.run_test(size=(160, 24)) as pilot:
        await open_log(pilot, module=module)
        await pilot.press("s")
        await until(pilot, lambda: "saved to" in text_of(still_console))
    (saved,) = (path for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert saved.parent == tmp_path / "state" / "logs" and saved.suffix == ".log"
    assert saved.read_text() == "a line\n" and saved.stat().st_mode & 0o777 == 0o600
    assert writing_threads and "MainThread" not in writing_threads


async def test_a_theme_and_a_place_that_cannot_be_kept_hold_for_now(
    still_console: StillConsole, tmp_path: Path, writing_threads: list[str]
) -> None:
    (tmp_path / "state").mkdir()
    async with still_console.run_test(size=(120, 36), notifications=True) as pilot:
        session = await until(pilot, lambda: still_console.session)
        with full(tmp_path / "state"):
            before = still_console.theme
            await pilot.press("T")
            await until(pilot, lambda: "for now: The disk is full" in text_of(still_console))
            assert still_console.theme != before
            Resumption(still_console, cast(Any, session), place.Place(4)).keep()
            await until(pilot, lambda: "where you are cannot be kept: The disk is full" in text_of(still_console))
    assert "MainThread" not in writing_threads and len(writing_threads) == 2


async def test_a_temporary_folder_that_takes_nothing_ends_no_editing(
    still_console: StillConsole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    async with still_console.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: still_console.session)
        await pilot.press("3", "f4")
        await until(pilot, lambda: "TMPDIR names another folder" in text_of(still_console))


async def test_keys_of_somebody_else_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from console.tui.app import ConsoleApp

    config = tmp_path / "config"
    config.mkdir(mode=0o700)
    (config / "keys.toml").write_text('[keys]\n"app.doctor" = "f2"\n')
    config.chmod(0o777)
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    app = ConsoleApp()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: any(isinstance(screen, ErrorDialog) for screen in app.screen_stack), "the error")
        while not isinstance(app.screen, ErrorDialog):  # the first run stands over it
            app.pop_screen()
            await pilot.pause()
        assert "Others can replace the key file" in text_of(app)
    assert ContextStore().names() == ()
