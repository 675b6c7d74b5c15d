"""Entries that nobody saw to their end, settled beside consoles that are still at work."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.deployment import history as history_module
from services.deployment import interrupted
from services.deployment.history import History
from services.records import Device, DeviceState

BEFORE = {"modulesContent": {"$edgeAgent": {"properties.desired": {"modules": {}}}}}


def test_what_its_own_console_ended_meanwhile_stays_as_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Between the list and the look at the device a verb ended its entry, and the next one put the device back."""
    history = History(tmp_path / "history.sqlite")
    entry = history.begin(
        context="lab", host="h", device="edge", route="hub", summary="deploy", before=BEFORE, after=BEFORE, before_version=2
    )
    monkeypatch.setattr(history_module, "_alive", lambda process: False)
    monkeypatch.setattr(history_module.os, "getpid", lambda: -1)
    monkeypatch.setattr(interrupted, "twin_desired", lambda *arguments: {})

    def device_state(_device: str) -> DeviceState:
        history.end(entry, "applied", "", 3)
        return DeviceState(Device("edge", True), desired_version=2)

    hub: Any = SimpleNamespace(host="h", device_state=device_state)
    assert interrupted.settle(hub, history) == []
    assert (history.entry(entry).outcome, history.entry(entry).after_version) == ("applied", 3)
