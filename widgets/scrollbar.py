"""Scrollbars of whole cells: a terminal without Unicode has none of the eighths that Textual draws their ends with."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBarRender


class WholeCells(ScrollBarRender):
    """A bar that begins and ends with a cell."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
