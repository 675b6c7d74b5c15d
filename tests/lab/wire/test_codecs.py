"""Both codecs: what is written is read back; garbage ends in the protocol's own error, soon, and never in a hang."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.lab.clock import Clock
from services.lab.cloud.hub.events import EventStore
from services.lab.wire.amqp import frames
from services.lab.wire.amqp.decode import decode, decode_all
from services.lab.wire.amqp.encode import encode
from services.lab.wire.amqp.messages import event_bytes, read_message
from services.lab.wire.amqp.types import (
    Array,
    Byte,
    CodecError,
    Described,
    Int,
    Short,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
)
from services.lab.wire.mqtt import packets, topics


def whole(low: int, high: int, kind: type[int]) -> st.SearchStrategy[int]:
    return st.integers(low, high).map(kind)


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
names = st.text(st.characters(max_codepoint=126, min_codepoint=33), min_size=1, max_size=40).map(Symbol)
plain = st.one_of(
    st.none(),
    st.booleans(),
    whole(0, 255, UByte),
    whole(0, 2**16 - 1, UShort),
    whole(0, 2**32 - 1, UInt),
    whole(0, 2**64 - 1, ULong),
    whole(-128, 127, Byte),
    whole(-(2**15), 2**15 - 1, Short),
    whole(-(2**31), 2**31 - 1, Int),
    st.integers(-(2**63), 2**63 - 1),
    whole(-(2**63), 2**63 - 1, Timestamp),
    st.floats(allow_nan=False),
    st.uuids(),
    st.binary(max_size=300),
    words,
    names,
)
arrays = st.one_of(st.lists(names, max_size=5).map(Array), st.lists(words, max_size=5).map(Array))
values = st.recursive(
    st.one_of(plain, arrays),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(names, inner, max_size=5),
        st.builds(Described, whole(0, 2**64 - 1, ULong), inner),
    ),
    max_leaves=20,
)


def typed(value: Any) -> Any:
    """The value with its types, for 1 == True == UInt(1)."""
    if isinstance(value, Described):
        return "described", typed(value.descriptor), typed(value.value)
    if isinstance(value, dict):
        return {(type(key), key): typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return type(value), [typed(item) for item in value]
    return type(value), value


@given(values)
def test_amqp_values_come_back_as_they_went(value):
    data = encode(value)
    back, end = decode(data)
    assert end == len(data)
    assert typed(back) == typed(value)


@given(st.binary(max_size=400))
def test_garbage_is_a_codec_error_or_a_value(data):
    for read in (decode_all, read_message):
        with suppress(CodecError):
            read(data)


@given(values, st.data())
def test_a_value_cut_short_is_a_codec_error(value, data):
    whole_value = encode(value)
    cut = data.draw(st.integers(0, len(whole_value) - 1))
    with pytest.raises(CodecError):
        decode(whole_value[:cut])


@given(st.binary(min_size=8, max_size=300))
def test_a_garbage_frame_is_a_codec_error_or_a_frame(data):
    with suppress(CodecError):
        frames.parse_frame(data)


def test_deep_nesting_and_huge_counts_are_refused():
    for data in (b"\x00" * 10_000, b"\xd0\x00\x00\x00\x04\xff\xff\xff\xff", b"\xf0\x00\x00\x00\x05\xff\xff\xff\xff\x40"):
        with pytest.raises(CodecError):
            decode(data)


@given(words, words, st.binary(max_size=300), st.dictionaries(words, words, max_size=4))
def test_an_event_is_read_back_whole(device, kind, body, properties):
    store = EventStore(Clock(), 1)
    store.append(device, "m", body, properties, {"content-type": kind, "message-id": "1", "user-id": "u"})
    payload = event_bytes(store.read(0, -1, 1)[0])
    annotations = decode(payload)[0].value
    assert annotations["iothub-connection-device-id"] == device
    assert type(annotations["x-opt-enqueued-time"]) is Timestamp
    message = read_message(payload)
    assert message.body == body
    assert message.application_properties == properties
    assert type(message.properties["content_type"]) is Symbol
    assert message.properties["user_id"] == b"u"


@given(st.binary(max_size=200), st.integers(0, 1), st.integers(1, 65_535), words.filter(lambda t: t and not set(t) & set("#+\0")))
def test_mqtt_messages_come_back_as_they_went(payload, qos, number, topic):
    message = packets.Publish(topic, payload, qos, number if qos else None)
    buffer = bytearray(packets.publish(message))
    for end in range(len(buffer)):
        assert packets.take(bytearray(buffer[:end])) is None
    assert packets.take(buffer) == message
    assert not buffer


@given(st.binary(max_size=200))
def test_garbage_is_an_mqtt_error_a_packet_or_a_wait_for_more(data):
    buffer = bytearray(data)
    with suppress(packets.PacketError):
        while packets.take(buffer) is not None:
            pass


@given(st.dictionaries(words.filter(bool), words, max_size=4))
def test_properties_survive_the_topic(properties):
    from urllib.parse import quote

    kept = {key: value for key, value in properties.items() if not key.startswith("$.") and key != "iothub-creation-time-utc"}
    text = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in kept.items())
    assert topics.message_properties(text) == (kept, {})


@settings(max_examples=15, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=100).map(lambda tail: frames.SASL_HEADER + tail)))
def test_garbage_on_the_amqp_port_is_answered_or_closed(ports, data):
    async def send() -> bytes:
        context = ssl.create_default_context(cafile=ports.ca)
        reader, writer = await asyncio.open_connection(ports.claim.address, 5671, ssl=context)
        try:
            writer.write(data)
            # The end of what is sent: a server that waits for more sees that nothing more comes.
            writer.write(b"\x00" * 8 + b"\xff" * 16)
            return await asyncio.wait_for(reader.read(), 60)
        finally:
            writer.transport.abort()

    answer = asyncio.run(send())
    assert answer == b"" or answer.startswith(b"AMQP")


def test_what_follows_a_refused_attach_does_not_end_the_connection(ports):
    """rhea (the JavaScript SDKs) comes without SASL, and grants credit before it can know of the refusal."""

    async def send() -> bytes:
        context = ssl.create_default_context(cafile=ports.ca)
        reader, writer = await asyncio.open_connection(ports.claim.address, 5671, ssl=context)
        window = {"incoming_window": UInt(9), "next_outgoing_id": UInt(0), "outgoing_window": UInt(9)}
        source = frames.Encoded(frames.composite(frames.SOURCE, address="nothing"))
        for data in (
            frames.AMQP_HEADER,
            frames.frame(0, frames.OPEN, container_id="test"),
            frames.frame(0, frames.BEGIN, **window),
            frames.frame(0, frames.ATTACH, name="one", handle=UInt(0), role=True, source=source),
            frames.frame(0, frames.FLOW, **window, handle=UInt(0), delivery_count=UInt(0), link_credit=UInt(5)),
            frames.frame(0, frames.DETACH, handle=UInt(0), closed=True),
            frames.frame(0, frames.END),
            frames.frame(0, frames.CLOSE),
        ):
            writer.write(data)
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        return answer

    answer = asyncio.run(send())
    assert answer.startswith(frames.AMQP_HEADER)
    assert b"amqp:not-found" in answer
    assert b"unattached-handle" not in answer


def test_a_frame_that_is_no_amqp_closes_the_connection_with_its_error(ports):
    async def send() -> bytes:
        context = ssl.create_default_context(cafile=ports.ca)
        reader, writer = await asyncio.open_connection(ports.claim.address, 5671, ssl=context)
        writer.write(frames.SASL_HEADER + frames.frame(0, frames.SASL_INIT, mechanism=Symbol("ANONYMOUS")))
        writer.write(frames.AMQP_HEADER + frames.frame(0, frames.OPEN, container_id=str(uuid.uuid4()), max_frame_size=UInt(512)))
        writer.write(b"\x00\x00\x00\x0c\x02\x00\x00\x00\xff\xff\xff\xff")
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        return answer

    assert b"amqp:decode-error" in asyncio.run(send())
