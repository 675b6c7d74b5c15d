"""Remedies on screen: services name a verb (``dbe-console doctor``), which the command line knows; here its key stands instead.

What has no key stays a verb: it is for a shell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_ways: list[tuple[re.Pattern[str], str]] = []


def set_ways(ways: Mapping[str, str]) -> None:
    """Take what is pressed here instead of each verb; a word in capitals of the verb stands for one that is kept (``logs MODULE``)."""
    longest_first = sorted(ways.items(), key=lambda pair: -len(pair[0]))
    _ways[:] = [(_pattern(verb), way) for verb, way in longest_first]


def _pattern(verb: str) -> re.Pattern[str]:
    words = [f"(?P<{word}>[\\w:./$-]*\\w)" if word.isupper() else re.escape(word) for word in verb.split()]
    return re.compile(f"`?dbe-console {' '.join(words)}(?![\\w-]| --| [A-Z]{{2}})`?")


def on_screen(text: str) -> str:
    """Return a remedy with the keys in place of the verbs."""
    for pattern, way in _ways if "dbe-console" in text else ():
        text = pattern.sub(lambda match, way=way: way.format_map(match.groupdict()), text)  # type: ignore[misc]
    return text
