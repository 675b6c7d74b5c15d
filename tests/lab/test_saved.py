"""What is saved while the embedded lab runs stays when the lab is gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.lab.process import LabProcess
from services.contexts.paths import saved_folder, state_folder


def test_saved_files_outlive_the_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    before = state_folder()
    lab = LabProcess()
    try:
        lab.ready()
        assert state_folder() != before
        assert saved_folder("exports") == before / "exports"
    finally:
        lab.close()
    assert "DBE_CONSOLE_SAVED" not in os.environ
