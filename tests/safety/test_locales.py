"""The screen in locales without Unicode: every byte is of the terminal's character set, and its keys are read in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1", "de_DE.ISO-8859-15", "ru_RU.KOI8-R", "en_US.CP1252"])
def test_a_locale_without_unicode(in_terminal: Callable[..., Any], locale: str) -> None:
    charset = {"C": "ascii", "POSIX": "ascii"}.get(locale, locale.partition(".")[2])
    terminal = in_terminal(environment={"LC_ALL": locale})
    terminal.until("Welcome")
    os.write(terminal.master, "ö".encode(charset, "replace").replace(b"?", b"\xf6"))  # no UTF-8: Textual's own reader ends at it
    terminal.idle()
    mark = len(terminal.bytes)
    terminal.press("\x0c")
    terminal.wrote(b"Welcome", since=mark)
    assert b"\\u" not in terminal.bytes and b"\\x" not in terminal.bytes
    terminal.bytes.decode(charset)
    terminal.press("escape")
    assert terminal.ended() == 0
