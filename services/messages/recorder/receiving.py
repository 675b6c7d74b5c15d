"""Receiving into one journal: a link for each of the hub's partitions, and a watchdog, for a frozen link raises nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from services.contexts.consumer import consumer
from services.diagnosis import explain
from services.errors import OperatorError
from services.messages.health.hub_clock import TOLERATED
from services.messages.journal.positions import Positions, milliseconds
from services.messages.journal.rows import Position
from services.messages.recorder.cancellation import ended
from services.messages.recorder.intake import Intake
from services.messages.recorder.link import HubRemade, Link
from services.messages.recorder.settings import Settings
from services.messages.recorder.status_report import StatusReporter
from services.messages.recorder.transfers import take_transfers
from services.messages.start import Start
from services.records import Evidence

_TICK = 0.5
_SILENT_AFTER = 5.0  # a link that says nothing for so long is checked
_ASK_CAUGHT_UP, _ASK_LATE, _ASK_BUSY, _ASK_IDLE = 2.0, 8.0, 15.0, 60.0
_ASK_SECONDS = 6.0
_LEARN_SECONDS = 12.0


class Receiving:
    """The links of one endpoint. ``start`` holds for partitions that the journal does not know yet."""

    def __init__(self, settings: Settings, intake: Intake, start: Start, reporter: StatusReporter) -> None:
        self._settings = settings
        self._intake = intake
        self._start = start
        self._positions = Positions(intake.journal, settings.endpoint.namespace, settings.endpoint.entity)
        self._reporter = reporter
        self.links: list[Link] = []
        self._slow = False  # whether the SDK's own reading is used, and was spoken of

    async def run(self) -> None:
        """Learn the partitions, then receive each; raises HubRemade, or what the SDK raises while learning."""
        start = self._start
        if not self._positions.newest_generation():
            start = self._positions.ask(start)
        client = self._client()
        try:
            hub = await asyncio.wait_for(client.get_eventhub_properties(), _LEARN_SECONDS)
        finally:
            await client.close()
        partitions = hub["partition_ids"]
        positions = self._start_positions(partitions, start)
        created = milliseconds(hub.get("created_at"))
        running = {link.partition: link for link in self.links}
        links = []
        for partition in partitions:
            link = Link(
                partition, positions[partition], start, self._intake, self._client, self._on_report, self._positions, created
            )
            if partition in running:
                link.received = running[partition].received
            links.append(link)
        self.links = links
        tasks = [asyncio.ensure_future(link.run()) for link in links]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            await ended(tasks)

    async def closed(self) -> None:
        """Wait, once nothing receives any more, until the links are closed."""
        for link in self.links:
            await link.closed()

    def try_now(self) -> None:
        """Have links that rest after a failure try again now."""
        for link in self.links:
            link.try_now()

    def begin_anew(self, remade: HubRemade) -> None:
        """Begin anew with a hub that has taken the first one's name: its messages are kept apart, and received from its beginning."""
        endpoint = self._settings.endpoint
        text = (
            f"The hub {endpoint.namespace}/{endpoint.entity} counts its messages anew ({remade}): it was made again under the"
            " same name. Its messages are kept apart from those of the one before; what that one had and was not received is lost."
        )
        self._positions.begin_generation(text)
        self._reporter.warn(text)
        self._start = Start("beginning")

    def _start_positions(self, partitions: Sequence[str], start: Start) -> dict[str, Position]:
        """Return the journal's position of each partition; of those that are new to it, the start is there before they are read."""
        newest = self._positions.newest_generation()
        new = [partition for partition in partitions if partition not in newest]
        if new:
            generation = max((position.generation for position in newest.values()), default=0)
            # Of a hub that the journal knows all is wanted.
            requested_start = Start("beginning") if newest else start
            self._positions.add(generation, new, requested_start)
            new_generation = self._positions.newest_generation()
            newest |= {partition: replace(new_generation[partition], asked=requested_start) for partition in new}
        return newest

    def _client(self) -> Any:
        from azure.eventhub.aio import EventHubConsumerClient

        client = consumer(
            EventHubConsumerClient,
            self._settings.endpoint,
            load_balancing_interval=3600,
            auth_timeout=20,
            idle_timeout=120,
            socket_timeout=1.0,  # how long a read waits: with the SDK's 0.2 s, links that bring nothing wake up too often
        )
        if not take_transfers(client) and not self._slow:
            self._slow = True
            self._reporter.note(
                "azure-eventhub is another than the recorder was tried with: messages are read its way, at half the speed"
            )
        return client

    def _on_report(self, link: Link, error: BaseException | None) -> None:
        if isinstance(error, OperatorError) and error.code == "journal.damaged":
            self._intake.damaged = True
        self._reporter.heard(link.partition, error)

    # -- watching

    async def watch(self) -> None:
        """Write the status every half second until something is amiss with the journal; now and then ask a silent link's partition."""
        while not self._intake.damaged and self._intake.journal.in_place:
            self._reporter.write(self._reporter.state(self._intake, self.links), self._intake, self.links)
            await self._check()
            await asyncio.sleep(_TICK)

    async def _check(self) -> None:
        now = time.monotonic()
        for link in self.links:
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
        """Ask the hub over a connection of its own."""
        link.asked_at = time.monotonic()
        client = self._client()
        try:
            await asyncio.wait_for(link.ask(client), _ASK_SECONDS)
        except asyncio.TimeoutError:
            self._reporter.silent(explain(Evidence(source="amqp", code="silent", text="no answer to a question", seconds=silent)))
            if silent > _SILENT_AFTER:
                link.renew()
            return
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises here is shown; the links go on by themselves
            self._reporter.failed(error)
            return
        finally:
            with contextlib.suppress(asyncio.TimeoutError, OSError):
                await asyncio.wait_for(client.close(), 2.0)
        self._reporter.answered()
        if link.lag > 0 and silent > _SILENT_AFTER and self._intake.waiting == 0:
            link.renew()
