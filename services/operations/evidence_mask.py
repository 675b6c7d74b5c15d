"""Raw replies without their secrets: the one function that stands between a reply and a file that is sent to others.

Names decide (services.deployment.masking), then the text's own form (services.diagnosis.mask); every value of an environment is
hidden whatever its name, and a secret that was seen once is hidden wherever else it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from services.deployment.masking import is_secret_name
from services.diagnosis.mask import MASK, mask
from services.hub.chunks import ChunkGap, chunk, is_chunk, join

_ENVIRONMENT = re.compile(r"(^|[._-])env(ironment(_?variables?)?)?$", re.IGNORECASE)
_NOT_SECRET = re.compile(r"iothub-connection-auth-(method|generation-id)$|x-opt-partition-key$")
# A log in gzip and base64 and the steps of an image's build cannot be looked through; who made a record is nobody's business.
_OPAQUE = frozenset({"payloadBytes", "created_by", "createdBy", "lastModifiedBy", "systemData", "userPrincipalName"})
_ASSIGNMENT = re.compile(r"(?<![A-Za-z0-9_])(-{0,2}[A-Za-z_][A-Za-z0-9_.-]*)=([^\s\"',;&}\]]+)")
_STATEMENT = re.compile(r"(?<![A-Za-z0-9_])([A-Za-z_][A-Za-z0-9_.-]*)(\\*[\"']?\s*:\s*\\*[\"']?)([^\s\"',;&{}\[\]\\]{8,})")
_SPOKEN_OPTION = re.compile(r"(?<!\S)(--?[A-Za-z][A-Za-z0-9_-]*)(\s+)([^\s\"'-][^\s\"']*)")
_OPTION = re.compile(r"-{1,2}([A-Za-z][A-Za-z0-9_-]*)$")
_KEY_OF_AZURE = re.compile(r"(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==)(?![A-Za-z0-9+/=])")
_BROKEN_ENVIRONMENT = re.compile(r"\\*[\"']\\*env(?:ironment(?:_?variables?)?)?\\*[\"']\s*:", re.IGNORECASE)
_WORD = re.compile(r"[^\s{}\[\]:,\"'\\]+")
_SHORTEST = 6  # characters of a secret that is looked for elsewhere: shorter ones stand in every second word
_DEPTH = 40


class EvidenceMask:
    """Masks raw replies, and remembers what it hid. ``secrets`` are known from elsewhere: the context's own keys."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = {secret for secret in secrets if len(secret) >= _SHORTEST}

    def masked(self, value: Any) -> Any:
        """Return ``value`` (JSON's kinds, or a text) without its secrets."""
        return self._value(value, "", 0)

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
        if isinstance(value, str) and len(value) >= _SHORTEST and MASK not in value:
            self._secrets.add(value)
        return MASK

    def _value(self, value: Any, name: str, depth: int) -> Any:
        if depth > _DEPTH:
            return MASK
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, (list, tuple)):
            return self._list(list(value), name, depth)
        return self._text(value, depth) if isinstance(value, str) else value

    def _object(self, fields: dict[Any, Any], depth: int, of_secret: bool = False) -> dict[str, Any]:
        safe: dict[str, Any] = {}
        chunks = {key: value for key, value in fields.items() if is_chunk(str(key))}
        if chunks:
            safe |= self._create_options(chunks, depth)
        for key, value in fields.items():
            if key in chunks:
                continue
            name = str(key)
            shown = self._text(name, depth)
            if _ENVIRONMENT.search(name):
                safe[shown] = self._environment(value, depth)
            elif name in _OPAQUE or (of_secret and name == "value"):
                safe[shown] = self._hide(value)
            elif is_secret_name(name) and not _NOT_SECRET.search(name):
                safe[shown] = self._secret(value, depth)
            else:
                safe[shown] = self._value(value, name, depth + 1)
        return safe

    def _secret(self, value: Any, depth: int) -> Any:
        """What stands under a secret's name: texts and numbers are hidden, objects are looked into."""
        if isinstance(value, dict):
            return self._object(value, depth + 1, of_secret=True)
        if isinstance(value, (list, tuple)):
            return [self._secret(inner, depth + 1) for inner in value]
        return value if value is None or value == "" or isinstance(value, bool) else self._hide(value)

    def _list(self, values: list[Any], name: str, depth: int) -> list[Any]:
        safe = []
        before = ""
        for value in values:
            option = _OPTION.match(before)
            if isinstance(value, str) and option and is_secret_name(option.group(1)):
                safe.append(self._hide(value))
            else:
                safe.append(self._value(value, name, depth + 1))
            before = value if isinstance(value, str) else ""
        return safe

    def _create_options(self, chunks: dict[str, Any], depth: int) -> dict[str, Any]:
        """Create options: joined before they are looked at, since a chunk may end in the middle of a secret."""
        values = list(chunks.values())
        if len(values) == 1 and not isinstance(values[0], str):
            return {key: self._value(value, "", depth + 1) for key, value in chunks.items()}
        try:
            text = join(chunks)
        except ChunkGap:
            return {key: MASK if isinstance(value, str) else self._value(value, "", depth + 1) for key, value in chunks.items()}
        safe = self._text(text, depth)
        return dict(chunks) if safe == text else dict(chunk(safe))

    def _environment(self, value: Any, depth: int) -> Any:
        """An environment, as an object of any depth or a list of ``NAME=value``: its names stay."""
        if depth > _DEPTH:
            return MASK
        if isinstance(value, dict):
            return {self._text(str(key), depth): self._variable(str(key), inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._entry(inner, depth + 1) for inner in value]
        return self._variable("", value, depth)

    def _entry(self, entry: Any, depth: int) -> Any:
        """An entry of a list: ``NAME=value``, or what somebody wrote in its place."""
        name, equals, inner = entry.partition("=") if isinstance(entry, str) else ("", "", "")
        if not equals:
            return self._variable("", entry, depth)
        self._learn(name, inner)
        return f"{self._text(name, depth)}={MASK}"

    def _variable(self, name: str, value: Any, depth: int) -> Any:
        """A variable's value: hidden, in objects (``{"value": …}``) and in JSON that is quoted too."""
        if isinstance(value, dict):
            return {self._text(str(key), depth): self._variable(name, inner, depth + 1) for key, inner in value.items()}
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
        random = len(value) >= 16 and not re.search(r"[^A-Za-z0-9+/=_-]", value) and re.search(r"\d", value)
        if is_secret_name(name) or mask(value) != value or random:
            self._hide(value)

    def _text(self, text: str, depth: int) -> str:
        if text.lstrip()[:1] in ("{", "[", '"') and depth <= _DEPTH:
            try:
                inner = json.loads(text)
            except (ValueError, RecursionError):
                inner = None
            if isinstance(inner, (dict, list, str)) and inner != text:
                safe = self._value(inner, "", depth + 1)
                return text if safe == inner else json.dumps(safe, ensure_ascii=False, separators=(",", ":"))
        start = _BROKEN_ENVIRONMENT.search(text)
        if start:  # JSON that does not parse: from its environment on, nothing but the punctuation is shown
            text = text[: start.end()] + _WORD.sub(MASK, text[start.end() :])
        text = _ASSIGNMENT.sub(self._assignment, text)
        text = _STATEMENT.sub(lambda found: self._pair(found, re.search(r"\d", found.group(3)) is not None), text)
        text = _SPOKEN_OPTION.sub(self._pair, text)
        return _KEY_OF_AZURE.sub(lambda key: self._hide(key.group(0)), mask(text))

    def _pair(self, found: re.Match[str], secret: bool = True) -> str:
        """``name: value`` (words follow a colon in prose as well: only what holds a digit is a value), or ``--name value``."""
        name, between, value = found.groups()
        return f"{name}{between}{self._hide(value)}" if secret and is_secret_name(name.lstrip("-")) else found.group(0)

    def _assignment(self, found: re.Match[str]) -> str:
        name, value = found.groups()
        return f"{name}={self._hide(value)}" if is_secret_name(name.lstrip("-")) else found.group(0)


def _forms(secret: str) -> set[str]:
    """The secret as it stands, and as it stands within JSON that is quoted once and twice."""
    once = json.dumps(secret)[1:-1]
    return {secret, once, json.dumps(once)[1:-1]}
