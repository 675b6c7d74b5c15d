"""Verbs on disks that take nothing: what was kept is read, what cannot be kept is said, and no fault of the console is told."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from files_and_disks import mounted

from services.contexts.model import Context, EventSettings, HubSettings, SecretSource
from services.contexts.store import ContextStore
from services.deployment.history import History

ROOT = Path(__file__).resolve().parents[2]
Verb = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def verb(home: Path) -> Verb:
    """``verb("history")``: a verb, run to its end."""
    ContextStore().add(
        Context(
            "plant-7",
            HubSettings("plant.azure-devices.net", SecretSource("env", "NO_KEY")),
            device="edge-1",
            events=EventSettings(connection=SecretSource("env", "EVENTS")),
        )
    )
    events = "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=a;SharedAccessKey=YQ==;EntityPath=e"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "console", *arguments],
            capture_output=True,
            text=True,
            timeout=100,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "EVENTS": events},
        )

    return run


def lock(folder: Path) -> None:
    """Make a mounted disk read-only."""
    remount_read_only = 32 | 1  # MS_REMOUNT, MS_RDONLY
    assert ctypes.CDLL(None).mount(None, os.fsencode(folder), None, remount_read_only, None) == 0


def test_a_history_on_a_read_only_disk_is_read(home: Path, verb: Verb) -> None:
    state = home / "state"
    state.mkdir(mode=0o700)
    with mounted(state, "size=4m"):
        number = History().begin(context="plant-7", host="plant.azure-devices.net", device="edge-1", route="hub", summary="one")
        History().end(number, "applied")
        lock(state)
        shown = verb("history", "--json")
        assert shown.returncode == 0, shown.stderr
        assert [entry["summary"] for entry in json.loads(shown.stdout)] == ["one"]


@pytest.mark.parametrize(
    "arguments",
    [("history",), ("stop", "host", "--yes"), ("record", "--stop"), ("record", "--status"), ("record", "--background")],
    ids=" ".join,
)
def test_an_empty_state_folder_that_takes_nothing_is_said(home: Path, verb: Verb, arguments: tuple[str, ...]) -> None:
    state = home / "state"
    state.mkdir(mode=0o700)
    with mounted(state, "size=1m,ro"):
        said = verb(*arguments)
    assert "console itself failed" not in said.stderr and "Traceback" not in said.stderr
    if said.returncode:
        assert "remedy:" in said.stderr
    if arguments[0] == "history" or arguments[-1] == "--background":
        assert said.returncode == 1 and "read-only" in said.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_root_takes_no_context_of_another_user(home: Path, verb: Verb, tmp_path: Path) -> None:
    """Its ``command:`` would be run as root."""
    config, trace = home / "config", tmp_path / "trace"
    text = (config / "contexts.toml").read_text().replace("env:NO_KEY", f"command:touch {trace}")
    (config / "contexts.toml").write_text(text)
    os.chown(config / "contexts.toml", 12345, 12345)
    said = verb("devices")
    assert said.returncode == 1 and "belongs to somebody else" in said.stderr and "chown" in said.stderr
    assert not trace.exists()
    os.chown(config / "contexts.toml", 0, 0)
    config.chmod(0o777)
    said = verb("devices")
    assert said.returncode == 1 and "Others can replace the context file" in said.stderr
    assert not trace.exists()
