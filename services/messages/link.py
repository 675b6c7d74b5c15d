"""One partition: receives from an explicit position, again and again, and hands what comes to the intake.

The SDK is given no retries of its own, because it reconnects without telling anyone; and no CheckpointStore, because that sets
an owner level and throws other readers out (docs/facts/sdk-clients.md). A link keeps every delivery tag until it closes: it is
replaced by count.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from services.diagnosis import explain
from services.errors import OperatorError
from services.messages.hub_clock import HubClock, elapsed
from services.messages.intake import Intake
from services.messages.rows import Batch, Position, RawMessage
from services.messages.settings import Start
from services.messages.wire import raw_messages
from services.records import Evidence

PREFETCH = 1000
RECYCLE_AFTER = 25_000
_OPEN_SECONDS = 12.0
_ATTACH_SECONDS = 30.0
# The SDK does not say that a link was accepted, and a refusal comes after the attach: a link counts as open with its first
# messages, or when it is attached after so long (longer after it has failed).
_PROVEN, _PROVEN_AGAIN = 1.5, 4.0
_LOOK_SECONDS = 1.0
_CLOSE_SECONDS = 5.0
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0


class HubRemade(Exception):
    """The sequence ran backwards: another hub under the same name."""


class Link:
    """Receives one partition; ``cursor`` is the newest sequence number handed over, None before the first."""

    def __init__(
        self,
        partition: str,
        position: Position,
        start: Start,
        intake: Intake,
        make_client: Callable[[], Any],
        told: Callable[[Link, BaseException | None], None],
    ) -> None:
        self.partition = partition
        self.part = position.part
        self.cursor = position.sequence
        self.newest_enqueued = position.enqueued
        self.last_enqueued: int | None = None  # sequence of the hub's newest message, when it was last asked
        self._last_enqueued_at = 0  # by the hub's clock, ms since 1970
        self.lagged = False  # when the hub was last asked
        self.clock = HubClock()
        self._oldest = 0
        self.is_open = False
        self._failed_before = False
        self.received = 0
        self.heard_at = time.monotonic()
        self.asked_at = 0.0
        self._start = start
        self._reaches_back = position.sequence is not None and _lies_before(start, position)
        self._token: object | None = None
        self._intake = intake
        self._make_client = make_client
        self._told = told
        self._break = asyncio.Event()
        self._at_once = asyncio.Event()
        self._fault: BaseException | None = None
        self._since_open = 0
        self._closing: set[asyncio.Task[None]] = set()

    async def run(self, handled: type[BaseException] | tuple[type[BaseException], ...]) -> None:
        """Receive until cancelled; raises HubRemade. ``handled`` are the SDK's errors, after which it tries again."""
        wait = _FIRST_WAIT
        while True:
            self._at_once.clear()
            try:
                await self._receive()
                wait = _FIRST_WAIT
                continue
            except handled as error:
                if self.is_open:
                    wait = _FIRST_WAIT
                self.is_open, self._failed_before = False, True
                self._told(self, error)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._at_once.wait(), wait)
            wait = _FIRST_WAIT if self._at_once.is_set() else min(wait * 2, _LONGEST_WAIT)

    def try_now(self) -> None:
        """Try again now where the link rests after a failure, and after the try that runs without resting."""
        self._at_once.set()

    def renew(self) -> None:
        """Close the link and open another: it has gone stale."""
        self._fault = OperatorError(
            "The connection stands and brings nothing, though the hub has newer messages.",
            cause="Something in between keeps a dead connection open: a firewall, a proxy.",
            remedy="Another one is being opened. Where it happens often, use websockets over 443.",
            code="messages.stale",
        )
        self._break.set()

    @property
    def lag(self) -> int:
        """How many messages the hub has beyond those received, as far as it was last asked."""
        if self.last_enqueued is None:
            return 0
        return max(0, self.last_enqueued - (self._oldest - 1 if self.cursor is None else self.cursor))

    @property
    def behind(self) -> float | None:
        """How many seconds old the newest message was when it came, or lies before the hub's newest; None where nothing is late."""
        known = max(0, self._last_enqueued_at - self.newest_enqueued) / 1000 if self.lag and self.newest_enqueued else 0.0
        late = max(known, self.clock.delay)
        return late if late >= 1 else None

    async def ask(self, client: Any) -> dict[str, Any]:
        """The partition's properties from the hub."""
        began = elapsed()
        properties = dict(await client.get_partition_properties(self.partition))
        self.clock.answered(began)
        self.asked_at = time.monotonic()
        self.last_enqueued = int(properties["last_enqueued_sequence_number"])
        self._last_enqueued_at = _milliseconds(properties.get("last_enqueued_time_utc"))
        self._oldest = self.last_enqueued + 1 if properties["is_empty"] else int(properties["beginning_sequence_number"])
        self.lagged = self.lag > 0
        if not self.lagged:
            self.clock.caught_up()
        return properties

    async def _receive(self) -> None:
        """Open a link and receive until it has brought enough, fails or is told to break."""
        self._break.clear()
        self._fault = None
        self._since_open = 0
        client = self._make_client()
        receiving: asyncio.Task[None] | None = None
        try:
            position, inclusive = await asyncio.wait_for(self._where(client), _OPEN_SECONDS)
            token = object()
            self._token = token

            async def take(_context: Any, events: list[Any]) -> None:
                if self._token is token and events:
                    self._opened()
                    await self._take(raw_messages(events))

            receiving = asyncio.ensure_future(
                client.receive_batch(
                    take,
                    partition_id=self.partition,
                    prefetch=PREFETCH,
                    max_batch_size=PREFETCH,
                    starting_position=position,
                    starting_position_inclusive=inclusive,
                    on_error=self._failed,
                )
            )
            self.heard_at = time.monotonic()
            broken = asyncio.ensure_future(self._break.wait())
            both = {receiving, broken}
            try:
                pause = _PROVEN_AGAIN if self._failed_before else _PROVEN
                until = time.monotonic() + _ATTACH_SECONDS
                while not (await asyncio.wait(both, timeout=pause, return_when=asyncio.FIRST_COMPLETED))[0]:
                    refusal = _refusal(client)
                    if refusal is not None:
                        raise refusal
                    if _attached(client):
                        self._opened()
                    elif not self.is_open and time.monotonic() > until:
                        raise asyncio.TimeoutError("the hub has not answered the attach")
                    pause = _LOOK_SECONDS
            finally:
                broken.cancel()
            if self._fault is not None:
                raise self._fault
            if receiving.done():
                receiving.result()
        finally:
            self._token = None
            closing = asyncio.ensure_future(_close(client, receiving))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _opened(self) -> None:
        if not self.is_open:
            self.is_open, self._failed_before = True, False
            self._told(self, None)

    async def closed(self) -> None:
        """Nothing receives any more: wait until links that were replaced are closed."""
        self.is_open = False
        if self._closing:
            await asyncio.wait(self._closing, timeout=_CLOSE_SECONDS)

    async def _failed(self, _context: Any, error: BaseException) -> None:
        self._fault = error
        self._break.set()

    async def _where(self, client: Any) -> tuple[Any, bool]:
        """The position to start from, and whether it is itself wanted; notes what the hub no longer has.

        At a known position the message there is asked for again: it proves that this is still the same hub.
        """
        properties = await self.ask(client)
        last, oldest = int(properties["last_enqueued_sequence_number"]), self._oldest
        empty = bool(properties["is_empty"])
        if self.cursor is None:
            return self._begin(last, empty)
        if last < self.cursor:
            raise HubRemade(f"partition {self.partition}: {last} < {self.cursor}")
        if oldest > self.cursor + 1:
            self._intake.journal.gap(self.part, self.cursor + 1, oldest - 1)
            self.cursor = oldest - 1
        reaches_back, self._reaches_back = self._reaches_back, False
        if reaches_back:
            self.cursor = None
            return self._begin(last, empty)
        return self.cursor, oldest <= self.cursor

    def _begin(self, last: int, empty: bool) -> tuple[Any, bool]:
        start = self._start
        if start.kind == "time":
            return datetime.fromtimestamp(int(start.value) / 1000, timezone.utc), True
        if start.kind == "offset":
            return str(start.value), True
        if start.kind == "beginning" or empty:
            return "-1", False
        # "@latest" would be evaluated again at each reconnect, and lose what came in between.
        self.cursor = last
        return last, False

    async def _take(self, messages: list[RawMessage]) -> None:
        self.heard_at = time.monotonic()
        cursor = self.cursor
        if cursor is not None and messages[0].sequence <= cursor:
            self._same_hub(messages[0])
            messages = [message for message in messages if message.sequence > cursor]
            if not messages:
                return
        newest = messages[-1]
        gaps: list[tuple[int, int]] = []
        if newest.sequence - messages[0].sequence + 1 != len(messages) or (
            cursor is not None and messages[0].sequence != cursor + 1
        ):
            expected = messages[0].sequence if cursor is None else cursor + 1
            for message in messages:
                if message.sequence > expected:
                    gaps.append((expected, message.sequence - 1))
                expected = message.sequence + 1
        self.cursor = newest.sequence
        unknown = self.last_enqueued is not None and messages[0].sequence > self.last_enqueued
        self.clock.came(messages[0].enqueued, newest.enqueued, unknown)
        self.newest_enqueued = max(self.newest_enqueued, newest.enqueued)
        self.received += len(messages)
        self._since_open += len(messages)
        await self._intake.put(Batch(self.part, messages, gaps))
        if self._since_open >= RECYCLE_AFTER:
            self._break.set()

    def _same_hub(self, message: RawMessage) -> None:
        """A message that was received before has to be the one the journal has; raises HubRemade where it is another."""
        known = self._intake.journal.lookup(self.part, message.sequence)
        if known is not None and known != (message.enqueued, message.offset):
            self._fault = HubRemade(f"partition {self.partition}: another message has the number {message.sequence}")
            self._break.set()
            raise self._fault


def _milliseconds(moment: datetime | None) -> int:
    return 0 if moment is None or moment.year < 1970 else int(moment.timestamp() * 1000)


def _lies_before(start: Start, position: Position) -> bool:
    """Whether the start that was asked for lies before the journal's position."""
    if start.kind == "beginning":
        return True
    if start.kind == "time":
        return int(start.value) < position.enqueued
    if start.kind == "offset" and str(start.value).isdigit() and position.offset.isdigit():
        return int(start.value) < int(position.offset)
    return False


def _refusal(client: Any) -> OperatorError | None:
    """Why the hub refused the link, if it did.

    azure-eventhub 5.15.1 takes a link that is refused as the Event Hubs service does it (an attach without source, then a detach
    that says why) for an open one, spins, and tells nobody: there is no public way to learn of it, so its link is looked at.
    """
    error = getattr(_link(client), "_error", None)
    condition = getattr(error, "condition", None)
    if not condition:
        return None
    name = condition.decode() if isinstance(condition, bytes) else str(getattr(condition, "value", condition))
    said = getattr(error, "description", None) or ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return explain(Evidence(source="amqp", code=name, text=text))


def _attached(client: Any) -> bool:
    """Whether the hub has answered the attach. The SDK begins anew without a word where opening fails: it has no link then."""
    return getattr(getattr(_link(client), "state", None), "name", "") == "ATTACHED"


def _link(client: Any) -> Any:
    for processor in getattr(client, "_event_processors", {}).values():
        for consumer in getattr(processor, "_consumers", {}).values():
            return getattr(getattr(consumer, "_handler", None), "_link", None)
    return None


async def _close(client: Any, receiving: asyncio.Task[None] | None) -> None:
    """Close a link in the background: a frozen hub makes closing hang."""
    if receiving is not None:
        receiving.cancel()
        await asyncio.wait({receiving}, timeout=_CLOSE_SECONDS)
        if receiving.done() and not receiving.cancelled():
            receiving.exception()
    with contextlib.suppress(asyncio.TimeoutError, OSError):
        await asyncio.wait_for(client.close(), _CLOSE_SECONDS)
    del client, receiving
    gc.collect()  # its tags hang in cycles, and the recorder makes collections rare
