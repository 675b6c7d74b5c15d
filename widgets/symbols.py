"""The words, signs and roles that tell a state: never by colour alone.

A *role* is one of ``ROLES``; ``Lines`` and the style sheet give each of them a colour that fits the theme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from services.records import LivenessWord, Severity, StepState

Role = Literal["plain", "strong", "dim", "accent", "good", "warn", "bad"]
ROLES: tuple[Role, ...] = ("plain", "strong", "dim", "accent", "good", "warn", "bad")

# What a style in Content is called for each role.
STYLES: dict[Role, str] = {
    "plain": "",
    "strong": "bold",
    "dim": "$dim",
    "accent": "$text-accent",
    "good": "$text-success",
    "warn": "$text-warning",
    "bad": "bold $text-error",
}

SEVERITY: dict[Severity, tuple[str, Role]] = {
    "ok": ("✓", "good"),
    "info": ("·", "dim"),
    "warning": ("!", "warn"),
    "error": ("✗", "bad"),
}

STEP: dict[StepState, tuple[str, Role]] = {
    "waiting": ("·", "dim"),
    "running": ("▸", "accent"),
    "done": ("✓", "good"),
    "failed": ("✗", "bad"),
    "neutral": ("-", "dim"),
    "skipped": ("-", "dim"),
}

LIVENESS: dict[LivenessWord, tuple[str, Role]] = {
    "alive": ("✓", "good"),
    "offline": ("✗", "bad"),
    "unknown": ("?", "warn"),
}

_ASCII = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "·": ".",
        "▸": ">",
        "▶": ">",
        "…": "~",
        "│": "|",
        "→": ">",
        "▲": "^",
        "▼": "v",
        "■": "#",
        "●": "*",
        "—": "-",
        "–": "-",
        "─": "-",
        "•": "*",
        "█": "#",
        "×": "x",
        "≥": ">",
        "≤": "<",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
    }
)
_plain = False


def ascii_only(on: bool) -> None:
    """Use ASCII signs from here on: for terminals without Unicode."""
    global _plain
    _plain = on


def drawn(text: str) -> str:
    """Return ``text`` with our own signs as this terminal can draw them."""
    return text.translate(_ASCII) if _plain else text


def ascii_sign(sign: str) -> str:
    """Return what stands for a sign in ASCII; empty where it is none of ours."""
    return str(_ASCII.get(ord(sign), "")) if len(sign) == 1 else ""


def is_ascii() -> bool:
    """Return whether signs and borders are drawn in ASCII."""
    return _plain
