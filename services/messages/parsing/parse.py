"""What a message says: the sample clients' texts, JSON, else text or hex. Hostile text is made harmless here.

The texts are those of the sample clients (docs/facts/iot-hub.md). They are taken apart with ``find`` instead of a regular expression
with two greedy groups, which takes quadratic time on a hostile body of 256 KB.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timezone
from math import isfinite as _finite
from typing import Any, NamedTuple

from services.messages.parsing.body_text import decode, unpacked_text
from services.messages.parsing.error_reason import error_reason
from services.messages.parsing.field_names import Meaning, meaning
from services.messages.parsing.loose_json import STRAY, load, without_quotes, without_stray
from services.messages.parsing.quantity import quantity
from services.messages.parsing.readable import as_written, readable
from services.records import InferenceMessage, MessageKind
from services.text import clean, counted, one_line

KINDS: tuple[MessageKind, ...] = ("result", "flashing", "tensor-names", "error", "json", "text", "binary")
_NUMBER = {kind: number for number, kind in enumerate(KINDS)}
_RESULT, _FLASHING, _TENSORS, _ERROR, _JSON, _TEXT, _BINARY = range(7)
_ERRORS = (_FLASHING, _TENSORS, _ERROR)

_UNPACKED_KEPT = 256 * 1024  # characters of what a body unpacks to: the hub takes no larger message
_LABEL_LIMIT = 200
# As clients' logs begin: a time and a level, an exception's name, or the level as a field.
_COMPLAINT = re.compile(
    r"[-\d\s:.,TZ+\[\]|/]{0,64}(?:ERROR|FATAL|CRITICAL|Error|error)(?:\]|:|\b(?<=[A-Z]))|Traceback \(most recent call last\)"
    r"|[A-Z][\w.]{0,100}(?:Error|Exception): |.{0,200}?\b(?:level|severity)=\"?(?:error|fatal|critical)\b",
    re.ASCII,
)
_LINE_LIMIT = 2_000
_SAMPLE_LIMIT = 8_192
_HEX_LIMIT = 262_144
_VALUE_LIMIT = 4_096
_DEEP = 32
_TIME = frozenset("-.,0123456789eE+")
_NO_CONTROLS = dict.fromkeys(set(range(32)) - {9, 10, 12, 13, 27} | {127})
_AROUND_A_LINE = STRAY + "\u2400"
_STRAY_BYTES = bytes(range(33)) + b"\x7f\xef\xbb\xbf"

_PRINTABLE = bytes(byte if 32 <= byte < 127 else ord(".") for byte in range(256))


class Derived(NamedTuple):
    """What filters and statistics need of a body. ``text`` is the body decoded where its bytes are not UTF-8 as they stand."""

    kind: int
    milliseconds: float | None = None
    confidence: float | None = None
    label: str | None = None
    text: str | None = None
    picture: str = ""


def derive(
    body: bytes, content_type: str = "", content_encoding: str = "", meaning_of: Callable[[Any], Meaning] = meaning
) -> Derived:
    """Take ``body`` apart; ``meaning_of`` says what JSON means. Never raises, whatever the body holds."""
    # The sample client sends neither.
    if not content_encoding and not content_type and (body[:1] in (b"(", b"U") or body.startswith(b"The image ")):
        text = _utf8(body)
        if text is not None:
            return _sample(text) or _plain(text)
    text = decode(body, content_type, content_encoding)
    if text is None:
        return _undeclared(body, meaning_of)
    as_sent = not content_encoding and not content_type
    as_it_stands = as_sent or text.encode("utf-8", "surrogatepass") == body
    derived = _for_programs(text, "json" in content_type.lower(), meaning_of)
    if derived is None:
        if as_it_stands and not content_encoding:
            return _plain(text)
        derived = Derived(_ERROR if _COMPLAINT.match(text.lstrip(STRAY)) else _TEXT)
    return derived._replace(text=_searchable(text)) if not as_it_stands or "\0" in text else derived


def is_foreign(kind: int, body: bytes) -> bool:
    """Return whether a body may be JSON of another client than the samples, to which a context's rule applies."""
    return kind in (_RESULT, _JSON, _ERROR) and not body.startswith((b"(", b"The image ", b"Unable to inference "))


def _undeclared(body: bytes, meaning_of: Callable[[Any], Meaning]) -> Derived:
    """Return a body that is no text as it stands: packed without a word of it, or a text for programs with stray bytes in or behind it."""
    text = unpacked_text(body)
    if text is not None:
        derived = _for_programs(text, False, meaning_of)
        if derived is not None or body[:1] in (b"\x1f", b"\x78"):  # of anything, deflate may make a few letters
            return (derived or _plain(text))._replace(text=_searchable(text))
    if body.lstrip(_STRAY_BYTES)[:1] in (b"{", b"[", b'"', b"(", b"U", b"T"):
        text = body.decode("utf-8", "replace")
        derived = _for_programs(text, False, meaning_of)
        if derived is not None:
            return derived._replace(text=_searchable(text))
    return Derived(_BINARY)


def _for_programs(text: str, declared: bool, meaning_of: Callable[[Any], Meaning]) -> Derived | None:
    """Return a sample client's text or JSON, whatever stray characters stand around it; None for any other."""
    bare = without_stray(text)
    derived = _sample(bare) or _json(bare, declared, meaning_of)
    if derived is None and (inner := without_quotes(bare)):
        derived = _json(inner, declared, meaning_of)
    return derived


def _searchable(text: str) -> str:
    """Return the text to keep beside a body: SQLite's LIKE ends at a NUL."""
    text = text.replace("\0", "\u2400")
    return text if len(text) <= _UNPACKED_KEPT else text[:_UNPACKED_KEPT] + " …"


def _utf8(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _plain(text: str) -> Derived:
    """Return text, or binary where more than a tenth of it are control characters; a text's fixed buffer may end in NULs."""
    sample = text.rstrip("\0")[:4096]
    controls = len(sample) - len(sample.translate(_NO_CONTROLS))
    if controls * 10 > len(sample) or (text and not sample):
        return Derived(_BINARY)
    kind = _ERROR if _COMPLAINT.match(text) else _TEXT
    return Derived(kind, text=_searchable(text) if "\0" in text else None)


def _sample(text: str) -> Derived | None:
    """Return the sample clients' texts; None for any other."""
    text, _, _ = text.partition("\0")  # behind a NUL stands what a buffer held before
    if text.startswith(("(", "The image ")):
        return _result(text)
    if text.startswith("Unable to inference "):
        if text.startswith("because AzureML host container is not done flashing", 20):
            return Derived(_FLASHING)
        if text.startswith("because the names of the input and output tensors", 20):
            return Derived(_TENSORS)
        return Derived(_ERROR)
    return None


def _result(text: str) -> Derived | None:
    if len(text) > _SAMPLE_LIMIT:
        return None
    text = text.rstrip(STRAY)
    milliseconds = None
    start = 10
    if text[0] == "(":  # the sample's versions of 2019 say no time
        end = text.find(" ms) The image ", 1, 40)
        if end < 0 or not _TIME.issuperset(text[1:end]):
            return None
        start = end + 15
        milliseconds = _number(text[1:end])
        milliseconds = None if milliseconds is not None and milliseconds < 0 else milliseconds
    at = text.rfind(" with confidence ", start)
    if at > 0 and text[-1] == ".":
        was = text.rfind(" was classified as ", start, at)
        confidence = _number(text[at + 17 : -1])
        if was > start and at > was + 19 and confidence is not None:
            return Derived(_RESULT, milliseconds, confidence, text[was + 19 : at][:_LABEL_LIMIT], None, text[start:was])
    at = text.rfind(" is a '", start)
    if at > start and text.endswith("'."):
        return Derived(_RESULT, milliseconds, None, text[at + 7 : -2][:_LABEL_LIMIT], None, text[start:at])
    return None


def _number(text: str) -> float | None:
    """Read a number as Python's clients write it, quickly; ``quantity`` knows how others do."""
    try:
        number = float(text)
    except ValueError:
        amount = quantity(text)
        return None if amount is None or amount.unit else amount.number
    return number if _finite(number) else None


def _json(text: str, declared: bool, meaning_of: Callable[[Any], Meaning]) -> Derived | None:
    if not declared and not text.startswith(("{", "[", '"')):
        return None
    try:
        value = load(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, str):
        sample = _sample(without_stray(value))  # the sample client's text as a JSON string
        if sample is not None or not declared:
            return sample
    result = meaning_of(value)
    kind = _ERROR if result.error else _JSON if result.label is None else _RESULT
    return Derived(kind, result.milliseconds, result.confidence, result.label, None, result.picture)


# -- rows of the journal become messages

# The first two parameters are how many bytes to read of text and of body (``to_read``). As blobs: of text, substr ends at a NUL;
# of nothing it gives NULL.
COLUMNS = (
    "message.row, part.partition, message.sequence, message.offset, message.enqueued, origin.device, origin.module, message.kind,"
    " CASE WHEN message.text IS NOT NULL THEN coalesce(substr(CAST(message.text AS BLOB), 1, ?), x'') END,"
    " coalesce(substr(message.body, 1, ?), x''), length(message.body),"
    " coalesce(length(CAST(message.text AS BLOB)), length(message.body)), message.ms, message.confidence, message.label,"
    " message.properties, message.system, origin.content_type, origin.content_encoding, origin.rest, mark.row IS NOT NULL"
)


def to_read(limit: int | None) -> int:
    """Return how much of a body ``parse`` needs to show ``limit`` characters: a character has four bytes at most."""
    return 2**31 - 1 if limit is None else 4 * max(limit, _LINE_LIMIT + 1)


def parse(raw: tuple[Any, ...], limit: int | None = None) -> InferenceMessage:
    """Return a row of the journal (``COLUMNS``) as a message, sanitised.

    ``text`` is one line of at most 2,000 characters; ``body`` the first ``limit`` characters, or bytes as a hex dump where it
    is not text; without a limit the whole, up to 256 KiB of it as a hex dump. ``picture`` is empty where it stands in JSON of
    which not all was read. Values that cannot be read, as an older console may have written them, are named among the system
    properties.
    """
    unreadable: list[str] = []
    if not as_written(raw):
        raw = readable(raw, unreadable)
    (row, partition, sequence, offset, enqueued, device, module, kind, text, body, size, text_size, ms, confidence, label,
     properties, system, content_type, content_encoding, rest, marked) = raw  # fmt: skip
    picture = reason = ""
    if kind == _BINARY:
        part = body[: _HEX_LIMIT if limit is None else limit]
        dump, rest_size = hex_dump(part), size - len(part)
        letters = body[:64].translate(_PRINTABLE).decode("ascii")
        line = f"{counted(size, 'byte')}: {body[:12].hex(' ')}{' …' if size > 12 else ''} |{letters}|"
    else:
        whole = (body if text is None else text).decode("utf-8", "replace")
        part = whole[:limit]
        dump, rest_size = clean(part), 0 if limit is None else max(0, text_size - len(part.encode("utf-8", "replace")))
        line = one_line(whole[: _LINE_LIMIT + 1].strip(_AROUND_A_LINE), _LINE_LIMIT) or ("(white space)" if size else "(empty)")
        if kind in (_RESULT, _JSON) and len(body) == size:
            picture = derive(body, content_type, content_encoding).picture
        if kind in _ERRORS:
            reason = one_line(error_reason(whole), _LINE_LIMIT)
    return InferenceMessage(
        row=row,
        partition=partition,
        sequence_number=sequence,
        offset=one_line(offset or "", 100),
        enqueued=moment(enqueued),
        device=one_line(device, 256),
        module=one_line(module, 256),
        kind=KINDS[kind],
        text=line,
        reason=reason,
        picture=one_line(picture, 512),
        label=one_line(label or "", _LABEL_LIMIT),
        confidence=confidence,
        milliseconds=ms,
        body=dump,
        body_size=size,
        body_left=rest_size,
        properties=_cleaned(properties),
        system_properties={
            **_cleaned(rest),
            **({"content-type": one_line(content_type, 256)} if content_type else {}),
            **({"content-encoding": one_line(content_encoding, 256)} if content_encoding else {}),
            **_cleaned(system),
            **({"unreadable": ", ".join(unreadable)} if unreadable else {}),
        },
        marked=bool(marked),
    )


def moment(milliseconds: int) -> datetime:
    """Return the milliseconds since 1970 as a time in UTC; the ends of the calendar for clocks that are beyond it."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        end = datetime.max if milliseconds > 0 else datetime.min
        return end.replace(tzinfo=timezone.utc)


def hex_dump(body: bytes) -> str:
    """Return a hex dump, sixteen bytes a line: offset, hex, and the printable characters."""
    lines = []
    for start in range(0, len(body), 16):
        part = body[start : start + 16]
        lines.append(f"{start:08x}  {part.hex(' '):<47}  {part.translate(_PRINTABLE).decode('ascii')}")
    return "\n".join(lines)


def _cleaned(text: str | None) -> dict[str, Any]:
    """Return the properties in a JSON object, sanitised however deep they are nested."""
    if not text:
        return {}
    try:
        properties = json.loads(text)
    except (ValueError, RecursionError):
        properties = None
    if not isinstance(properties, dict):
        return {"unreadable": one_line(text, _VALUE_LIMIT)}
    return {one_line(name, 256): _clean_value(value, _DEEP) for name, value in properties.items()}


def _clean_value(value: Any, deep: int) -> Any:
    if isinstance(value, str):
        return one_line(value, _VALUE_LIMIT)
    if isinstance(value, float):
        return value if _finite(value) else json.dumps(value)
    if not isinstance(value, (dict, list)):
        return value
    if not deep:
        return "…"
    if isinstance(value, list):
        return [_clean_value(item, deep - 1) for item in value]
    return {one_line(name, 256): _clean_value(item, deep - 1) for name, item in value.items()}
