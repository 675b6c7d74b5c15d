"""An AMQP client made of frames, for what no SDK in the environment does: devices, feedback, filters of any key."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from services.lab.wire.amqp import frames
from services.lab.wire.amqp.encode import described, encode, encode_list
from services.lab.wire.amqp.messages import Message, read_message
from services.lab.wire.amqp.types import Described, Symbol, UInt, ULong

_NULL = encode(None)


def terminus(code: int, address: str, filters: dict[Any, Any] | None = None) -> Described:
    """A source or target."""
    fields: list[Any] = [address] if filters is None else [address, None, None, None, None, None, None, filters]
    return Described(ULong(code), fields)


def message(
    body: bytes, application: dict[str, Any] | None = None, annotations: dict[str, str] | None = None, **properties: Any
) -> bytes:
    """A message with properties by AMQP's names."""
    names = ("message_id", "user_id", "to", "subject", "reply_to", "correlation_id", "content_type", "content_encoding",
             "absolute_expiry_time")  # fmt: skip
    section = encode_list([encode(properties[name]) if name in properties else _NULL for name in names])
    head = described(0x72, encode({Symbol(key): value for key, value in annotations.items()})) if annotations else b""
    return head + described(0x73, section) + described(0x74, encode(application or {})) + described(0x75, encode(body))


class RawAmqp:
    """One connection with one session; each call waits for the frame that answers it."""

    def __init__(self, address: str, ca: str) -> None:
        self._address, self._ca = address, ca
        self._handles = 0
        self._deliveries = 0

    async def open(self, user: str, password: str) -> bool:
        """Whether SASL let the client in; then the connection and a session are open."""
        context = ssl.create_default_context(cafile=self._ca)
        self._reader, self._writer = await asyncio.open_connection(self._address, 5671, ssl=context)
        self._writer.write(frames.SASL_HEADER)
        assert await self._reader.readexactly(8) == frames.SASL_HEADER
        await self.frame(frames.SASL_MECHANISMS)
        answer = b"\0".join((b"", user.encode(), password.encode()))
        self._send(frames.SASL_INIT, mechanism=Symbol("PLAIN"), initial_response=answer)
        if (await self.frame(frames.SASL_OUTCOME)).fields["code"]:
            return False
        self._writer.write(frames.AMQP_HEADER)
        assert await self._reader.readexactly(8) == frames.AMQP_HEADER
        self._send(frames.OPEN, container_id="raw", hostname=self._address)
        self._send(frames.BEGIN, next_outgoing_id=UInt(0), incoming_window=UInt(1000), outgoing_window=UInt(1000))
        await self.frame(frames.OPEN)
        await self.frame(frames.BEGIN)
        return True

    async def frame(self, code: int) -> frames.Frame:
        """The next frame of that kind; others are let pass."""
        while True:
            size = await asyncio.wait_for(self._reader.readexactly(4), 20)
            got = frames.parse_frame(size + await self._reader.readexactly(int.from_bytes(size, "big") - 4))
            if got.code == code:
                return got

    async def attach(
        self, address: str, *, receive: bool, credit: int = 10, filters: dict[Any, Any] | None = None, properties: Any = None
    ) -> dict[str, Any]:
        """Attach a link; what the peer's attach says. One that is refused raises Refused with the error's fields."""
        handle, self._handles = self._handles, self._handles + 1
        self._send(
            frames.ATTACH,
            name=f"link-{handle}",
            handle=UInt(handle),
            role=receive,
            source=terminus(frames.SOURCE, address if receive else "", filters),
            target=terminus(frames.TARGET, "" if receive else address),
            initial_delivery_count=None if receive else UInt(0),
            properties=properties,
        )
        answer = (await self.frame(frames.ATTACH)).fields
        if answer["source"] is None:
            error = frames.fields_of((await self.frame(frames.DETACH)).fields["error"])[1]
            raise Refused(error)
        if receive:
            self._flow(handle, credit)
        else:
            await self.frame(frames.FLOW)
        return {**answer, "handle": handle}

    async def send(self, handle: int, payload: bytes) -> Any:
        """Send a message; the outcome's code, and its error's fields where it was rejected."""
        self._deliveries += 1
        number = UInt(self._deliveries)
        self._send(
            frames.TRANSFER,
            payload=payload,
            handle=UInt(handle),
            delivery_id=number,
            delivery_tag=bytes(4),
            message_format=UInt(0),
            settled=False,
        )
        state = (await self.frame(frames.DISPOSITION)).fields["state"]
        return int(state.descriptor), frames.fields_of(state.value[0])[1] if state.value else {}

    async def receive(self, outcome: int | None = frames.ACCEPTED) -> tuple[Message, dict[str, Any]]:
        """The next message, and its transfer's fields; ``outcome`` settles it."""
        transfer = await self.frame(frames.TRANSFER)
        if outcome is not None:
            number = transfer.fields["delivery_id"]
            state = frames.Encoded(frames.composite_empty(outcome))
            self._send(frames.DISPOSITION, role=True, first=number, last=number, settled=True, state=state)
        return read_message(transfer.payload), transfer.fields

    async def quiet(self, seconds: float) -> bool:
        """Whether nothing comes for a while."""
        try:
            await asyncio.wait_for(self._reader.read(1), seconds)
        except asyncio.TimeoutError:
            return True
        return False

    def _flow(self, handle: int, credit: int) -> None:
        self._send(
            frames.FLOW,
            next_incoming_id=UInt(0),
            incoming_window=UInt(1000),
            next_outgoing_id=UInt(0),
            outgoing_window=UInt(1000),
            handle=UInt(handle),
            delivery_count=UInt(0),
            link_credit=UInt(credit),
        )

    def _send(self, code: int, payload: bytes = b"", **fields: Any) -> None:
        self._writer.write(frames.frame(0, code, payload, **fields))

    async def close(self) -> None:
        """Break the connection."""
        self._writer.transport.abort()


class Refused(Exception):
    """A link was refused: the error's condition and description."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["condition"], error["description"])
        self.condition, self.description = str(error["condition"]), str(error["description"])
