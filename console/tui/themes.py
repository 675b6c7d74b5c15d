"""Four themes: dark (the default), light, high contrast, and one for terminals with 16 colours."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from textual.theme import BUILTIN_THEMES, Theme

from console.terminal.charset import locale_charset
from services.files import private_folder, write


def _variables(*, dim: str, edge: str, key: str, thumb: str, track: str) -> dict[str, str]:
    """Return what our style sheets name beside Textual's own: what stands back, frames without the focus, keys in the footer, scrollbars."""
    bars = {"scrollbar": thumb, "scrollbar-hover": thumb, "scrollbar-active": thumb}
    tracks = dict.fromkeys(("scrollbar-background", "scrollbar-background-hover", "scrollbar-background-active"), track)
    return {"dim": dim, "edge": edge, "footer-key-foreground": key, "scrollbar-corner-color": track, **bars, **tracks}


# In 256 colours a grey with more of a tint than this would become one of the cube: a panel in navy.
DARK = Theme(
    name="dark",
    primary="#5fa8d3",
    secondary="#7b8fa1",
    accent="#c29bdb",
    success="#7cb66f",
    warning="#d9a94a",
    error="#e06c6c",
    foreground="#d5d9dd",
    background="#14181c",
    surface="#1a1f24",
    panel="#262b31",
    dark=True,
    variables=_variables(dim="#8f99a3", edge="#3d4751", key="#5fa8d3", thumb="#4a5660", track="#1f252b"),
)
LIGHT = Theme(
    name="light",
    primary="#1f6f9e",
    secondary="#5b6b79",
    accent="#7a3fa0",
    success="#2f7a2b",
    warning="#8f5f00",
    error="#b3261e",
    foreground="#1d2327",
    background="#fbfbf9",
    surface="#f3f3f0",
    panel="#e4e5e1",
    dark=False,
    variables=_variables(dim="#5a646d", edge="#b9bdb8", key="#1a658f", thumb="#a9afac", track="#ececea"),
)
CONTRAST = Theme(
    name="high-contrast",
    primary="#00d7ff",
    secondary="#ffffff",
    accent="#ffff00",
    success="#00ff5f",
    warning="#ffd700",
    error="#ff8787",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#303030",
    dark=True,
    text_alpha=1.0,
    variables=_variables(dim="#d0d0d0", edge="#a0a0a0", key="#00d7ff", thumb="#a0a0a0", track="#303030"),
)
# The terminal's own 16 colours: those that can be read on its ground in the palettes of the Linux console, xterm and PuTTY. On black
# that is no blue, red or bright black (which bold makes of black, too: nothing that is reversed is bold); on white no green or yellow.
ANSI_DARK = replace(
    BUILTIN_THEMES["ansi-dark"],
    primary="ansi_bright_cyan",
    accent="ansi_bright_magenta",
    warning="ansi_bright_yellow",
    error="ansi_bright_red",
    variables={
        **BUILTIN_THEMES["ansi-dark"].variables,
        **_variables(dim="ansi_cyan", edge="ansi_bright_black", key="ansi_bright_cyan", thumb="ansi_cyan", track="ansi_default"),
    },
)
ANSI_LIGHT = replace(
    BUILTIN_THEMES["ansi-light"],
    accent="ansi_blue",
    success="ansi_default",
    warning="ansi_magenta",
    variables={
        **BUILTIN_THEMES["ansi-light"].variables,
        **_variables(dim="ansi_bright_black", edge="ansi_bright_black", key="ansi_blue", thumb="ansi_blue", track="ansi_default"),
    },
)
THEMES = (DARK, LIGHT, CONTRAST, ANSI_DARK, ANSI_LIGHT)
NAMES = tuple(theme.name for theme in THEMES)
_OLD = ("linux", "vt100", "vt102", "vt220", "ansi", "cons25")


def no_colours() -> bool:
    """Return whether the operator wants none (no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))


def few_colours() -> bool:
    """Return whether this terminal shows no more than 16 colours, or none: the Linux console, old terminals, PuTTY's TERM, NO_COLOR."""
    term = os.environ.get("TERM", "")
    many = os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit")
    many = many or term.rpartition("-")[2] in ("256color", "direct", "kitty", "truecolor")
    return no_colours() or term in _OLD or not many


def default_theme(remembered: str = "") -> str:
    """Return the theme chosen before where this terminal can show it, else one that it can."""
    if few_colours():
        return ANSI_LIGHT.name if remembered in (ANSI_LIGHT.name, LIGHT.name) else ANSI_DARK.name
    return remembered if remembered in NAMES else DARK.name


def remembered(file: Path) -> str:
    """Return the theme chosen before; empty where none was."""
    try:
        return file.read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""


def remember(file: Path, name: str) -> None:
    """Keep the chosen theme; raises FileError."""
    private_folder(file.parent)
    write(file, name + "\n")


def unicode_missing() -> bool:
    """Return whether this terminal cannot show our signs: by its kind, or by the locale of its session."""
    return os.environ.get("TERM", "") in _OLD or locale_charset() != "utf-8"
