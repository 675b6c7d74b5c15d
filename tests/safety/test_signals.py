"""Told to leave, the console restores the terminal and leaves no process behind, soon; killed, it leaves no process either."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def gone(terminal: Any, seconds: float = 60) -> None:
    """Nothing that was started is left."""
    end = time.monotonic() + seconds
    while left := terminal.processes.alive():
        assert time.monotonic() < end, left
        time.sleep(0.05)


@pytest.fixture
def opened(in_terminal: Callable[..., Any], lab: dict[str, Any], lab_home: Any) -> Callable[..., Any]:
    """The console on the lab with its children up: the workspace's process and the recorder."""

    def start(**more: Any) -> Any:
        terminal = in_terminal(home=lab_home, **more)
        terminal.until("accel-resnet50")

        def up() -> bool:
            terminal.processes.look()
            said = b"".join(terminal.processes.seen.values())
            return b"services.workspace.child" in said and b"services.messages.recorder" in said

        terminal.until(lambda text: up())
        return terminal

    return start


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal(opened: Callable[..., Any], in_terminal: Callable[..., Any], number: signal.Signals) -> None:
    if number == signal.SIGHUP:
        terminal = opened()
    else:
        terminal = in_terminal()
        terminal.until("Welcome")
    began = time.monotonic()
    terminal.process.send_signal(number)
    assert terminal.ended() == 0
    assert time.monotonic() - began < 30
    terminal.wrote(b"\x1b[?1049l")
    assert terminal.restored()
    gone(terminal)


def test_killed(opened: Callable[..., Any]) -> None:
    terminal = opened()
    terminal.process.kill()
    terminal.ended()
    gone(terminal)


def test_ctrl_z_and_back(in_terminal: Callable[..., Any], eventually: Callable[..., Any]) -> None:
    terminal = in_terminal()
    terminal.until("Welcome")
    terminal.press("\x1a")
    stopped, status = eventually(lambda: (found := os.waitpid(terminal.process.pid, os.WUNTRACED | os.WNOHANG))[0] and found)
    assert stopped == terminal.process.pid and os.WIFSTOPPED(status)
    terminal.wrote(b"\x1b[?1049l")
    assert terminal.restored()
    mark = len(terminal.bytes)
    terminal.process.send_signal(signal.SIGCONT)
    terminal.wrote(b"\x1b[?1049h", since=mark)
    terminal.wrote(b"Welcome", since=mark)
    terminal.press("escape")
    assert terminal.ended() == 0
    assert terminal.restored()


@pytest.mark.parametrize("stopped", [False, True], ids=["continued", "stopped-and-continued"])
def test_continued_without_having_been_told_to_stop(in_terminal: Callable[..., Any], stopped: bool) -> None:
    terminal = in_terminal()
    terminal.until("Welcome")
    for _ in range(3):
        mark = len(terminal.bytes)
        if stopped:
            terminal.process.send_signal(signal.SIGSTOP)
            os.waitpid(terminal.process.pid, os.WUNTRACED)
        terminal.process.send_signal(signal.SIGCONT)
        for wanted in (b"\x1b[?1049l", b"\x1b[?1049h", b"Welcome"):  # in this order
            terminal.wrote(wanted, since=mark)
            mark = terminal.bytes.index(wanted, mark)
    terminal.press("escape")
    assert terminal.ended() == 0
    assert terminal.restored()


@pytest.mark.parametrize("signals", [2, 7])
def test_continued_again_and_again_at_once(in_terminal: Callable[..., Any], signals: int) -> None:
    terminal = in_terminal()
    terminal.until("Welcome")
    for _ in range(signals):
        terminal.process.send_signal(signal.SIGCONT)
        time.sleep(0.01)
    terminal.idle()
    terminal.press("escape")
    assert terminal.ended() == 0
    assert terminal.restored()


def test_services_that_never_answer(in_terminal: Callable[..., Any], running: Callable[..., Any], tmp_path: Path) -> None:
    faults = [part for name in ("hub-freeze", "freeze", "workspace-freeze") for part in ("--fault", name)]
    with running(tmp_path / "lab", *faults) as lab:
        terminal = in_terminal(home=lab["config_home"])
        terminal.until("Reading images")
        terminal.press("2", "v")  # the choice of a device waits for the hub
        terminal.until("─ 2 Modules ·")
        terminal.press("escape")
        terminal.until("waiting no longer")
        terminal.processes.look()
        began = time.monotonic()
        terminal.press("q")
        terminal.ended()
        assert time.monotonic() - began < 30
        terminal.wrote(b"\x1b[?1049l")
        assert terminal.restored()
        gone(terminal)


@pytest.mark.parametrize("controlling", [True, False], ids=["login", "no-controlling-terminal"])
def test_a_closed_terminal(in_terminal: Callable[..., Any], controlling: bool) -> None:
    terminal = in_terminal(controlling=controlling)
    terminal.until("Welcome")
    terminal.processes.look()
    terminal.hang_up()
    terminal.ended()
    gone(terminal)


def test_a_terminal_that_takes_no_bytes(in_terminal: Callable[..., Any]) -> None:
    terminal = in_terminal()
    terminal.until("Welcome")
    terminal._open = False  # nobody reads any more
    terminal._reader.join(5)
    for _ in range(20):
        terminal.press("f1", "q")  # help, and away with it
    assert terminal.process.poll() is None
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.ended() == 1  # it waited for the terminal, and left without


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_embedded_lab_ends_with_the_console(
    in_terminal: Callable[..., Any], eventually: Callable[..., Any], private: dict[str, str], number: signal.Signals
) -> None:
    terminal = in_terminal("--lab")
    terminal.until("accel-resnet50")
    terminal.processes.look()
    assert b"services.lab" in b"".join(terminal.processes.seen.values())
    terminal.process.send_signal(number)
    terminal.ended()
    gone(terminal, 25)
    eventually(lambda: not list(Path(private["TMPDIR"]).iterdir()))
