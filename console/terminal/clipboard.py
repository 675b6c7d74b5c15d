"""The terminal's clipboard: OSC 52, by the way that the multiplexer in between lets through as it comes (docs/facts/textual.md).

Nothing answers OSC 52: a text is offered, and nobody knows whether it arrived.

Upstream: Textual writes plain OSC 52 (``textual/app.py``, ``App.copy_to_clipboard``), which tmux and screen drop by default.
Delete when Textual asks the multiplexer.
"""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping

from services.contexts.children import environment

_SCREEN_CHUNK = 240  # screen 4 drops a longer string (MAXSTR was 256)
_SECONDS = 2.0


def multiplexer(variables: Mapping[str, str] = os.environ) -> str:
    """Return ``tmux`` or ``screen``, in which the console runs on this machine; ``""`` where there is none."""
    if variables.get("TMUX"):
        return "tmux"
    return "screen" if variables.get("STY") else ""


def clipboard_sequence(text: str, variables: Mapping[str, str] = os.environ) -> str:
    """Return what offers ``text`` to the terminal: OSC 52, in pieces that screen hands on unread."""
    sequence = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"
    if multiplexer(variables) != "screen":
        return sequence
    pieces = (sequence[start : start + _SCREEN_CHUNK] for start in range(0, len(sequence), _SCREEN_CHUNK))
    return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)


def offer_through_tmux(text: str, variables: Mapping[str, str] = os.environ) -> bool:
    """Let tmux (3.2 or newer) offer ``text`` to its terminal and keep it as a buffer; False where it would not.

    As tmux comes (``set-clipboard external``, ``allow-passthrough off``) it drops OSC 52 of what runs inside it.
    """
    try:
        process = subprocess.run(
            ["tmux", "load-buffer", "-w", "-"],
            input=text.encode(),
            env={**environment(), "TMUX": variables.get("TMUX", "")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return process.returncode == 0


def advice(variables: Mapping[str, str] = os.environ) -> list[str]:
    """Return the sentence on what to set where OSC 52 is likely to be dropped on its way; none where nothing says so."""
    if multiplexer(variables) == "tmux":
        return ["tmux may drop it; it lets copies through after: tmux set -s set-clipboard on"]
    if not multiplexer(variables) and variables.get("TERM", "").startswith(("tmux", "screen")):
        return ["a tmux on your side lets it through after: tmux set -s set-clipboard on"]
    return []
