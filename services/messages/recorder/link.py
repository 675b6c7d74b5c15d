"""One partition: receives from an explicit position, again and again, and hands what comes to the intake.

The SDK is given no retries of its own, because it reconnects without telling anyone; and no CheckpointStore, because that sets
an owner level and throws other readers out (docs/facts/sdk-clients.md). A link keeps the delivery tag of every message that the SDK
decodes until it closes: it is replaced by their count.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from services.errors import OperatorError
from services.messages.health.hub_clock import HubClock, elapsed
from services.messages.journal.positions import Positions, lies_before, lies_behind, milliseconds
from services.messages.journal.rows import Batch, Position, RawMessage
from services.messages.recorder.attachment import CLOSE_SECONDS, attached, close, refusal
from services.messages.recorder.events import raw_messages, without_number
from services.messages.recorder.intake import Intake
from services.messages.start import Start

PREFETCH = 1000
RECYCLE_AFTER = 25_000
_OPEN_SECONDS = 12.0
_ATTACH_SECONDS = 30.0
# The SDK does not say that a link was accepted, and a refusal comes after the attach: a link counts as open with its first
# messages, or when it is attached after so long (longer after it has failed).
_PROVEN, _PROVEN_AGAIN = 1.5, 4.0
_LOOK_SECONDS = 1.0
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_CREATED_LATER = 60_000  # ms: the clocks of one service are no further apart
_SAME_TIME = 2_000  # ms between a message's time as a partition's properties have it, and as the message has it
_IMPLAUSIBLE = 2**32  # messages that no partition takes between two looks at it


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
        positions: Positions,
        created: int = 0,
    ) -> None:
        """Prepare a link; ``created`` is when the hub was made, in ms since 1970, 0 where that is not known."""
        self.partition = partition
        self.part = position.part
        self.cursor = position.sequence
        self._position = position
        self._positions = positions
        self._created = created
        self._newest = -1 if position.newest is None else position.newest  # the journal may have messages up to this number
        self._waiting_from = position.oldest  # while only the first message tells where the partition begins
        self._first_at_begin = 0
        self._asked_at = int(time.time() * 1000)
        self._unnumbered = 0  # messages without a usable number since the last that had one
        self.newest_enqueued = position.enqueued if position.offset else 0  # else it is of a message that was never received
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
        self._start = start if position.sequence is not None or position.asked is None else position.asked.joined(start)
        self._reaches_back = position.sequence is not None and lies_before(start, position)
        self._token: object | None = None
        self._intake = intake
        self._make_client = make_client
        self._report = told
        self._break = asyncio.Event()
        self._at_once = asyncio.Event()
        self._fault: BaseException | None = None
        self._since_open = 0
        self._tags = 0  # delivery tags that the SDK keeps of this link
        self._closing: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Receive until cancelled; raises HubRemade. After any other error it tries again, and the other partitions go on."""
        wait = _FIRST_WAIT
        while True:
            self._at_once.clear()
            try:
                await self._receive()
                wait = _FIRST_WAIT
                continue
            except HubRemade:
                raise
            except Exception as error:  # noqa: BLE001 - whatever the SDK raises is shown
                if self.is_open:
                    wait = _FIRST_WAIT
                self.is_open, self._failed_before = False, True
                self._report(self, error)
                if self.cursor is None and self._start.kind == "latest":  # what came since it was asked for is wanted as well
                    self._start = Start("time", self._asked_at)
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
        gap_seconds = max(0, self._last_enqueued_at - self.newest_enqueued) / 1000 if self.lag and self.newest_enqueued else 0.0
        late = max(gap_seconds, self.clock.delay)
        return late if late >= 1 else None

    async def ask(self, client: Any) -> dict[str, Any]:
        """Return the partition's properties from the hub."""
        began = elapsed()
        properties = dict(await client.get_partition_properties(self.partition))
        self.clock.answered(began)
        self.asked_at = time.monotonic()
        self.last_enqueued = int(properties["last_enqueued_sequence_number"])
        self._last_enqueued_at = milliseconds(properties.get("last_enqueued_time_utc"))
        self._oldest = self.last_enqueued + 1 if properties["is_empty"] else int(properties["beginning_sequence_number"])
        self.lagged = self.lag > 0
        if not self.lagged:
            self.clock.caught_up()
        return properties

    async def _receive(self) -> None:
        """Open a link and receive until it has brought enough, fails or is told to break."""
        self._break.clear()
        self._fault = None
        self._since_open = self._tags = 0
        client = self._make_client()
        receiving: asyncio.Task[None] | None = None
        try:
            position, inclusive = await asyncio.wait_for(self._where(client), _OPEN_SECONDS)
            token = object()
            self._token = token

            async def take(_context: Any, events: list[Any]) -> None:
                if self._token is not token:
                    await asyncio.sleep(_LOOK_SECONDS)  # until it is closed, a replaced link would go on reading for nobody
                elif events:
                    self._opened()
                    self._tags += sum([not isinstance(event, RawMessage) for event in events])
                    await self._take(raw_messages(events))
                    if self._tags >= RECYCLE_AFTER:
                        self._break.set()

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
                    error = refusal(client)
                    if error is not None:
                        raise error
                    if attached(client):
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
            closing = asyncio.ensure_future(close(client, receiving))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _opened(self) -> None:
        if not self.is_open:
            self.is_open, self._failed_before = True, False
            self._report(self, None)

    async def closed(self) -> None:
        """Wait, once nothing receives any more, until links that were replaced are closed."""
        self.is_open = False
        if self._closing:
            await asyncio.wait(self._closing, timeout=CLOSE_SECONDS)

    async def _failed(self, _context: Any, error: BaseException) -> None:
        self._fault = error
        self._break.set()

    async def _where(self, client: Any) -> tuple[Any, bool]:
        """Return the position to start from, and whether it is itself wanted; it is in the journal before anything is received.

        At a known position the message there is asked for again: it proves that this is still the same hub.
        """
        properties = await self.ask(client)
        assert self.last_enqueued is not None
        last, oldest = self.last_enqueued, self._oldest
        if last < max(self._newest, -1 if self.cursor is None else self.cursor):
            raise HubRemade(f"partition {self.partition}: {last} < {max(self._newest, self.cursor or 0)}")
        if self.cursor is None:
            return self._begin(properties)
        # Where the message at the position can prove nothing, since it is gone or was never seen, the hub's own age does.
        unproven = self.cursor < oldest or not self._position.offset
        if unproven and 0 < self._position.enqueued < self._created - _CREATED_LATER:
            raise HubRemade(f"partition {self.partition}: it is younger than its message {self.cursor}")
        if oldest > self.cursor + 1:
            self._positions.skip(self.part, self.cursor + 1, oldest - 1)
            self.cursor = oldest - 1
        reaches_back, self._reaches_back = self._reaches_back, False
        before_first = self._position.begun
        if reaches_back and (before_first is None or before_first >= oldest):  # else all that the hub has since then was read
            self.cursor, self._waiting_from = None, None
            return self._begin(properties)
        return self._after_cursor()

    def _after_cursor(self) -> tuple[Any, bool]:
        assert self.cursor is not None
        return ("-1", False) if self.cursor < 0 else (self.cursor, self._oldest <= self.cursor)

    def _begin(self, properties: dict[str, Any]) -> tuple[Any, bool]:
        """Ask where the partition begins by the start that was asked for, kept before anything is received.

        "@latest" would be evaluated again at each reconnect, and lose what came in between. Of a time or an offset before the
        hub's end only the first message tells which number it is; until then the start itself is kept, and what the hub had
        then.
        """
        assert self.last_enqueued is not None
        start, last, oldest = self._start, self.last_enqueued, self._oldest
        before_first = last if lies_behind(start, last, properties) else None
        if start.kind == "beginning" or (start.kind == "time" and int(start.value) <= 0):
            before_first = oldest - 1
        elif before_first is None and oldest > last:  # nothing is left of what was wanted
            before_first = last
            if self._waiting_from is not None and self._waiting_from <= last:
                self._positions.skip(self.part, self._waiting_from, last)
        if before_first is None:
            self._positions.wait_for_first(self.part, start, oldest)
            self._waiting_from = oldest if self._waiting_from is None else self._waiting_from
            self._first_at_begin = oldest
            if start.kind == "offset":
                return str(start.value), True
            return datetime.fromtimestamp(int(start.value) / 1000, timezone.utc), True
        # The last message's time stands for the hub that has it, also where the beginning lies further back.
        proof = str(properties.get("last_enqueued_offset") or "") if before_first == last else "", self._last_enqueued_at
        self._positions.begin(self.part, start, before_first, *proof)
        self._position = replace(self._position, sequence=before_first, offset=proof[0], enqueued=proof[1], begun=before_first)
        self.cursor, self._waiting_from = before_first, None
        return self._after_cursor()

    async def _take(self, messages: list[RawMessage]) -> None:
        self.heard_at = time.monotonic()
        cursor, gaps = self.cursor, list[tuple[int, int]]()
        numbers = [message.sequence for message in messages]
        next_ones = cursor is not None and numbers == list(range(cursor + 1, cursor + 1 + len(numbers)))
        if not next_ones or self._unnumbered or numbers[0] <= self._newest:
            messages, gaps = self._sort_out(messages)
            if not messages:
                return
        else:
            self.cursor = numbers[-1]
        first, newest = messages[0], messages[-1]
        if not (first.malformed or newest.malformed):  # their times may be those of their receipt
            unknown = self.last_enqueued is not None and first.sequence > self.last_enqueued
            self.clock.came(first.enqueued, newest.enqueued, unknown)
            self.newest_enqueued = max(self.newest_enqueued, newest.enqueued)
        self.received += len(messages)
        self._since_open += len(messages)
        await self._intake.put(Batch(self.part, messages, gaps))

    def _sort_out(self, messages: list[RawMessage]) -> tuple[list[RawMessage], list[tuple[int, int]]]:
        """Return the messages that were not received before, and the spans of numbers that are missing before and among them.

        What is out of the order, which only the service can do wrong, is kept without its number. As many as came without one
        just where numbers are missing are these, and no gap.
        """
        cursor, again = self.cursor, self._since_open == 0  # only at its beginning a link brings what was received before
        horizon = max(self.last_enqueued or 0, cursor or 0) + _IMPLAUSIBLE
        fresh, gaps, proven = list[RawMessage](), list[tuple[int, int]](), False
        for message in messages:
            number = message.sequence
            is_duplicate = cursor is not None and number <= cursor
            if not proven and number >= 0 and (number <= self._newest or (is_duplicate and again)):
                self._same_hub(message)
                proven = True
            if number >= 0 and is_duplicate and again:
                continue
            if number < 0 or is_duplicate or number > horizon:
                fresh.append(message if number < 0 else without_number(message))
                self._unnumbered += 1
                continue
            again = False
            expected = self._first_expected(number) if cursor is None else cursor + 1
            if number - expected not in (0, self._unnumbered):
                gaps.append((expected, number - 1))
            self._unnumbered = 0
            cursor = number
            fresh.append(message)
        self.cursor = cursor
        return fresh, gaps

    def _first_expected(self, number: int) -> int:
        """Return the first number that is owed where the first that came is ``number``.

        If that is the oldest that the hub has, what it had before it when it was first asked may have been wanted as well.
        """
        if self._waiting_from is None or number != self._first_at_begin:
            return number
        return self._waiting_from

    def _same_hub(self, message: RawMessage) -> None:
        """Raise HubRemade where a message that was received before is not the one that the journal has."""
        stored = self._intake.journal.lookup(self.part, message.sequence)
        if stored is not None:
            other = stored[1] != message.offset or (stored[0] != message.enqueued and not message.malformed)
        elif message.sequence == self._position.sequence and self._position.offset:
            later = abs(message.enqueued - self._position.enqueued)
            other = self._position.offset != message.offset or (later > _SAME_TIME and not message.malformed)
        else:
            return
        if other:
            self._fault = HubRemade(f"partition {self.partition}: another message has the number {message.sequence}")
            self._break.set()
            raise self._fault
