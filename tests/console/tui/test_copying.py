"""``y`` says that a copy was offered, and where it is kept; nobody knows whether a terminal took it."""

from pathlib import Path

import pytest
from piloting import until

from console.tui.app import ConsoleApp


async def test_a_copy_is_offered_and_kept(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.session is not None and app.main.modules.look == "failed")
        await pilot.press("3")
        await until(pilot, lambda: app.main.current is app.main.options)
        await pilot.press("y")
        notice = await until(pilot, lambda: [n.message for n in app._notifications if "offered" in n.message])
        kept = nowhere / "state" / "copies" / "latest.txt"
        assert notice == [f"create options offered to your terminal\nkept in {kept}"]
        assert kept.read_text() == app.main.options.text == app.clipboard
    app.end()
