"""MQTT 3.1.1 control packets (OASIS mqtt-v3.1.1): what a client sends is parsed, what a server sends is written."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

# IoT Hub takes 256 KB of payload; the topic with its properties comes on top.
LARGEST = 256 * 1024 + 65_536

ACCEPTED, BAD_VERSION, BAD_IDENTIFIER, UNAVAILABLE, BAD_CREDENTIALS, NOT_AUTHORIZED = range(6)


class PacketError(Exception):
    """Bytes that break the protocol: the connection is closed, as the standard asks."""


@dataclass(frozen=True)
class Connect:
    """``level`` is 4 for MQTT 3.1.1; ``keep_alive`` in seconds, 0 for none; ``will`` is what a client that dies leaves."""

    client_id: str
    level: int
    clean: bool
    keep_alive: int
    username: str
    password: str
    will: Publish | None = None


@dataclass(frozen=True)
class Publish:
    """A message; ``packet`` is None at QoS 0."""

    topic: str
    payload: bytes
    qos: int = 0
    packet: int | None = None
    duplicate: bool = False
    retain: bool = False


@dataclass(frozen=True)
class PubAck:
    """The client has a QoS 1 message."""

    packet: int


@dataclass(frozen=True)
class Subscribe:
    """Topic filters with the QoS that is asked for each."""

    packet: int
    filters: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Unsubscribe:
    """Topic filters to end."""

    packet: int
    filters: tuple[str, ...]


@dataclass(frozen=True)
class Ping:
    """The client is alive."""


@dataclass(frozen=True)
class Disconnect:
    """The client leaves."""


Packet: TypeAlias = "Connect | Publish | PubAck | Subscribe | Unsubscribe | Ping | Disconnect"


def take(buffer: bytearray) -> Packet | None:
    """Return the first whole packet, removed from ``buffer``; None while it is not whole. Raises PacketError."""
    if len(buffer) < 2:
        return None
    length, at = 0, 1
    while True:
        if at > 4:
            raise PacketError("the remaining length is longer than four bytes")
        if at >= len(buffer):
            return None
        byte = buffer[at]
        length |= (byte & 0x7F) << (7 * (at - 1))
        at += 1
        if not byte & 0x80:
            break
    if length > LARGEST:
        raise PacketError(f"a packet of {length} bytes is too large")
    if len(buffer) < at + length:
        return None
    head, body = buffer[0], bytes(buffer[at : at + length])
    del buffer[: at + length]
    return _parse(head >> 4, head & 0x0F, _Reader(body))


class _Reader:
    """Fields of a packet's body, each length checked."""

    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.body):
            raise PacketError("a packet ends in the middle of a field")
        self.at += count
        return self.body[self.at - count : self.at]

    def number(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def identifier(self) -> int:
        number = self.number()
        if number == 0:
            raise PacketError("a packet identifier is 0")
        return number

    def field(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        try:
            text = self.field().decode("utf-8")
        except UnicodeDecodeError as error:
            raise PacketError("a string is not UTF-8") from error
        if "\0" in text:
            raise PacketError("a string holds NUL")
        return text

    @property
    def more(self) -> bool:
        return self.at < len(self.body)

    def end(self) -> None:
        if self.more:
            raise PacketError("a packet is longer than its fields")


def _parse(kind: int, flags: int, reader: _Reader) -> Packet:
    if kind == 3:
        return _publish(flags, reader)
    if flags != (2 if kind in (8, 10) else 0):
        raise PacketError(f"packet type {kind} with flags {flags}")
    packet: Packet
    if kind == 1:
        packet = _connect(reader)
    elif kind == 4:
        packet = PubAck(reader.identifier())
    elif kind == 8:
        number, filters = reader.identifier(), []
        while reader.more:
            filters.append((reader.text(), reader.take(1)[0]))
        if not filters or any(qos > 2 for _, qos in filters):
            raise PacketError("a subscription without filters, or of an unknown QoS")
        packet = Subscribe(number, tuple(filters))
    elif kind == 10:
        number, topics = reader.identifier(), []
        while reader.more:
            topics.append(reader.text())
        if not topics:
            raise PacketError("an unsubscription without filters")
        packet = Unsubscribe(number, tuple(topics))
    elif kind == 12:
        packet = Ping()
    elif kind == 14:
        packet = Disconnect()
    else:
        raise PacketError(f"packet type {kind} is not for a server")
    reader.end()
    return packet


def _connect(reader: _Reader) -> Connect:
    if reader.text() != "MQTT":
        raise PacketError("the protocol is not MQTT")
    level, flags, keep_alive = reader.take(1)[0], reader.take(1)[0], reader.number()
    if level != 4:  # another version has other fields: it is told so, not closed without a word
        reader.take(len(reader.body) - reader.at)
        return Connect("", level, True, keep_alive, "", "")
    if flags & 1:
        raise PacketError("a reserved flag is set")
    client_id = reader.text()
    will = None
    if flags & 0x04:
        topic = reader.text()
        if flags >> 3 & 3 > 1 or not topic:
            raise PacketError("a will of QoS 2, or without a topic")
        will = Publish(topic, reader.field(), flags >> 3 & 3, retain=bool(flags & 0x20))
    elif flags & 0x38:
        raise PacketError("the flags of a will without one")
    username = reader.text() if flags & 0x80 else ""
    if flags & 0x40:
        if not flags & 0x80:
            raise PacketError("a password without a user name")
        password = reader.field().decode("utf-8", "replace")
    else:
        password = ""
    return Connect(client_id, level, bool(flags & 0x02), keep_alive, username, password, will)


def _publish(flags: int, reader: _Reader) -> Publish:
    qos = flags >> 1 & 3
    if qos > 1:
        raise PacketError("IoT Hub takes QoS 0 and 1 alone")
    topic = reader.text()
    if not topic or "#" in topic or "+" in topic:
        # Device SDKs encode both; a bare one is a wildcard, which a publish must not have.
        raise PacketError("a message's topic is empty or has a wildcard")
    packet = reader.identifier() if qos else None
    return Publish(topic, reader.take(len(reader.body) - reader.at), qos, packet, bool(flags & 8), bool(flags & 1))


def _packet(head: int, body: bytes) -> bytes:
    length, out = len(body), bytearray((head,))
    while True:
        length, low = length >> 7, length & 0x7F
        out.append(low | 0x80 if length else low)
        if not length:
            return bytes(out) + body


def connack(code: int, session_present: bool = False) -> bytes:
    """Return the answer to a connect; ``code`` 0 to 5."""
    return _packet(0x20, bytes((session_present and code == ACCEPTED, code)))


def puback(packet: int) -> bytes:
    """Return the packet that says that a message is stored."""
    return _packet(0x40, packet.to_bytes(2, "big"))


def suback(packet: int, granted: list[int]) -> bytes:
    """Return the packet with the QoS granted for each filter; 0x80 where it is refused."""
    return _packet(0x90, packet.to_bytes(2, "big") + bytes(granted))


def unsuback(packet: int) -> bytes:
    """Return the packet that says that subscriptions are ended."""
    return _packet(0xB0, packet.to_bytes(2, "big"))


def pingresp() -> bytes:
    """Return the packet that says that the server is alive."""
    return b"\xd0\x00"


def publish(message: Publish) -> bytes:
    """Return the packet of a message to the client."""
    topic = message.topic.encode()
    number = b"" if message.packet is None else message.packet.to_bytes(2, "big")
    head = 0x30 | message.qos << 1 | (8 if message.duplicate else 0)
    return _packet(head, struct.pack(">H", len(topic)) + topic + number + message.payload)
