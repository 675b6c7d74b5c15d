"""A recorder that cannot start: said at once, with its own words, and no secret among them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.contexts.model import Context
from services.errors import OperatorError
from services.messages.journal.location import journal_place
from services.messages.journal.store import Journal
from services.messages.recorder.handle import ensure_recorder, running
from services.records import EventEndpoint, Secret

KEY = "c2VjcmV0LWtleS1vZi1uby1odWI="
ENDPOINT = EventEndpoint(
    "ns.example", "hub", Secret(f"Endpoint=sb://ns.example/;SharedAccessKeyName=service;SharedAccessKey={KEY};EntityPath=hub")
)


def test_one_that_dies_at_once_is_given_up_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = tmp_path / "tries"
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\necho x >> '{tries}'\ncat > /dev/null\nprintf 'Traceback\\nKeyError: \\033[31m{KEY}\\n\\n' >&2\nexit 1\n"
    )
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(OperatorError) as caught:
        ensure_recorder(Context("test"), ENDPOINT, folder=tmp_path / "journals")
    assert tries.read_text().count("x") == 3
    error = caught.value
    assert error.code == "recorder.start" and "KeyError" in error.cause and error.remedy
    assert KEY not in str(error.as_dict()) and "\033" not in error.cause
    assert not running(journal_place("ns.example", "hub", tmp_path / "journals"))


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], None]]:
    """``read_only(path)``: nobody may write there; root is held off by the file system's own flag, where it has one."""
    done: list[Path] = []

    def make(path: Path) -> None:
        path.chmod(path.stat().st_mode & ~0o222)
        if os.geteuid() == 0:
            if not shutil.which("chattr") or subprocess.run(["chattr", "+i", str(path)], capture_output=True).returncode:
                pytest.skip("root may write here")
            done.append(path)

    yield make
    for path in done:
        subprocess.run(["chattr", "-i", str(path)], check=True)


def test_a_journal_that_may_only_be_read_is_said_at_once(tmp_path: Path, read_only: Callable[[Path], None]) -> None:
    folder = tmp_path / "journals"
    path = journal_place("ns.example", "hub", folder).journal
    Journal(path).close()
    read_only(path)
    with pytest.raises(OperatorError) as caught:
        Journal(path)
    assert caught.value.code == "journal.unwritable"
    with pytest.raises(OperatorError) as caught:
        ensure_recorder(Context("test"), ENDPOINT, folder=folder)
    assert caught.value.code == "journal.unwritable" and caught.value.remedy
    Journal(path, read_only=True).close()


def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path, read_only: Callable[[Path], None]) -> None:
    folder = tmp_path / "journals"
    folder.mkdir(0o700)
    read_only(folder)
    with pytest.raises(OperatorError) as caught:
        ensure_recorder(Context("test"), ENDPOINT, folder=folder)
    assert caught.value.code == "journal.unwritable" and caught.value.cause and caught.value.remedy


def test_one_that_goes_on_dying_is_started_ever_more_seldom_and_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., object]
) -> None:
    monkeypatch.setattr("services.messages.recorder.handle._RESTART_WAIT", 0.02)
    monkeypatch.setattr("services.messages.recorder.handle._LONGEST_RESTART_WAIT", 0.2)
    handle = ensure_recorder(Context("test"), ENDPOINT, folder=tmp_path / "journals")
    try:
        os.kill(handle.status().pid, signal.SIGKILL)
        assert handle._child is not None and handle._child.wait(60) == -signal.SIGKILL
        healthy, starts = sys.executable, tmp_path / "starts"
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\necho x >> '{starts}'\ncat > /dev/null\necho 'KeyError: {KEY}' >&2\nexit 1\n")
        python.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(python))

        dead = eventually(lambda: handle.status().error and handle._pause == 0.2 and handle.status())
        assert dead.state == "failed" and dead.rate == 0 and dead.restarts >= 4
        assert dead.error["code"] == "recorder.dies" and "KeyError" in dead.error["cause"] and dead.error["remedy"]
        assert KEY not in str(dead.error)
        before = len(starts.read_text().split())
        eventually(lambda: handle.status() and len(starts.read_text().split()) >= before + 2)
        assert handle._pause == 0.2

        monkeypatch.setattr(sys, "executable", healthy)
        alive = eventually(lambda: (found := handle.status()).pid != dead.pid and running(handle.place) and found)
        assert alive.restarts > dead.restarts
    finally:
        handle.close()
        eventually(lambda: not running(handle.place))
