"""One AMQP session: its links, its transfer window, deliveries in both directions."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from . import frames
from .encode import encode
from .links import Link, Refusal
from .types import CodecError, Described, UInt

if TYPE_CHECKING:
    from .connection import Connection

_WINDOW = 65_536
_SERIAL = 2**32
# The most that one message to the lab may hold; a hub's limit for a message is 256 KB.
_LARGEST = 1024 * 1024
# More than the head of a transfer frame with a tag of 16 bytes takes.
_UNSETTLED_OVERHEAD = 100


class Session:
    """The mapped session on ``channel``. ``remote_window`` is how many more transfers the client takes."""

    def __init__(self, connection: Connection, channel: int, begin: dict[str, Any]) -> None:
        self.connection = connection
        self.channel = channel
        self.links: dict[int, Link] = {}
        # Handles that this side ended: what the client had sent before it heard of that is let pass.
        self._gone: set[int] = set()
        self.next_outgoing = 0  # counts transfer frames
        self.next_delivery = 0  # counts messages
        self._unsettled: dict[int, Link] = {}  # by delivery-id
        self.remote_window = int(begin["incoming_window"])
        self._next_incoming = int(begin["next_outgoing_id"])
        self._partial: dict[int, bytearray] = {}
        self._first: dict[int, dict[str, Any]] = {}

    async def frame(self, frame: frames.Frame) -> None:
        """Take a frame of this session; raise CodecError, or Refusal, which ends the connection."""
        if frame.code == frames.ATTACH:
            await self._attach(frame.fields)
        elif frame.code == frames.FLOW:
            await self._flow(frame.fields)
        elif frame.code == frames.TRANSFER:
            await self._transfer(frame.fields, frame.payload)
        elif frame.code == frames.DISPOSITION:
            await self._disposition(frame.fields)
        elif frame.code == frames.DETACH:
            await self._detached(frame.fields)

    def ended(self) -> None:
        """Let go of the links: the session or its connection is gone."""
        for link in list(self.links.values()):
            self._forget(link)

    async def _attach(self, fields: dict[str, Any]) -> None:
        handle = int(fields["handle"])
        if handle in self.links:
            raise Refusal("amqp:session:handle-in-use", f"The handle '{handle}' is in use.")
        self._gone.discard(handle)
        source, target = frames.address_of(fields["source"]), frames.address_of(fields["target"])
        try:
            link = self.connection.nodes.open(self, fields, source, target)
        except Refusal as refusal:
            # An attach without source and target, followed by a detach: refused (amqp-core-transport 2.6.3).
            await self._send(
                frames.ATTACH, **self._attach_fields(fields), initial_delivery_count=UInt(0) if fields["role"] else None
            )
            await self._refuse(handle, refusal)
            return
        self.links[handle] = link
        await self._send(
            frames.ATTACH,
            **self._attach_fields(fields),
            source=link.source,
            target=link.target,
            initial_delivery_count=None if link.role else UInt(0),
            max_message_size=frames.MAX_MESSAGE,
            offered_capabilities=frames.symbols(*link.offered) if link.offered else None,
        )
        await link.opened()

    @staticmethod
    def _attach_fields(fields: dict[str, Any]) -> dict[str, Any]:
        return {
            "name": fields["name"],
            "handle": fields["handle"],
            "role": not fields["role"],
            "snd_settle_mode": fields["snd_settle_mode"],
            "rcv_settle_mode": fields["rcv_settle_mode"],
        }

    async def _flow(self, fields: dict[str, Any]) -> None:
        expected = fields["next_incoming_id"]
        start = int(expected) if expected is not None else 0
        self.remote_window = _difference(start + int(fields["incoming_window"]), self.next_outgoing)
        if fields["handle"] is not None and (link := self._link(fields)) is not None:
            if not link.role:
                count = int(fields["delivery_count"] or 0)
                link.credit = _difference(count + int(fields["link_credit"] or 0), link.delivery_count)
            await link.flow(fields)
        for other in self.links.values():
            other.stir()
        if fields["echo"]:
            await self._send(frames.FLOW, **self._flow_fields())

    async def _transfer(self, fields: dict[str, Any], payload: bytes) -> None:
        self._next_incoming = (self._next_incoming + 1) % _SERIAL
        link = self._link(fields)
        if link is None:
            return
        if not link.role:
            raise Refusal("amqp:not-allowed", "A transfer came on a link that this side sends on.")
        first = self._first.setdefault(link.handle, fields)
        gathered = self._partial.setdefault(link.handle, bytearray())
        gathered += payload
        if len(gathered) > _LARGEST:
            raise Refusal("amqp:link:message-size-exceeded", f"The message is larger than {_LARGEST} bytes.")
        if fields["more"]:
            return
        del self._first[link.handle], self._partial[link.handle]
        if fields["aborted"]:
            return
        if first["delivery_id"] is None:
            raise CodecError("a transfer misses its delivery-id")
        state = frames.Encoded(frames.composite_empty(frames.ACCEPTED))
        try:
            await link.message(bytes(gathered))
        except Refusal as refusal:
            state = frames.Encoded(frames.rejected(_error(refusal)))
        if not first["settled"]:
            await self._send(
                frames.DISPOSITION, role=True, first=first["delivery_id"], last=first["delivery_id"], settled=True, state=state
            )
        await link.settled()
        link.credit -= 1
        if link.credit <= 50:
            link.credit = 100
            link.delivery_count = (link.delivery_count + 50) % _SERIAL
            await self.send_flow(link)

    async def _disposition(self, fields: dict[str, Any]) -> None:
        """Take what the client did with deliveries; of those sent settled there is nothing to be said."""
        if not fields["role"]:
            return
        state = fields["state"]
        code = int(state.descriptor) if isinstance(state, Described) and isinstance(state.descriptor, int) else None
        if code is None and not fields["settled"]:
            return
        first = int(fields["first"])
        last = int(fields["last"]) if fields["last"] is not None else first
        for number in [one for one in self._unsettled if 0 <= _difference(one, first) <= _difference(last, first)]:
            self._unsettled.pop(number).outcome(number, code)
        if not fields["settled"]:
            await self._send(frames.DISPOSITION, role=False, first=UInt(first), last=UInt(last), settled=True, state=state)

    async def _detached(self, fields: dict[str, Any]) -> None:
        handle = int(fields["handle"])
        self._gone.discard(handle)
        link = self.links.get(handle)
        if link is not None:
            self._forget(link)
            await self._send(frames.DETACH, handle=UInt(link.handle), closed=bool(fields["closed"]))

    async def detach(self, link: Link, refusal: Refusal) -> None:
        """End a link from this side with an error."""
        if self.links.get(link.handle) is link:
            self._forget(link)
            await self._refuse(link.handle, refusal)

    async def _refuse(self, handle: int, refusal: Refusal) -> None:
        self._gone.add(handle)
        await self._send(frames.DETACH, handle=UInt(handle), closed=True, error=_error(refusal))

    def _forget(self, link: Link) -> None:
        del self.links[link.handle]
        self._first.pop(link.handle, None)
        self._partial.pop(link.handle, None)
        self._unsettled = {number: other for number, other in self._unsettled.items() if other is not link}
        link.closed()

    def _link(self, fields: dict[str, Any]) -> Link | None:
        """Return the link of a frame; None where this side ended it. Raises Refusal for a handle that was never attached."""
        handle = int(fields["handle"])
        if handle not in self.links and handle not in self._gone:
            raise Refusal("amqp:session:unattached-handle", f"The handle '{handle}' is not attached.")
        return self.links.get(handle)

    async def send_flow(self, link: Link, drain: bool = False) -> None:
        """Tell a link's state: the credit this side grants, or that the client's was used up."""
        await self._send(
            frames.FLOW,
            **self._flow_fields(),
            handle=UInt(link.handle),
            delivery_count=UInt(link.delivery_count),
            link_credit=UInt(link.credit),
            drain=drain,
        )

    def _flow_fields(self) -> dict[str, Any]:
        return {
            "next_incoming_id": UInt(self._next_incoming),
            "incoming_window": UInt(_WINDOW),
            "next_outgoing_id": UInt(self.next_outgoing),
            "outgoing_window": UInt(_WINDOW),
        }

    async def _send(self, code: int, **fields: Any) -> None:
        await self.connection.send(frames.frame(self.channel, code, **fields))

    async def send_message(self, link: Link, message: bytes) -> None:
        """Send one settled message to the client."""
        await self.connection.send(b"".join(self.transfers(link, [message])))

    async def send_unsettled(self, link: Link, message: bytes, tag: bytes) -> int:
        """Send one message whose outcome the client will tell the link, and return its delivery-id; credit and window were checked."""
        number = self.next_delivery
        self.next_delivery = (number + 1) % _SERIAL
        self._unsettled[number] = link
        link.credit -= 1
        link.delivery_count = (link.delivery_count + 1) % _SERIAL
        room = self.connection.frame_limit - _UNSETTLED_OVERHEAD
        parts = [message[at : at + room] for at in range(0, len(message), room)]
        out = [
            frames.frame(
                self.channel,
                frames.TRANSFER,
                part,
                handle=UInt(link.handle),
                delivery_id=UInt(number),
                delivery_tag=tag,
                message_format=UInt(0),
                settled=False,
                more=index + 1 < len(parts),
            )
            for index, part in enumerate(parts)
        ]
        self.remote_window -= len(out)
        self.next_outgoing = (self.next_outgoing + len(out)) % _SERIAL
        await self.connection.send(b"".join(out))
        return number

    def transfers(self, link: Link, messages: list[bytes]) -> list[bytes]:
        """Return the frames of settled deliveries, and the session's count of them. The caller has checked credit and window.

        A frame is put together from bytes made once a link; only size, delivery-id and tag differ from one to the next.
        """
        largest = self.connection.frame_limit
        packer = _Transfers(self.channel, link.handle)
        out: list[bytes] = []
        number, count = self.next_delivery, 0
        for message in messages:
            if len(message) + packer.overhead <= largest:
                out.append(packer.head(len(message), number, False))
                out.append(message)
                count += 1
            else:
                room = largest - packer.overhead
                for at in range(0, len(message), room):
                    part = message[at : at + room]
                    out += (packer.head(len(part), number, at + room < len(message)), part)
                    count += 1
            number = (number + 1) % _SERIAL
        self.remote_window -= count
        self.next_outgoing = (self.next_outgoing + count) % _SERIAL
        self.next_delivery = number
        link.delivery_count = (link.delivery_count + len(messages)) % _SERIAL
        link.credit -= len(messages)
        return out


class _Transfers:
    """Heads of transfer frames: 11 fields, settled, a four-byte tag equal to the delivery-id."""

    def __init__(self, channel: int, handle: int) -> None:
        # Written by hand at full length (docs/facts/sdk-clients.md): handle, delivery-id, delivery-tag, message-format 0, settled,
        # more, rcv-settle-mode, state, resume, aborted, batchable.
        handle_bytes = encode(UInt(handle))
        size = len(handle_bytes) + 5 + 6 + 8
        self._before = (
            b"\x02\x00" + channel.to_bytes(2, "big") + b"\x00\x53\x14\xc0" + bytes((size + 1, 11)) + handle_bytes + b"\x70"
        )
        self._last, self._more = b"\x43\x41\x42\x40\x40\x42\x42\x42", b"\x43\x41\x41\x40\x40\x42\x42\x42"
        packer = struct.Struct(f">I{len(self._before)}sI2sI8s")
        self._pack = packer.pack
        self.overhead = packer.size

    def head(self, payload: int, number: int, more: bool) -> bytes:
        return self._pack(self.overhead + payload, self._before, number, b"\xa0\x04", number, self._more if more else self._last)


def _difference(one: int, other: int) -> int:
    """Return one serial number less another (RFC 1982): negative when the other is ahead."""
    return (one - other + _SERIAL // 2) % _SERIAL - _SERIAL // 2


def _error(refusal: Refusal) -> frames.Encoded:
    return frames.error(refusal.condition, refusal.description, refusal.info)
