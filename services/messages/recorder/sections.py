"""Decode the sections of a message as azure-eventhub's decoder does, at a fraction of its cost (AMQP 1.0, part 3, section 2).

``decode`` gives the same values as ``azure.eventhub._pyamqp._decode.decode_payload`` or None: what it does not know (another type,
another section, bytes that end early) is left to the SDK, message by message. The types are those that IoT Hub and its senders use.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError
from typing import Any, NamedTuple

_LONG = Struct(">q").unpack_from
_ULONG = Struct(">Q").unpack_from
_SIZE = Struct(">I").unpack_from
_DOUBLE = Struct(">d").unpack_from
_INT = Struct(">i").unpack_from
_HEADER, _DELIVERY_ANNOTATIONS, _ANNOTATIONS, _PROPERTIES, _APPLICATION, _DATA = range(0x70, 0x76)
_HEADER_FIELDS, _PROPERTY_FIELDS = 5, 13
ENDS_EARLY = (IndexError, StructError)  # what reading beyond the last byte raises
_KEPT = (0, 1, 5, 6, 7)  # the places of ``Properties`` among the section's fields


class Properties(NamedTuple):
    """The fields of the section ``properties`` that a row of the journal keeps."""

    message_id: Any = None
    user_id: Any = None
    correlation_id: Any = None
    content_type: Any = None
    content_encoding: Any = None


class Sections(NamedTuple):
    """A message's sections, by the names that azure-eventhub's message has for them; the body is of ``data`` sections alone."""

    annotations: dict[Any, Any]
    properties: Properties | None
    application_properties: dict[Any, Any] | None
    body: list[bytes]


class Unknown(Exception):
    """Bytes that are left to the SDK."""


def decode(payload: bytes) -> Sections | None:
    """Return the sections of a message, None where the SDK's decoder has to look at it."""
    annotations: dict[Any, Any] | None = None
    properties: Properties | None = None
    application: dict[Any, Any] | None = None
    body: list[bytes] = []
    place, end = 0, len(payload)
    try:
        while place < end:
            if payload[place] or payload[place + 1] != 0x53:
                return None
            section = payload[place + 2]
            if section == _DATA:
                code = payload[place + 3]
                if code == 0xB0:
                    start = place + 8
                    place = start + _SIZE(payload, place + 4)[0]
                elif code == 0xA0:
                    start = place + 5
                    place = start + payload[place + 4]
                else:
                    return None
                body.append(payload[start:place])
            elif section == _ANNOTATIONS and annotations is None:
                annotations, place = _map(payload, place + 3)
            elif section == _APPLICATION and application is None:
                application, place = _map(payload, place + 3)
            elif section == _PROPERTIES and properties is None:
                fields, place = _list(payload, place + 3, _PROPERTY_FIELDS)
                properties = Properties(*[fields[number] for number in _KEPT])
            elif section == _HEADER and place == 0:
                _, place = _list(payload, place + 3, _HEADER_FIELDS)
            elif section == _DELIVERY_ANNOTATIONS and annotations is None:
                _, place = _map(payload, place + 3)
            else:
                return None
    except (Unknown, TypeError, *ENDS_EARLY):
        return None
    if place != end or annotations is None or not body:
        return None
    return Sections(annotations, properties, application, body)


def read_head(data: bytes, place: int, short: int) -> tuple[int, int, int]:
    """Return where the list or map at ``place`` ends, how many values it has, and where the first stands.

    ``short`` is the code of its form with sizes of one byte; the form with four is 0x10 above it. Anything else raises ``Unknown``.
    """
    code = data[place]
    if code == short:
        return place + 2 + data[place + 1], data[place + 2], place + 3
    if code == short + 0x10:
        return place + 5 + _SIZE(data, place + 1)[0], _SIZE(data, place + 5)[0], place + 9
    raise Unknown


def _map(payload: bytes, place: int) -> tuple[dict[Any, Any], int]:
    """Return the map at ``place`` and where it ends."""
    end, count, place = read_head(payload, place, 0xC1)
    values: dict[Any, Any] = {}
    for _ in range(count // 2):
        code = payload[place]
        if code not in (0xA1, 0xA3):
            raise Unknown
        start = place + 2
        place = start + payload[place + 1]
        key = payload[start:place]
        code = payload[place]
        if code in (0xA1, 0xA3, 0xA0):  # text, symbol and binary: bytes, as the SDK gives them
            start = place + 2
            place = start + payload[place + 1]
            values[key] = payload[start:place]
        elif code in (0x83, 0x81):  # a time in ms since 1970, a number
            values[key] = _LONG(payload, place + 1)[0]
            place += 9
        else:
            values[key], place = _value(payload, place)
    if place != end or count % 2:
        raise Unknown
    return values, place


def _value(payload: bytes, place: int) -> tuple[Any, int]:
    """Return the value at ``place`` and where it ends."""
    code = payload[place]
    if code in (0xA1, 0xA3, 0xA0):
        end = place + 2 + payload[place + 1]
        return payload[place + 2 : end], end
    if code in (0xB1, 0xB3, 0xB0):
        end = place + 5 + _SIZE(payload, place + 1)[0]
        return payload[place + 5 : end], end
    if code in (0x83, 0x81):
        return _LONG(payload, place + 1)[0], place + 9
    if code == 0x80:
        return _ULONG(payload, place + 1)[0], place + 9
    if code == 0x82:
        return _DOUBLE(payload, place + 1)[0], place + 9
    if code == 0x71:
        return _INT(payload, place + 1)[0], place + 5
    if code == 0x70:
        return _SIZE(payload, place + 1)[0], place + 5
    if code in (0x55, 0x54):
        number = payload[place + 1]
        return number - 256 if number > 127 else number, place + 2
    if code in (0x53, 0x52, 0x50):
        return payload[place + 1], place + 2
    if code == 0x40:
        return None, place + 1
    if code in (0x41, 0x42):
        return code == 0x41, place + 1
    if code in (0x43, 0x44):
        return 0, place + 1
    raise Unknown


def _list(payload: bytes, place: int, most: int) -> tuple[list[Any], int]:
    """Return the ``most`` fields of the list at ``place``, of which the last ones may be left out, and where it ends."""
    if payload[place] == 0x45:
        return [None] * most, place + 1
    end, count, place = read_head(payload, place, 0xC0)
    if count > most:
        raise Unknown
    fields: list[Any] = [None] * most
    for number in range(count):
        fields[number], place = _value(payload, place)
    if place != end:
        raise Unknown
    return fields, place
