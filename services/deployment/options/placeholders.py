"""Parts of a template that nobody filled in: ``$NAME``, ``${NAME}``, ``<your name>``, in values that the device would take as they are."""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(r"\$\{?[A-Z][A-Z0-9_]+\}?|<[A-Za-z][\w .-]{0,60}>")
