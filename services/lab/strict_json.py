"""JSON as Azure takes it: what Python's own reader lets pass beside is refused."""

from __future__ import annotations

import json
from typing import Any


def loads(text: str | bytes) -> Any:
    """Return the value. Raises ValueError (RecursionError) for no JSON, and for NaN, infinity and lone surrogates."""
    value = json.loads(text)
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return value
