"""The console with a context and nothing that reads by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.tui.app import ConsoleApp
from services.contexts.model import Context, HubSettings
from services.operations.session import Session

CONTEXT = Context("plant-7", HubSettings("plant-hub.azure-devices.net"), device="edge-1")


class StillConsole(ConsoleApp):
    async def _open(self) -> None:
        self.session = self.main.session = Session(CONTEXT)
        self.refresh_bindings()
        self.main.look_at_place(CONTEXT.device)

    def remember(self) -> None:
        """Nowhere to be remembered."""


@pytest.fixture
def still_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StillConsole:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    monkeypatch.setenv("TERM", "xterm-256color")
    return StillConsole()
