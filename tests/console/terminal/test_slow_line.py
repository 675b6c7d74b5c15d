"""Writes that block again and again are noticed; one long pause is not."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from textual.pilot import Pilot

from console.terminal.slow_line import LineStalls, TimedFile
from console.tui.app import ConsoleApp


@pytest.mark.parametrize(
    ("times", "stalls"),
    [
        ([0, 0.1, 1, 1.1, 2, 2.1, 3, 3.1], 0),  # quick
        ([0, 300, 301, 301.1, 302, 302.1], 0),  # a terminal that was stopped once
        ([0, 0.3, 10, 10.3, 20, 20.3], 1),
        ([0, 0.3, 40, 40.3, 80, 80.3], 0),  # too seldom
        ([0, 0.3, 10, 10.3, 20, 20.3, 30, 30.3, 31, 31.3, 32, 32.3], 2),
    ],
)
def test_blocked_writes(times: list[float], stalls: int):
    clock: Iterator[float] = iter(times)
    told: list[None] = []
    file = TimedFile(io.StringIO(), lambda: told.append(None), lambda: next(clock))
    for _ in range(len(times) // 2):
        assert file.write("text") == 4
    assert len(told) == stalls


async def test_the_console_thins_out_by_itself_and_back(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    for name in ("SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        pilot: Pilot[None]
        assert not app.slow and not app._notifications
        for _ in range(2):
            app.post_message(LineStalls())
        await pilot.pause()
        assert app.slow and app.has_class("-slow") and app.screen._update_timer._interval == 0.25
        assert [note.message for note in app._notifications] == [
            "The line does not keep up: less is drawn from here on. :slow-link takes it back."
        ]
        app.action_slow_link()
        assert not app.slow and not app.has_class("-slow") and app.screen._update_timer._interval == 1 / 60


async def test_it_offers_itself_over_ssh_once(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.7 50022 10.0.0.1 22")
    offers = []
    for _ in range(2):
        app = ConsoleApp()
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await app.workers.wait_for_complete([worker for worker in app.workers if worker.group == "slow-link"])
            offers.append([note.message for note in app._notifications if "SSH" in note.message])
    assert offers == [["Over SSH: where the line is slow, :slow-link sends less. Said once."], []]
