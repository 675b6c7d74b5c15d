"""Secrets taken out of text that came from elsewhere: replies, descriptions, connection strings, URLs."""

from __future__ import annotations

import re

MASK = "•••"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # HostName=…;SharedAccessKey=…  and  SharedAccessSignature sr=…&sig=…&se=…
        (r"(SharedAccessKey\s*[=:]\s*)[^;\s\"',&]+", rf"\1{MASK}"),
        (r"(SharedAccessSignature\s*=\s*)(?!\s)[^;\"']+", rf"\1{MASK}"),
        (r"([?&\s;\"]sig=)[^&\s;\"']+", rf"\1{MASK}"),
        (r"((?:AccountKey|client_secret|refresh_token|access_token|id_token)\s*=\s*)[^;&\s\"']+", rf"\1{MASK}"),
        (r"(\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}", rf"\1{MASK}"),
        (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?", MASK),
        # "password": "…", password=…, 'primaryKey': '…'; in JSON that was quoted once more too
        (
            r"(\\?[\"']?\b(?:password|passwd|secret|primaryKey|secondaryKey|symmetricKey|client_secret|access_token|refresh_token)\\?[\"']?\s*[:=]\s*)"
            r"(?:\\\"(?:[^\"\\])*\\\"|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,;&}\"'{\[]+)",
            rf"\1{MASK}",
        ),
        # scheme://user:password@host
        (r"(\b[a-z][a-z0-9+.-]{1,20}://[^/\s:@]{1,100}:)[^@\s/]+(@)", rf"\1{MASK}\2"),
    )
)


def mask(text: str) -> str:
    """``text`` with keys, signatures, tokens and passwords replaced by ``•••``; the rest stays as it is."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
