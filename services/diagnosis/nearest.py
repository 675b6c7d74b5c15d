"""The known kind of trouble that an unknown text comes nearest to, by the words and system error numbers in it: always a guess.

Numbers are there for texts in other languages: a system's own words are translated, ``(os error 28)`` and ``0x80070005`` are not.
"""

from __future__ import annotations

import re

_MOST = 4_000  # characters of a text that are looked at

# Kind, and what speaks for it; the more of it, the nearer. Where two are as near, the first is taken.
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            "credentials or a right that is missing",
            r"unauthori[sz]ed|authenticat\w*|credential\w*|denied|forbidden|\b40[13]\b|token|\bsign(?:ed|ature)?\b|permission",
        ),
        ("a name that is not there", r"not found|no such|does not exist|unknown \w+|missing|\b404\b|0x80070002|os error 2\b"),
        (
            "a disk that is full or cannot be written",
            r"\bspace\b|\bdisk\b|\bquota\b|read-only|os error (?:28|30)\b|errno (?:28|30)\b|0x70\b|0x80070070",
        ),
        (
            "a port that is taken",
            r"\bport\b|\bbind\b|already allocated|in use|os error 98\b|errno 98\b|WinError 10048|10013\b|0x20\b",
        ),
        ("a device that is not there or may not be opened", r"/dev/|\bdevice\b|\bdriver\b|catapult|fpga"),
        ("a folder that cannot be mounted", r"\bmount\w*|\bvolume\b|\brootfs\b|\bbind source\b"),
        ("a network that is not there or broken", r"\bnetwork\b|\biptables\b|\bbridge\b|\bveth\w*|\bsandbox\b|\bendpoint\b"),
        (
            "limits that the kernel does not take, or memory that is short",
            r"\bcgroup\w*|\bmemory\b|\boom\b|\brlimit\b|os error 12\b|0x8007000e",
        ),
        ("certificates or TLS", r"certificate\w*|x509|\btls\b|\bssl\b|handshake|0x800b01"),
        (
            "a name server or a way that is closed",
            r"\bdns\b|resolv\w*|\blookup\b|unreachable|no route|proxy|os error 1(?:01|11|13)\b|WinError 1006[01]",
        ),
        ("time that ran out", r"time[d ]*out|timeout|deadline|too long|os error 110\b|0x800705b4"),
        ("too many calls at once", r"throttl\w*|too many|rate limit|\b429\b|busy"),
        ("a form that is not understood", r"pars\w+|invalid|malformed|unexpected|unmarshal|deserializ\w*|schema|json|syntax"),
    )
)


def nearest_kind(text: str) -> str:
    """Return the kind of trouble that ``text`` comes nearest to; empty where nothing in it speaks for any."""
    scores = [(len({match[0].lower() for match in pattern.finditer(text[:_MOST])}), kind) for kind, pattern in _KINDS]
    best = max(score for score, _ in scores)
    return next(kind for score, kind in scores if score == best) if best else ""


def guess(text: str) -> str:
    """Return the nearest kind as a sentence marked as a guess; empty where there is none."""
    kind = nearest_kind(text)
    return f"The nearest known kind, a guess from its words: {kind}." if kind else ""
