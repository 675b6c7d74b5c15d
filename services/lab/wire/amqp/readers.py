"""Who reads which partition of which consumer group: five at most, and one alone when it holds an epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.lab.background_tasks import in_background
from services.lab.cloud.hub import EventStore

from .links import Link, Refusal

if TYPE_CHECKING:
    from .receiver import EventLink

LIMIT = 5


class Readers:
    """The seats of a hub. ``strangers`` says how many of a group's seats others hold (a fault of the lab)."""

    def __init__(self) -> None:
        self._seats: dict[tuple[EventStore, str, int], list[EventLink]] = {}

    def all(self) -> list[EventLink]:
        """Return every reader that is connected."""
        return [link for seats in self._seats.values() for link in seats]

    def join(self, link: EventLink, strangers: int, stolen: bool = False) -> None:
        """Take a seat. Raises Refusal when the seats are taken or a reader of a higher epoch is there; evicts lower ones.

        ``stolen``: somebody else holds the partition with an epoch above anybody's (a fault of the lab).
        """
        seats = self._seats.setdefault((link.store, link.group.lower(), link.partition), [])
        highest = max((other.epoch for other in seats if other.epoch is not None), default=None)
        if stolen:
            highest = max(highest or 0, (link.epoch or 0) + 1)
        if highest is not None and link.epoch is None:
            raise Refusal(
                "amqp:link:stolen",
                f"At least one receiver for the endpoint is created with epoch of '{highest}', and so non-epoch receiver is not "
                "allowed. Either reconnect with a higher epoch, or make sure all epoch receivers are closed or disconnected.",
            )
        if highest is not None and link.epoch is not None and link.epoch < highest:
            raise Refusal(
                "amqp:link:stolen",
                f"Receiver '{link.name}' with a higher epoch '{highest}' already exists. Receiver '{link.name}' with epoch "
                f"{link.epoch} cannot be created. Make sure you are creating receiver with increasing epoch value to ensure "
                "connectivity, or ensure all old epoch receivers are closed or disconnected.",
            )
        if link.epoch is not None:
            for other in list(seats):
                self.evict(other, link.name, link.epoch)
        elif len(seats) + strangers >= LIMIT:
            names = ", ".join(other.name for other in seats) or ", ".join(["nil"] * strangers)
            raise Refusal(
                "amqp:resource-limit-exceeded",
                "Exceeded the maximum number of allowed receivers per partition in a consumer group which is 5. "
                f"List of connected receivers - {names}.",
            )
        seats.append(link)

    def evict(self, link: EventLink, name: str, epoch: int) -> None:
        """End a reader because ``name`` came with a higher epoch."""
        self.leave(link)
        text = (
            f"New receiver '{name}' with higher epoch of '{epoch}' is created hence current receiver '{link.name}' with epoch "
            f"'{link.epoch or 0}' is getting disconnected. If you are recreating the receiver, make sure a higher epoch is used."
        )
        self.part(link, Refusal("amqp:link:stolen", text))

    def part(self, link: Link, refusal: Refusal) -> None:
        """Detach a reader soon."""
        in_background(_detach(link, refusal))

    def leave(self, link: EventLink) -> None:
        """Give the seat back; it may have been taken already."""
        seats = self._seats.get((link.store, link.group.lower(), link.partition), [])
        if link in seats:
            seats.remove(link)


async def _detach(link: Link, refusal: Refusal) -> None:
    try:
        await link.detach(refusal)
    except ConnectionError:
        return  # the reader is gone already
