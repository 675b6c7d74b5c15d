"""Take messages from a connection's buffer before azure-eventhub decodes them: the one place that knows the SDK's inside.

The SDK keeps connection, sign-in, links and recovery. It reads one frame at a time, through two timers and a task each, and makes three
objects of a message before its callback sees it: about two thirds of what a received message costs. Here the frames that wait in the
buffer are taken together, and each message becomes a row at once. Whatever is not a plain transfer of one frame with sections that
``sections.decode`` knows stays in the buffer for the SDK, in its turn.

``take_transfers`` looks at the source of what it relies on: where that is not what it was tried with, the SDK's own way is taken.
Over websockets there is no such buffer, and the SDK's own way is taken, too.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import time
from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from typing import Any

from services.messages.journal.rows import RawMessage
from services.messages.recorder.events import raw_message
from services.messages.recorder.sections import ENDS_EARLY, Unknown, decode, read_head

# SHA-256 of the sources that are relied on, of azure-eventhub 5.15.1: ``python -m services.messages.recorder.transfers`` prints it.
TRIED_WITH = frozenset({"9632377cdde52a1c"})
_FRAME = Struct(">IBBH").unpack_from
_SIZE = Struct(">I").unpack_from
_TRANSFER = b"\x00\x53\x14"
_MOST_BUFFERED = 4_000  # rows that wait for the callback: beyond, the connection waits
_BUFFER_BYTES = 512 * 1024  # asyncio pauses the socket at twice this


@lru_cache(maxsize=1)
def sdk_source() -> str:
    """Return a digest of the SDK's functions that this module takes the place of, or counts on."""
    from azure.eventhub._pyamqp import _decode
    from azure.eventhub._pyamqp.aio._client_async import ReceiveClientAsync
    from azure.eventhub._pyamqp.aio._connection_async import Connection
    from azure.eventhub._pyamqp.aio._link_async import Link
    from azure.eventhub._pyamqp.aio._receiver_async import ReceiverLink
    from azure.eventhub._pyamqp.aio._session_async import Session
    from azure.eventhub._pyamqp.aio._transport_async import AsyncTransport, AsyncTransportMixin
    from azure.eventhub.aio._consumer_async import EventHubConsumer
    from azure.eventhub.aio._eventprocessor.event_processor import EventProcessor
    from azure.eventhub.aio._transport._pyamqp_transport_async import PyamqpTransportAsync

    parts: list[Callable[..., Any]] = [
        _decode.decode_frame,
        _decode.decode_payload,
        ReceiveClientAsync._client_run_async,
        ReceiveClientAsync._message_received_async,
        Connection._read_frame,
        Connection._process_incoming_frame,
        Connection.listen,
        Link.flow,
        ReceiverLink._incoming_transfer,
        Session._incoming_transfer,
        AsyncTransportMixin.read,
        AsyncTransportMixin.receive_frame,
        AsyncTransport._read,
        EventHubConsumer._create_handler,
        EventHubConsumer._next_message_in_buffer,
        EventProcessor._on_event_received,
        PyamqpTransportAsync.message_received_async,
        PyamqpTransportAsync._callback_task,
        PyamqpTransportAsync._receive_task,
    ]
    try:
        source = "".join(inspect.getsource(part) for part in parts)
    except OSError:  # an installation without sources
        return ""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def take_transfers(client: Any) -> bool:
    """Have a client's links hand over rows (``RawMessage``) among the SDK's events; False where the SDK is not the one tried."""
    if sdk_source() not in TRIED_WITH:
        return False
    create = client._create_consumer

    def create_consumer(*arguments: Any, **named: Any) -> Any:
        consumer = create(*arguments, **named)
        Receiver(consumer)
        return consumer

    client._create_consumer = create_consumer
    return True


class Receiver:
    """Takes the place of a consumer's reading, from the moment at which its link is attached."""

    def __init__(self, consumer: Any) -> None:
        self._buffer = consumer._message_buffer
        self._connection: Any = None
        self._handler: Any = None
        self._read_frame: Any = None
        create_handler, next_message = consumer._create_handler, consumer._next_message_in_buffer

        def create(*arguments: Any, **named: Any) -> None:
            create_handler(*arguments, **named)
            handler = consumer._handler
            run = handler._client_run_async

            async def client_run(**named: Any) -> Any:
                self._attach(handler)
                return await run(**named)

            handler._client_run_async = client_run

        def next_or_row() -> Any:
            return self._buffer.popleft() if isinstance(self._buffer[0], RawMessage) else next_message()

        consumer._create_handler = create
        consumer._next_message_in_buffer = next_or_row

    def _attach(self, handler: Any) -> None:
        if self._connection is handler._connection:
            return
        self._connection, self._handler = handler._connection, handler
        reader = getattr(self._connection._transport, "reader", None)
        if isinstance(reader, asyncio.StreamReader):
            reader._limit = max(reader._limit, _BUFFER_BYTES)  # type: ignore[attr-defined]
            self._read_frame = self._connection._read_frame
            self._connection._read_frame = self._read

    async def _read(self, wait: Any = True, **named: Any) -> Any:
        """Take what is in the buffer; where that is nothing, read a frame as the SDK does. True ends the SDK's turn of reading."""
        if len(self._buffer) > _MOST_BUFFERED:
            return True
        count = self._take()
        if not count:
            return await self._read_frame(wait=wait, **named)
        link = self._handler._link
        session = link._session
        if session.incoming_window <= 0:
            session.incoming_window = session.target_incoming_window
            await session._outgoing_flow()
        if link.current_link_credit <= self._handler._link_credit // 2:
            await link.flow(link_credit=self._handler._link_credit)
        return False

    def _take(self) -> int:
        """Move the plain transfers at the beginning of the buffer into the consumer's, as rows; return how many."""
        transport, link = self._connection._transport, self._handler._link
        reader = transport.reader
        if reader is None or link is None or transport.socket_lock.locked() or link._received_payload:
            return 0
        unread, buffer = transport._read_buffer, reader._buffer
        if unread.tell() != len(unread.getbuffer()) or len(buffer) < 16:
            return 0
        session = link._session
        most = min(session.incoming_window, link.current_link_credit)
        channel = next((number for number, each in self._connection._incoming_endpoints.items() if each is session), -1)
        rows, place, delivery = transfers(bytes(buffer), channel, link.remote_handle, most)
        if not rows:
            return 0
        del buffer[:place]
        reader._maybe_resume_transport()
        count = len(rows)
        session.next_incoming_id += count
        session.remote_outgoing_window -= count
        session.incoming_window -= count
        link.delivery_count += count
        link.current_link_credit -= count
        link.received_delivery_id = delivery
        self._connection._last_frame_received_time = self._handler._last_activity_timestamp = time.time()
        self._buffer.extend(rows)
        return count


def transfers(data: bytes, channel: int, handle: int, most: int) -> tuple[list[RawMessage], int, int | None]:
    """Return the rows of the plain transfers at the beginning of ``data``, ``most`` at the most, where they end, the last's id.

    Plain is a transfer of ``handle`` on ``channel`` that is one whole frame, has nothing to be settled or resumed, and whose
    message ``sections.decode`` knows (AMQP 1.0, part 2, sections 2.3.1 and 2.7.5).
    """
    rows: list[RawMessage] = []
    place, end, delivery = 0, len(data), None
    try:
        while len(rows) < most and end - place >= 16:
            size, offset, kind, on = _FRAME(data, place)
            stop = place + size
            if stop > end or offset != 2 or kind or on != channel or data[place + 8 : place + 11] != _TRANSFER:
                break
            payload, number = _payload(data, place + 11, stop, handle)
            if payload is None:
                break
            sections = decode(payload)
            if sections is None:
                break
            rows.append(raw_message(sections))
            place, delivery = stop, number
    except (Unknown, *ENDS_EARLY):  # no performative of this kind: the SDK says what it thinks of that
        pass
    return rows, place, delivery


def _payload(data: bytes, place: int, stop: int, handle: int) -> tuple[bytes | None, int]:
    """Return the payload of the transfer whose list stands at ``place``, and its delivery id; None where it is not plain."""
    begin, count, place = read_head(data, place, 0xC0)
    own, place = _uint(data, place)
    number, place = _uint(data, place)
    if own != handle or number < 0 or count < 3 or begin > stop or data[place] != 0xA0:
        return None, 0
    place += 2 + data[place + 1]
    return (data[begin:stop], number) if _is_plain(data[place:begin], count - 3) else (None, 0)


def _uint(data: bytes, place: int) -> tuple[int, int]:
    code = data[place]
    if code == 0x43:
        return 0, place + 1
    if code == 0x52:
        return data[place + 1], place + 2
    if code == 0x70:
        return _SIZE(data, place + 1)[0], place + 5
    return -1, place


@lru_cache(maxsize=256)
def _is_plain(fields: bytes, count: int) -> bool:
    """Return whether what follows a transfer's tag asks for nothing beyond taking it.

    These are message format, settled, more, rcv-settle-mode, state, resume, aborted and batchable, of which more, state, resume and
    aborted have to be absent or false.
    """
    place = 0
    values: list[bool] = []  # whether each says something beyond null, zero and false
    for _ in range(count):
        code = fields[place]
        if code in (0x40, 0x42, 0x43, 0x41):
            values.append(code == 0x41)
            place += 1
        elif code in (0x52, 0x50, 0x56):
            values.append(fields[place + 1] != 0)
            place += 2
        elif code == 0x70:
            values.append(any(fields[place + 1 : place + 5]))
            place += 5
        else:
            return False
    values += [False] * (8 - len(values))
    _format, _settled, more, _mode, state, resume, aborted, _batchable = values[:8]
    return place == len(fields) and not (more or state or resume or aborted)


if __name__ == "__main__":
    import sys

    sys.stdout.write(sdk_source() + "\n")
