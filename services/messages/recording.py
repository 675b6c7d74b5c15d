"""The recorder's process: a link for each partition, the intake, a watchdog, the status file.

It ends with the last console (or with a signal), commits what waits first, and begins anew after whatever the network does.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import sqlite3
import time
from collections import deque
from pathlib import Path
from typing import Any

from services.contexts.consumer import consumer
from services.diagnosis import explain
from services.errors import OperatorError
from services.messages import schema
from services.messages.failures import explained
from services.messages.hub_clock import TOLERATED
from services.messages.intake import Intake
from services.messages.journal import Journal, Position
from services.messages.link import HubRemade, Link
from services.messages.place import Place
from services.messages.settings import Settings, Start
from services.messages.status import RecorderState, RecorderStatus
from services.messages.tasks import ended
from services.records import Evidence

_TICK = 0.5
_HEARTBEAT = 5.0
_SILENT_AFTER = 5.0  # a link that says nothing for so long is checked
_ASK_CAUGHT_UP, _ASK_LATE, _ASK_BUSY, _ASK_IDLE = 2.0, 8.0, 15.0, 60.0
_ASK_SECONDS = 6.0
_CONSOLES_EVERY = 1.0
_FATAL_WAIT, _LONGEST_WAIT = 1.0, 30.0
_LOG = logging.getLogger(__name__)


class Recording:
    """One run of the recorder. ``run`` gives when it is told to end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._place = Place(settings.journal)
        self._events: deque[tuple[int, str]] = deque(maxlen=20)
        self._links: list[Link] = []
        self._lost: dict[str, float] = {}
        self._error: OperatorError | None = None
        self._notice = ""
        self._unanswered = False
        self._reconnects = 0
        self._opened = False
        self._began = _now()
        self._rates: deque[tuple[float, int]] = deque(maxlen=8)
        self._told: RecorderStatus | None = None
        self._told_at = 0.0
        self._ending = asyncio.Event()
        self._at_once = asyncio.Event()
        self._received_before = 0
        self._committed_before = 0
        self._gaps = (0, 0)
        self._gaps_at = 0.0
        self._start = settings.start

    async def run(self) -> None:
        """Record until a signal or the last console's end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        attending = asyncio.ensure_future(self._attend())
        attending.add_done_callback(lambda _: self._ending.set())  # also where it broke: a console starts another recorder
        rescued: Path | None = None
        while not self._ending.is_set():
            journal = await self._open_journal()
            if journal is None:
                break
            if rescued or journal.damaged:
                self._adopt(journal, rescued or journal.damaged)
                rescued = None
            self._intake = Intake(journal, self._settings.keep)
            self._intake.start()
            try:
                await self._until_damaged()
            finally:
                await asyncio.to_thread(self._intake.end)
                self._received_before += sum(link.received for link in self._links)
                self._committed_before += self._intake.committed
                self._links = []
                journal.close()
            if self._intake.damaged:
                rescued = schema.set_aside(self._settings.journal)
                self._note(f"The journal was damaged. It was set aside as {rescued}; a new one was begun.")
        attending.cancel()
        self._write("ended")

    # -- the journal

    async def _open_journal(self) -> Journal | None:
        while not self._ending.is_set():
            try:
                journal = Journal(self._settings.journal)
            except OperatorError as error:
                self._error = error
                self._write("disk")
                await self._pause(2.0)
                continue
            if self._error is not None and self._error.code.startswith("journal."):
                self._error = None
            return journal
        return None

    def _adopt(self, journal: Journal, damaged: Path | None) -> None:
        """Go on where the damaged journal stood, as far as it can be read; else from the oldest that the hub has."""
        self._notice = f"A damaged journal was set aside as {damaged}; this is a new one."
        try:
            connection = sqlite3.connect(f"{damaged.resolve().as_uri()}?mode=ro", uri=True) if damaged else None
            rows = connection.execute(
                "SELECT namespace, entity, generation, partition, sequence, offset, enqueued FROM part WHERE sequence IS NOT NULL"
            ).fetchall() if connection else []  # fmt: skip
        except sqlite3.Error:
            rows = []
        if rows:
            journal.adopt(rows)
        else:
            self._start = Start("beginning")

    # -- receiving

    async def _until_damaged(self) -> None:
        wait = _FATAL_WAIT
        while not self._ending.is_set() and not self._intake.damaged:
            work = asyncio.ensure_future(self._receive())
            ticking = asyncio.ensure_future(self._watch())
            ending = asyncio.ensure_future(self._ending.wait())
            await asyncio.wait({work, ticking, ending}, return_when=asyncio.FIRST_COMPLETED)
            results = await ended((work, ticking, ending))
            for link in self._links:
                await link.closed()
            remade = next((result for result in results if isinstance(result, HubRemade)), None)
            failed = next((r for r in results if isinstance(r, Exception) and not isinstance(r, HubRemade)), None)
            if remade is not None:
                self._new_generation(remade)
            elif failed is not None:
                self._fail(failed)
                self._write(self._state())
                asked = await self._pause(wait)
                wait = _FATAL_WAIT if asked else min(wait * 2, _LONGEST_WAIT)
                continue
            wait = _FATAL_WAIT

    async def _receive(self) -> None:
        """Learn the partitions, then run a link for each; raises HubRemade or what the SDK raises while learning."""
        from azure.eventhub.exceptions import EventHubError

        handled = (EventHubError, OSError, asyncio.TimeoutError, OperatorError, ValueError)
        endpoint = self._settings.endpoint
        journal = self._intake.journal
        client = self._client()
        try:
            partitions = await asyncio.wait_for(client.get_partition_ids(), 12.0)
        finally:
            await client.close()
        known = journal.positions(endpoint.namespace, endpoint.entity)
        generation = max((position.generation for position in known.values()), default=0)
        running = {link.partition: link for link in self._links}
        links = []
        for partition in partitions:
            position = known.get(partition)
            if position is None:
                position = Position(journal.part(endpoint.namespace, endpoint.entity, generation, partition), generation)
            link = Link(partition, position, self._start, self._intake, self._client, self._heard)
            if partition in running:
                link.received = running[partition].received
            links.append(link)
        self._links = links
        tasks = [asyncio.ensure_future(link.run(handled)) for link in links]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            await ended(tasks)

    def _client(self) -> Any:
        from azure.eventhub.aio import EventHubConsumerClient

        return consumer(
            EventHubConsumerClient,
            self._settings.endpoint,
            load_balancing_interval=3600,
            auth_timeout=20,
            idle_timeout=120,
            socket_timeout=1.0,  # how long a read waits: with the SDK's 0.2 s, links that bring nothing wake up too often
        )

    def _heard(self, link: Link, error: BaseException | None) -> None:
        """A link opened (error None) or failed."""
        if error is None:
            self._opened = True
            lost = self._lost.pop(link.partition, None)
            if lost is not None:
                self._reconnects += 1
                self._note(f"Partition {link.partition} is back after {time.monotonic() - lost:.1f} s.")
            if not self._lost:
                self._error = None
                self._unanswered = False
            return
        self._lost.setdefault(link.partition, time.monotonic())
        self._fail(error)
        if self._error is not None:
            self._note(f"Partition {link.partition}: {self._error.what}")

    def _fail(self, error: BaseException) -> None:
        self._error = explained(error, self._settings.endpoint.namespace)

    def _new_generation(self, remade: HubRemade) -> None:
        endpoint = self._settings.endpoint
        journal = self._intake.journal
        known = journal.positions(endpoint.namespace, endpoint.entity)
        generation = max((position.generation for position in known.values()), default=0) + 1
        for partition in known:
            journal.part(endpoint.namespace, endpoint.entity, generation, partition)
        text = (
            f"The hub {endpoint.namespace}/{endpoint.entity} counts its messages anew ({remade}): it was made again under the"
            " same name. Its messages are kept apart from those of the one before."
        )
        journal.notice("hub-remade", text)
        self._notice = text
        self._note(text)
        self._start = Start("beginning")

    # -- watching

    async def _watch(self) -> None:
        """Every half second: status; now and then: is the hub still there, what is it ahead by."""
        while not self._intake.damaged:
            self._write(self._state())
            await self._check()
            await asyncio.sleep(_TICK)

    async def _attend(self) -> None:
        """End with the last console, whatever the hub and the network do meanwhile. Who starts a recorder is attached before."""
        asked = asked_at(self._place)
        while self._settings.stay or attached(self._place):
            before, asked = asked, asked_at(self._place)
            if asked != before:
                self._at_once.set()
                for link in self._links:
                    link.try_now()
            await asyncio.sleep(_CONSOLES_EVERY)

    async def _check(self) -> None:
        now = time.monotonic()
        for link in self._links:
            if not link.is_open:
                continue
            silent = now - link.heard_at
            noticed = link.heard_at + _SILENT_AFTER
            just_noticed = link.asked_at < noticed <= now  # not asked since it went silent: at once
            # Behind, and all that the hub had when it was asked is here: is there more by now?
            late = link.clock.delay > TOLERATED
            often = _ASK_CAUGHT_UP if link.lagged and not link.lag else _ASK_LATE if late else _ASK_BUSY
            often = often if silent < 60 else _ASK_IDLE
            if not just_noticed and now < link.asked_at + often:
                continue
            await self._ask(link, silent)
            return

    async def _ask(self, link: Link, silent: float) -> None:
        """Ask the hub over a connection of its own: a frozen link raises nothing by itself."""
        link.asked_at = time.monotonic()
        client = self._client()
        try:
            await asyncio.wait_for(link.ask(client), _ASK_SECONDS)
        except asyncio.TimeoutError:
            if not self._unanswered:
                self._unanswered = True
                self._note("The hub does not answer, though nothing was disconnected.")
            self._error = explain(Evidence(source="amqp", code="silent", text="no answer to a question", seconds=silent))
            if silent > _SILENT_AFTER:
                link.renew()
            return
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises here is shown; the links go on by themselves
            self._fail(error)
            return
        finally:
            with contextlib.suppress(asyncio.TimeoutError, OSError):
                await asyncio.wait_for(client.close(), 2.0)
        if self._unanswered:
            self._unanswered = False
            self._note("The hub answers again.")
        if not self._lost:
            self._error = None
        if link.lag > 0 and silent > _SILENT_AFTER and self._intake.waiting == 0:
            link.renew()

    # -- saying so

    def _state(self) -> RecorderState:
        if self._intake.error is not None:
            return "disk"
        if self._unanswered:
            return "stale"
        if self._links and all(link.is_open for link in self._links):
            return "receiving"
        code = self._error.code if self._error else ""
        if any(word in code for word in _NOT_BY_WAITING):
            return "failed"
        # What never worked may be set up wrongly, unless it is a thing that passes.
        if self._opened or any(word in code for word in _PASSING):
            return "reconnecting"
        return "failed" if self._error else "starting"

    def _write(self, state: RecorderState) -> None:
        now = time.monotonic()
        intake = getattr(self, "_intake", None)
        committed = self._committed_before + (intake.committed if intake else 0)
        self._rates.append((now, committed))
        (then, before) = self._rates[0]
        error = (intake.error if intake else None) or self._error
        if intake and state != "ended" and (now - self._gaps_at > 2.0):
            self._gaps_at = now
            with contextlib.suppress(OperatorError):
                gaps = intake.journal.gaps()
                self._gaps = (len(gaps), sum(gap.count for gap in gaps))
        newest = intake.newest_enqueued if intake else 0
        clock = max((link.clock for link in self._links), key=lambda clock: clock.heard_at, default=None)
        status = RecorderStatus(
            state=state,
            at=_now(),
            pid=os.getpid(),
            since=self._began,
            received=self._received_before + sum(link.received for link in self._links),
            committed=committed,
            waiting=intake.waiting if intake else 0,
            doubled=intake.doubled if intake else 0,
            rate=round((committed - before) / (now - then), 1) if now > then else 0.0,
            lag=sum(link.lag for link in self._links),
            behind=max((round(link.behind, 1) for link in self._links if link.behind is not None), default=None),
            ahead=round(clock.ahead) if clock else 0.0,
            newest=newest,
            gaps=self._gaps[0],
            dropped=self._gaps[1],
            reconnects=self._reconnects,
            partitions={
                link.partition: {"open": link.is_open, "sequence": link.cursor, "lag": link.lag, "received": link.received}
                for link in self._links
            },
            error=error.as_dict() if error else None,
            notice=self._notice,
            events=tuple(self._events),
            stay=self._settings.stay,
            journal=str(self._settings.journal),
            consumer_group=self._settings.endpoint.consumer_group,
        )
        if self._told is not None and now - self._told_at < _HEARTBEAT and _same(status, self._told):
            return
        status.write(self._place.status)
        self._told, self._told_at = status, now

    def _note(self, text: str) -> None:
        self._events.append((_now(), text))
        _LOG.info("%s", text)

    async def _pause(self, seconds: float) -> bool:
        """Rest for so long, or until the end, or until a console asks for another try: gives whether one did."""
        waiting = [asyncio.ensure_future(event.wait()) for event in (self._ending, self._at_once)]
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        asked = self._at_once.is_set()
        self._at_once.clear()
        return asked


_NOT_BY_WAITING = ("unauthorized", "not-found", "missing", "readers", "stolen", "expired", "refused", "certificate", "not-tls")
_PASSING = ("cut", "throttled", "trouble")


def _same(one: RecorderStatus, other: RecorderStatus) -> bool:
    fields = (
        "state",
        "received",
        "committed",
        "waiting",
        "rate",
        "lag",
        "ahead",
        "gaps",
        "reconnects",
        "error",
        "notice",
        "events",
        "partitions",
    )
    return all(getattr(one, name) == getattr(other, name) for name in fields)


def attached(place: Place) -> bool:
    """Whether any console is attached: each holds the consoles' lock, shared, for as long as it lives."""
    try:
        file = place.consoles_lock.open("r+")
    except OSError:  # the folder is gone, and the journal with it
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def asked_at(place: Place) -> int:
    """When a console last asked for another try at once (``RecorderHandle.try_now``), as the file system counts."""
    try:
        return place.consoles_lock.stat().st_mtime_ns
    except OSError:
        return 0


def _now() -> int:
    return int(time.time() * 1000)
