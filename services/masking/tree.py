"""The one rule of what is a secret, over objects, lists and the JSON within texts: everything that is shown or kept goes through it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from services.chunks import ChunkGap, chunk, join
from services.masking.arguments import Word, argument_spans
from services.masking.names import is_secret_name, names, words_of
from services.masking.shapes import Span, is_etag
from services.masking.text import MASK, MASKED, merged, spans

Hide = Callable[[str], str]

_DEPTH = 40
_LONGEST = 1 << 20  # characters; a hub's whole twin has 32 KB
_PASSES = 6
_ENTRY = re.compile(r"-{0,2}(?:[Dd](?=[a-z]))?([A-Za-z_][\w.-]*)=(?=[^=])")
_TORN = re.compile(r"\s*(?:\{\s*\\*[\"'}]|\[\s*(?:\\*[\"']|\{))")
# What stands beside a secret in an object that is named after it, and is none.
_BESIDE = names(
    """
    address server serveraddress registry host hostname url uri endpoint username user login name id key_id keyid kid kty alg use type
    kind scheme realm port email enabled description $lastUpdated $lastUpdatedVersion $version $etag etag version expiry expires
    issuer audience tenant tenantid clientid scope algorithm sizelimit mode state status
    """
)
_NAME_FIELDS = ("name", "key", "variable", "var", "env", "field", "property", "header", "option", "parameter", "setting")
_VALUE_FIELDS = frozenset(("value", "val", "values", "content", "data", "default", "defaultvalue", "text", "v"))
_PRIVATE_OF_JWK = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
# Names whose values are digests, ids and the like: their entropy is their form.
_IDS = names(
    """
    etag digest digests hash sha sha1 sha256 sha512 md5 checksum image images thumbprint fingerprint id ids guid uuid version revision
    commit generation tag tags created updated at time timestamp layer layers
    """
)


def plain(_: str) -> str:
    """Hide a secret without a word of it."""
    return MASK


class Masking:
    """Masks with ``hide``, which is given each secret and returns its stand-in: MASK, or MASK and a digest in brackets.

    JSON that is torn is hidden whole in trees, since what stands in it cannot be told; not so with ``show_torn``, for replies that
    are to be shown as they came. Create options are always.
    """

    def __init__(self, hide: Hide = plain, *, show_torn: bool = False) -> None:
        self._hide = hide
        self._show_torn = show_torn

    def text(self, text: str, ids: bool = False) -> str:
        """Return ``text`` without its secrets; the rest stays to the letter. ``ids``: it is one, and entropy hides nothing."""
        return self._until_settled(text, lambda current: spans(current, entropy=not ids))

    def document(self, text: str) -> str:
        """Return a text that is JSON, as create options are, without its secrets; what is torn is hidden whole."""
        if not text.strip() or MASKED.fullmatch(text):
            return text
        inner = _json(text)
        if inner is None:
            return self._hide(text)
        safe = self.tree(inner)
        return text if safe == inner else json.dumps(safe, ensure_ascii=False, separators=(",", ":"))

    def tree(self, value: Any) -> Any:
        """Return a copy of ``value`` (JSON's kinds) without its secrets: the same shape, with texts in the place of what is hidden."""
        return self._node(value, "", False, 0)

    def _node(self, value: Any, name: str, secret: bool, depth: int) -> Any:
        if depth > _DEPTH:
            return self._hide(repr(value)) if value not in (None, "", True, False) and not _is_masked(value) else value
        if isinstance(value, Mapping):
            return self._object(value, secret, depth)
        if isinstance(value, (list, tuple)):
            return self._list(list(value), name, secret, depth)
        if isinstance(value, str):
            return self._whole(value) if secret else self._string(value, name, depth)
        if secret and isinstance(value, (int, float)) and not isinstance(value, bool):
            return self._hide(str(value))
        return value

    def _whole(self, value: str) -> str:
        return self._hide(value) if value and not MASKED.fullmatch(value) else value

    def _object(self, fields: Mapping[Any, Any], secret: bool, depth: int) -> dict[str, Any]:
        safe: dict[str, Any] = {}
        chunks = {str(key): value for key, value in fields.items() if "createoptions" in str(key).lower()}
        if chunks:
            safe |= self._chunks(chunks, depth)
        lower = {str(key).lower(): value for key, value in fields.items()}
        named = next((lower[field] for field in _NAME_FIELDS if isinstance(lower.get(field), str)), None)
        pair = named is not None and not _VALUE_FIELDS.isdisjoint(lower)
        of_secret = pair and is_secret_name(str(named))
        for key, value in fields.items():
            name = str(key)
            if name in chunks:
                continue
            small = name.lower()
            if pair and small in _NAME_FIELDS and value == named:
                hidden = False
            elif small in _VALUE_FIELDS and pair:
                hidden = of_secret or secret
            else:
                hidden = is_secret_name(name) or (secret and name not in _BESIDE and small not in _BESIDE)
                hidden = hidden or (lower.get("kind") == "Secret" and small in ("data", "stringdata"))
                hidden = hidden or ("kty" in lower and name in _PRIVATE_OF_JWK)
            safe[self.text(name)] = self._node(value, name, hidden, depth + 1)
        return safe

    def _list(self, values: list[Any], name: str, secret: bool, depth: int) -> list[Any]:
        if secret:
            return [self._node(value, name, True, depth + 1) for value in values]
        places = [place for place, value in enumerate(values) if isinstance(value, str)]
        words = [Word(values[place], 0) for place in places]
        secrets: dict[int, list[Span]] = {}
        for number, begin, end in argument_spans(words, listed=True):
            secrets.setdefault(places[number], []).append((begin, end))
        if len(values) == 2 and len(places) == 2 and is_secret_name(values[0]) and "=" not in values[0] and " " not in values[0]:
            secrets.setdefault(1, []).append((0, len(values[1])))
        safe = []
        for place, value in enumerate(values):
            if not isinstance(value, str):
                safe.append(self._node(value, name, False, depth + 1))
                continue
            matches = secrets.get(place, [])
            entry = _ENTRY.match(value)
            if entry and is_secret_name(entry.group(1)):
                matches.append((entry.end(), len(value)))
            hidden = self._replaced(value, merged(value, matches)) if matches else value
            safe.append(self._string(hidden, name, depth + 1))
        return safe

    def _chunks(self, chunks: dict[str, Any], depth: int) -> dict[str, Any]:
        """Mask create options: joined first, since a chunk may end in the middle of a secret; with a gap each is hidden whole."""
        values = list(chunks.values())
        if len(values) == 1 and not isinstance(values[0], str):
            return {key: self._node(value, "", False, depth + 1) for key, value in chunks.items()}
        try:
            text = join(chunks)
        except ChunkGap:
            return {
                key: self._whole(value) if isinstance(value, str) else self._node(value, "", True, depth + 1)
                for key, value in chunks.items()
            }
        safe = self.document(text)
        return dict(chunks) if safe == text else dict(chunk(safe))

    def _string(self, text: str, name: str, depth: int) -> str:
        if is_etag(text):
            return text
        if text.lstrip()[:1] in ("{", "[", '"') and depth <= _DEPTH:
            inner = _json(text)
            if isinstance(inner, (dict, list)) or (isinstance(inner, str) and inner != text):
                safe = self._node(inner, name, False, depth + 1)
                return text if safe == inner else json.dumps(safe, ensure_ascii=False, separators=(",", ":"))
            if inner is None and _TORN.match(text) and not self._show_torn:
                return self._hide(text)
        entry = _ENTRY.match(text)
        if entry and is_secret_name(entry.group(1)):
            if not re.search(r"[;\s]", text.strip()):
                return text[: entry.end()] + self._whole(text[entry.end() :])
        elif entry and depth < _DEPTH:  # NAME=VALUE: the value is looked at for itself, it may be JSON, a URL, a command
            value = self._string(text[entry.end() :], entry.group(1), depth + 1)
            return self.text(text[: entry.end()], ids=True) + value
        return self.text(text, ids=bool(_IDS.intersection(words_of(name)[-1:])))

    def _until_settled(self, text: str, find: Callable[[str], list[Span]]) -> str:
        """Hide until nothing more is seen, so that masking twice is masking once; a text that does not settle is hidden whole."""
        if len(text) > _LONGEST:
            return self._hide(text)
        current = text
        for _ in range(_PASSES):
            places = find(current)
            if not places:
                return current
            current = self._replaced(current, places)
        return self._hide(text)

    def _replaced(self, text: str, places: list[Span]) -> str:
        parts, place = [], 0
        for begin, end in places:
            parts += [text[place:begin], self._hide(text[begin:end])]
            place = end
        return "".join(parts) + text[place:]


def _is_masked(value: Any) -> bool:
    return isinstance(value, str) and MASKED.fullmatch(value) is not None


def _json(text: str) -> Any:
    """Return the value of a JSON text; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
