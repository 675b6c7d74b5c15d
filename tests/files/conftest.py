"""A home of the test's own, and the console that reads nothing by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from still_console import still_console  # noqa: F401


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own."""
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
