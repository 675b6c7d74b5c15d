"""The console with records of fixed times in its panes, for pictures of it that stay the same."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import services.times  # noqa: F401  the clock that is stopped

NOW = datetime(2026, 1, 31, 14, 30, tzinfo=timezone.utc)


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[datetime]:
    """Ages and times of day as at ``NOW``, in UTC, on a terminal with all colours and Unicode."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    for name in [
        name for name in sys.modules if name.startswith(("widgets.", "services.times")) and hasattr(sys.modules[name], "now")
    ]:
        monkeypatch.setattr(f"{name}.now", lambda: NOW)
    yield NOW
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def ago(stopped_clock: datetime):
    """``ago(minutes=3)``: a moment before the stopped clock."""

    def at(**length: float) -> datetime:
        return stopped_clock - timedelta(**length)

    return at


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a context that points nowhere: the panes stand, and nothing can be read."""
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    config = tmp_path / "config"
    config.mkdir()
    file = config / "contexts.toml"
    file.write_text('current = "void"\n[contexts.void]\ndevice = "edge-1"\n')
    file.chmod(0o600)
    return tmp_path
