"""Messages taken before the SDK decodes them are the rows that its own decoding gives, or are left to it."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from azure.eventhub import EventData
from azure.eventhub._pyamqp._decode import decode_frame, decode_payload
from hypothesis import given, settings
from hypothesis import strategies as st

from services.lab.wire.amqp.encode import encode, encode_map
from services.lab.wire.amqp.types import Symbol, Timestamp, UInt, ULong
from services.messages.journal.rows import RawMessage
from services.messages.recorder import events
from services.messages.recorder.events import raw_message
from services.messages.recorder.sections import decode
from services.messages.recorder.transfers import TRIED_WITH, sdk_source, take_transfers, transfers

NAMES = st.sampled_from(
    ["x-opt-sequence-number", "x-opt-offset", "x-opt-enqueued-time", "iothub-enqueuedtime", "iothub-connection-device-id",
     "iothub-connection-module-id", "iothub-connection-auth-method", "iothub-message-source", "x-opt-partition-key"]
) | st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), min_size=1, max_size=20)  # fmt: skip
NUMBERS = st.integers(0, 2**53) | st.integers(-(2**63), 2**63 - 1)
VALUES = st.one_of(
    st.none(), st.booleans(), NUMBERS, NUMBERS.map(Timestamp), st.integers(0, 2**64 - 1).map(ULong), st.integers(0, 2**32 - 1).map(UInt),
    st.floats(), st.text(max_size=300), st.binary(max_size=300), st.uuids(), NAMES.map(Symbol), st.lists(st.integers(0, 9), max_size=3),
)  # fmt: skip


def section(code: int, content: bytes) -> bytes:
    return b"\x00\x53" + bytes((code,)) + content


@st.composite
def annotations(draw: Any) -> bytes:
    values = draw(st.dictionaries(NAMES, VALUES, max_size=6))
    if draw(st.booleans()):
        number = draw(st.integers(0, 2**40))
        values |= {
            "x-opt-sequence-number": number,
            "x-opt-offset": str(number),
            "x-opt-enqueued-time": Timestamp(1_700_000_000_000),
        }
    return encode({Symbol(name): value for name, value in values.items()})


BODIES = st.lists(
    st.binary(max_size=400) | st.just(b"(84 ms) The image a.jpg was classified as cat with confidence 0.9."), max_size=3
)


@st.composite
def messages(draw: Any) -> bytes:
    parts = []
    if draw(st.booleans()):
        parts.append(section(0x70, encode(draw(st.lists(VALUES, max_size=6)))))
    if draw(st.booleans()):
        parts.append(section(0x71, draw(annotations())))
    if draw(st.integers(0, 9)):
        parts.append(section(0x72, draw(annotations())))
    if draw(st.booleans()):
        parts.append(section(0x73, encode(draw(st.lists(VALUES, max_size=14)))))
    if draw(st.booleans()):
        own = draw(st.dictionaries(st.text(max_size=20), VALUES, max_size=4))
        parts.append(section(0x74, encode_map(part for name, value in own.items() for part in (encode(name), encode(value)))))
    parts += [section(0x75, encode(body)) for body in draw(BODIES)]
    if not draw(st.integers(0, 9)):
        parts.append(section(draw(st.sampled_from([0x76, 0x77, 0x78])), encode(draw(st.lists(VALUES, max_size=2)))))
    return b"".join(parts)


def by_the_sdk(payload: bytes) -> RawMessage | None:
    try:
        return raw_message(EventData._from_message(decode_payload(memoryview(payload))).raw_amqp_message)
    except Exception:  # noqa: BLE001 - whatever the SDK raises: it cannot read it
        return None


@pytest.fixture(autouse=True, scope="module")
def clock():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events.time, "time", lambda: 1_700_000_000.0)
        yield


@settings(max_examples=1_000)
@given(messages())
def test_a_message_gives_the_row_that_the_sdk_s_decoding_gives(payload: bytes):
    sections = decode(payload)
    assert sections is None or repr(raw_message(sections)) == repr(by_the_sdk(payload))


@settings(max_examples=1_000)
@given(messages(), st.data())
def test_a_damaged_message_is_read_as_the_sdk_reads_it_or_left_to_it(payload: bytes, data: st.DataObject):
    damaged = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 3))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    short = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    for text in (bytes(damaged), short):
        sections = decode(text)
        assert sections is None or repr(raw_message(sections)) == repr(by_the_sdk(text))


def hub_message(number: int, body: bytes = b"hello", **more: Any) -> bytes:
    """As IoT Hub sends it to a reader."""
    stamps = {
        "iothub-connection-device-id": "edge-1",
        "iothub-connection-module-id": "eye",
        "iothub-connection-auth-method": '{"scope":"module"}',
        "iothub-enqueuedtime": Timestamp(1_700_000_000_000 + number),
        "x-opt-sequence-number": number,
        "x-opt-offset": str(number * 400),
        "x-opt-enqueued-time": Timestamp(1_700_000_000_000 + number),
        **more,
    }
    return section(0x72, encode({Symbol(name): value for name, value in stamps.items()})) + section(0x75, encode(body))


def test_what_a_hub_sends_is_not_left_to_the_sdk():
    for payload in (hub_message(7), section(0x70, encode([True, None, None, None, UInt(0)])) + hub_message(7)):
        sections = decode(payload)
        assert sections is not None and raw_message(sections) == by_the_sdk(payload)
        assert raw_message(sections).sequence == 7 and raw_message(sections).body == b"hello"


def frame(payload: bytes, *fields: Any, channel: int = 1, handle: int = 2, number: int = 5) -> bytes:
    """A transfer's frame; ``fields`` follow on the delivery tag."""
    performative = section(0x14, encode([UInt(handle), UInt(number), b"tag", *(fields or (UInt(0), True, False))]))
    return struct.pack(">IBBH", 8 + len(performative) + len(payload), 2, 0, channel) + performative + payload


def rows_of(data: bytes, most: int = 100) -> tuple[list[int], int]:
    rows, end, _ = transfers(data, 1, 2, most)
    return [row.sequence for row in rows], end


def test_whole_transfers_are_taken_and_the_rest_stays():
    frames = [frame(hub_message(number), number=number) for number in range(1000, 1005)]
    data, length = b"".join(frames), len(frames[0])
    assert rows_of(data) == ([1000, 1001, 1002, 1003, 1004], 5 * length)
    assert rows_of(data, most=3) == ([1000, 1001, 1002], 3 * length)
    assert transfers(data, 1, 2, 100)[2] == 1004
    for place in range(len(data)):  # cut anywhere: what is whole, and no more
        assert rows_of(data[:place])[1] == place // length * length


@pytest.mark.parametrize(
    "other",
    [
        frame(hub_message(9), channel=3),
        frame(hub_message(9), handle=7),
        frame(hub_message(9), UInt(0), True, True),  # more frames follow
        frame(hub_message(9), UInt(0), True, False, None, None, True),  # resumed
        frame(hub_message(9), UInt(0), True, False, None, None, False, True),  # aborted
        frame(section(0x77, encode("a value"))),
        frame(b""),
        struct.pack(">IBBH", 8, 2, 0, 0),  # an empty frame, which keeps the connection
        struct.pack(">IBBH", 30, 2, 0, 1) + section(0x13, encode([None, UInt(5), UInt(1), UInt(5)])),  # flow
        struct.pack(">IBBH", 12, 3, 0, 1) + bytes(4),
        struct.pack(">IBBH", 5, 2, 0, 1) + bytes(30),  # a size that is none
        struct.pack(">IBBH", 16, 2, 0, 1) + section(0x14, b"\xc1\x00\x00\x00\x00"),  # a map where the list should be
    ],
)
def test_what_is_no_plain_transfer_is_left_to_the_sdk(other: bytes):
    first = frame(hub_message(1))
    assert rows_of(first + other + frame(hub_message(2))) == ([1], len(first))


@pytest.mark.parametrize("performative", [b"\xd0\x00\x00\x00\x05", b"\xc0\x05\x03\x52\x02", b"\xc0\x09\x03\x70\x00"])
def test_a_performative_that_ends_early_is_left_to_the_sdk(performative: bytes):
    first = frame(hub_message(1))
    assert rows_of(first + struct.pack(">IBBH", 16, 2, 0, 1) + section(0x14, performative)) == ([1], len(first))


@given(st.binary(max_size=200), st.integers(0, 120))
def test_garbage_behind_a_transfer_is_left_alone(garbage: bytes, place: int):
    first = frame(hub_message(1))
    sequences, end = rows_of(first + garbage)
    assert sequences[:1] == [1] and end >= len(first)
    broken = bytearray(first)
    broken[place % len(broken)] ^= 0x55
    rows, end = rows_of(bytes(broken))
    if rows:  # then it is still one that the SDK reads so
        _, fields = decode_frame(memoryview(bytes(broken[8:])))
        assert [by_the_sdk(bytes(fields[11 if len(fields) > 11 else -1])).sequence] == rows  # type: ignore[union-attr]


def test_this_is_the_sdk_that_it_was_tried_with(monkeypatch: pytest.MonkeyPatch):
    assert sdk_source() in TRIED_WITH
    sdk_source.cache_clear()
    try:
        monkeypatch.setattr("azure.eventhub._pyamqp._decode.decode_payload", by_the_sdk)  # its inside has changed
        assert not take_transfers(object())
    finally:
        sdk_source.cache_clear()
