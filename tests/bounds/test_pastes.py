"""A paste that would keep the console from its next key is refused in words; what is as long as a hub takes is not."""

from __future__ import annotations

import pytest
from piloting import until
from still_console import StillConsole
from textual.events import Paste
from textual.widgets import Input, TextArea


@pytest.mark.parametrize("text", ["x" * 1_000_000, '{"a": 1},' * 100_000, "[" * 1_000_000])
async def test_a_megabyte_is_pasted_nowhere(still_console: StillConsole, text: str) -> None:
    async with still_console.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: still_console.session)
        for widget in (still_console.screen.query(TextArea).first(), still_console.screen.query(Input).first()):
            widget.focus()
            await pilot.pause()
            before = widget.text if isinstance(widget, TextArea) else widget.value
            still_console.post_message(Paste(text))
            await until(pilot, lambda: [n for n in still_console._notifications if "too long here" in n.message], "refused", 15)
            assert (widget.text if isinstance(widget, TextArea) else widget.value) == before
            still_console.clear_notifications()
