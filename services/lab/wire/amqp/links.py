"""What a node of the lab does with a link that a client attaches; the nodes themselves are in modules of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .session import Session


class Refusal(Exception):
    """A link, a request or a connection is refused: an AMQP condition with its text, and what a redirect tells."""

    def __init__(self, condition: str, description: str, info: dict[str, Any] | None = None) -> None:
        super().__init__(f"{condition}: {description}")
        self.condition, self.description, self.info = condition, description, info


class Link:
    """The lab's side of an attached link.

    ``address`` is the node's; ``role`` is True where this side receives.
    """

    role = False

    def __init__(self, session: Session, attach: dict[str, Any], address: str) -> None:
        self.session = session
        self.handle = int(attach["handle"])
        self.name: str = attach["name"]
        self.address = address
        self.delivery_count = 0
        self.credit = 0
        # The client's own source and target go back as they came, but for filters that are not in force.
        self.source, self.target = attach["source"], attach["target"]

    # What the attach that answers offers.
    offered: tuple[str, ...] = ()

    async def opened(self) -> None:
        """Begin: the attach has been answered."""

    async def flow(self, fields: dict[str, Any]) -> None:
        """Take the credit that the client granted, or, as a sender, its state."""

    def stir(self) -> None:
        """Send what can be sent now: credit or the session's window may have grown."""

    async def message(self, payload: bytes) -> None:
        """Take a whole message; raise Refusal to reject it."""

    async def settled(self) -> None:
        """Note that the message's outcome has been sent."""

    def outcome(self, delivery: int, code: int | None) -> None:
        """Take the client's outcome for a delivery that was sent unsettled: one of frames.ACCEPTED and so on, None for none."""

    def closed(self) -> None:
        """Let go of the link; called once, whoever ended it."""

    async def detach(self, refusal: Refusal) -> None:
        """End the link from this side."""
        await self.session.detach(self, refusal)


class ReplyLink(Link):
    """The receiving half of a client's request/response pair: replies to requests on the same node leave by it."""

    def __init__(self, session: Session, attach: dict[str, Any], address: str, target: str) -> None:
        super().__init__(session, attach, address)
        self.reply_to = target

    async def flow(self, fields: dict[str, Any]) -> None:
        """See Link. Clients grant far more credit than they have requests; it is not counted."""
        if fields["drain"]:
            await self.session.send_flow(self, drain=True)


class RequestLink(Link):
    """The sending half: each message is answered by ``answer`` on the ReplyLink that it names."""

    role = True
    window = 100

    async def opened(self) -> None:
        """See Link."""
        self.credit = self.window
        await self.session.send_flow(self)

    _answers: tuple[bytes, Any] | None = None

    async def message(self, payload: bytes) -> None:
        """See Link."""
        self._answers = await self.answer(payload)

    async def settled(self) -> None:
        """See Link. The reply follows the outcome: uamqp takes one that comes before for a failure."""
        if self._answers is None:
            return
        (answer, reply_to), self._answers = self._answers, None
        replies = [link for link in self.session.links.values() if isinstance(link, ReplyLink) and link.address == self.address]
        named = [link for link in replies if link.reply_to == reply_to] or replies
        if named:
            await self.session.send_message(named[-1], answer)

    async def answer(self, payload: bytes) -> tuple[bytes, Any]:
        """Return the reply to a request, and the address it shall go to."""
        raise NotImplementedError
