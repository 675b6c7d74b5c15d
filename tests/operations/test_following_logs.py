"""Following a log whose module writes its own times, in a zone of its own."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from services.operations import logs
from services.records import LogLine

NOW = datetime.now(timezone.utc)


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(minutes=-3)], ids=["ahead", "behind"])
def test_the_next_look_does_not_begin_in_what_is_to_come(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> None:
    stopped = threading.Event()
    asked: list[tuple[str, str]] = []

    def answer(hub: Any, device: str, module: str, *, since: str = "", **filters: Any) -> list[LogLine]:
        asked.append((module, since))
        if len(asked) == 3:
            stopped.set()
        return [LogLine(f"line {number}", 6, NOW + ahead) for number in range(len(asked))]

    monkeypatch.setattr(logs, "module_logs", answer)
    hub: Any = None
    lines = [line.text for line in logs.follow(hub, "edge", "$edgeHub", stopped, every=0)]
    assert lines == ["line 0", "line 1", "line 2"] and {module for module, _ in asked} == {"edgeHub"}
    latest = min(NOW + ahead, datetime.now(timezone.utc) + timedelta(seconds=30))
    for _, since in asked[1:]:
        assert datetime.fromisoformat(since.replace("Z", "+00:00")) <= latest
