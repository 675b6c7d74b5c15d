"""Raw replies without their secrets: the one function that stands between a reply and a file that is sent to others.

The one rule of services.masking, and more: every value of an environment is hidden whatever its name, what cannot be looked through is
left out, and a secret that was seen once is hidden wherever else it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from services.chunks import ChunkGap, chunk, is_chunk, join
from services.masking import MASK, Masking, is_secret_name, mask

_ENVIRONMENT = re.compile(r"(^|[._-])env(ironment(_?variables?)?)?$", re.IGNORECASE)
# A log in gzip and base64 and the steps of an image's build cannot be looked through; who made a record is nobody's business.
_OPAQUE = frozenset({"payloadBytes", "created_by", "createdBy", "lastModifiedBy", "systemData", "userPrincipalName"})
_BROKEN_ENVIRONMENT = re.compile(r"\\*[\"']\\*env(?:ironment(?:_?variables?)?)?\\*[\"']\s*:", re.IGNORECASE)
_WORD = re.compile(r"[^\s{}\[\]:,\"'\\]+")
_SHORTEST = 6  # characters of a secret that is looked for elsewhere: shorter ones stand in every second word
_DEPTH = 40


class EvidenceMask:
    """Masks raw replies, and remembers what it hid. ``secrets`` are known from elsewhere: the context's own keys."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = {secret for secret in secrets if len(secret) >= _SHORTEST}
        self._masking = Masking(self._hide, show_torn=True)

    def masked(self, value: Any) -> Any:
        """Return ``value`` (JSON's kinds, or a text) without its secrets."""
        return self._masking.tree(self._without_environments(value, 0))

    def swept(self, value: Any) -> Any:
        """Return a masked ``value`` once more, without the secrets that were met in any other."""
        secrets = sorted(self._secrets, key=len, reverse=True)
        if not secrets:
            return value
        pattern = re.compile("|".join(re.escape(form) for secret in secrets for form in _forms(secret)))

        def sweep(node: Any) -> Any:
            if isinstance(node, dict):
                return {pattern.sub(MASK, key): sweep(inner) for key, inner in node.items()}
            if isinstance(node, list):
                return [sweep(inner) for inner in node]
            return pattern.sub(MASK, node) if isinstance(node, str) else node

        return sweep(value)

    def _hide(self, value: Any) -> str:
        if isinstance(value, str) and MASK not in value:
            self._secrets |= {part for part in (value, *value.split()[1:]) if len(part) >= _SHORTEST}
        return MASK

    def _without_environments(self, value: Any, depth: int) -> Any:
        """Return ``value`` in which nothing of an environment but its names is left, nor what cannot be looked through."""
        if depth > _DEPTH:
            return MASK
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, (list, tuple)):
            return [self._without_environments(inner, depth + 1) for inner in value]
        return self._text(value, depth) if isinstance(value, str) else value

    def _object(self, fields: dict[Any, Any], depth: int) -> dict[str, Any]:
        safe: dict[str, Any] = {}
        chunks = {str(key): value for key, value in fields.items() if is_chunk(str(key))}
        if chunks:
            safe |= self._create_options(chunks, depth)
        for key, value in fields.items():
            name = str(key)
            if name in chunks:
                continue
            if _ENVIRONMENT.search(name):
                safe[name] = self._environment(value, depth)
            elif name in _OPAQUE:
                safe[name] = self._hide(value)
            else:
                safe[name] = self._without_environments(value, depth + 1)
        return safe

    def _create_options(self, chunks: dict[str, Any], depth: int) -> dict[str, Any]:
        """Create options: joined before they are looked at, since a chunk may end in the middle of a secret."""
        values = list(chunks.values())
        if len(values) == 1 and not isinstance(values[0], str):
            return {key: self._without_environments(value, depth + 1) for key, value in chunks.items()}
        try:
            text = join(chunks)
        except ChunkGap:
            return chunks  # hidden whole by the one rule
        safe = self._text(text, depth)
        return chunks if safe == text else dict(chunk(safe))

    def _text(self, text: str, depth: int) -> str:
        if text.lstrip()[:1] in ("{", "[", '"'):
            try:
                inner = json.loads(text)
            except (ValueError, RecursionError):
                inner = None
            if isinstance(inner, (dict, list, str)) and inner != text:
                safe = self._without_environments(inner, depth + 1)
                return text if safe == inner else json.dumps(safe, ensure_ascii=False, separators=(",", ":"))
        start = _BROKEN_ENVIRONMENT.search(text)
        if start:  # JSON that does not parse: from its environment on, nothing but the punctuation is shown
            return text[: start.end()] + _WORD.sub(MASK, text[start.end() :])
        return text

    def _environment(self, value: Any, depth: int) -> Any:
        """Return an environment, as an object of any depth or a list of ``NAME=value``: its names stay."""
        if depth > _DEPTH:
            return MASK
        if isinstance(value, dict):
            return {str(key): self._variable(str(key), inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._entry(inner, depth + 1) for inner in value]
        return self._variable("", value, depth)

    def _entry(self, entry: Any, depth: int) -> Any:
        """Return an entry of a list: ``NAME=value``, or what somebody wrote in its place."""
        name, equals, inner = entry.partition("=") if isinstance(entry, str) else ("", "", "")
        if not equals:
            return self._variable("", entry, depth)
        self._learn(name, inner)
        return f"{name}={MASK}"

    def _variable(self, name: str, value: Any, depth: int) -> Any:
        """Return a variable's value: hidden, in objects (``{"value": …}``) and in JSON that is quoted too."""
        if isinstance(value, dict):
            return {str(key): self._variable(name, inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return self._environment(value, depth)
        if value is None or value == "" or isinstance(value, bool):
            return value
        if isinstance(value, str):
            if value.lstrip()[:1] == "{" and not name:  # the label in which the agent keeps a module's environment
                try:
                    return json.dumps(self._environment(json.loads(value), depth + 1), ensure_ascii=False)
                except (ValueError, RecursionError):
                    return MASK
            self._learn(name, value)
        return MASK

    def _learn(self, name: str, value: str) -> None:
        """Remember the value of a variable where it is a secret; "true" and "Amqp" stand elsewhere for themselves."""
        if is_secret_name(name) or mask(value) != value:
            self._hide(value)


def _forms(secret: str) -> set[str]:
    """Return the secret as it stands, and as it stands within JSON that is quoted once and twice."""
    once = json.dumps(secret)[1:-1]
    return {secret, once, json.dumps(once)[1:-1]}
