"""The recorder's process: opens the journal, receives into it, and begins anew after whatever the network or the disk do.

It ends with the last console (or with a signal), and commits first what waits.
"""

from __future__ import annotations

import asyncio
import fcntl
import signal
from pathlib import Path

from services.errors import OperatorError
from services.messages.journal import schema
from services.messages.journal.field_rule import request_rule
from services.messages.journal.location import Place
from services.messages.journal.store import Journal
from services.messages.recorder.cancellation import ended
from services.messages.recorder.intake import Intake
from services.messages.recorder.link import HubRemade
from services.messages.recorder.receiving import Receiving
from services.messages.recorder.settings import Settings
from services.messages.recorder.status_report import StatusReporter
from services.messages.start import Start

_CONSOLES_EVERY = 1.0
_DISK_WAIT = 2.0
_FATAL_WAIT, _LONGEST_WAIT = 1.0, 30.0


class Recording:
    """One run of the recorder. ``run`` gives when it is told to end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._place = Place(settings.journal)
        self._reporter = StatusReporter(settings, self._place)
        self._receiving: Receiving | None = None
        self._rule_text = ""  # of the journal before this one
        self._ending = asyncio.Event()
        self._at_once = asyncio.Event()

    async def run(self) -> None:
        """Record until a signal or the last console's end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        attending = asyncio.ensure_future(self._attend())
        attending.add_done_callback(lambda _: self._ending.set())  # also where it broke: a console starts another recorder
        start = self._settings.start
        parts: list[schema.Part] | None = None  # where the journal before this one stood
        while not self._ending.is_set():
            journal = await self._open_journal()
            if journal is None:
                break
            if journal.damaged:
                parts = self._set_aside(journal.damaged)
            if parts:
                journal.adopt(parts)
            elif parts is not None:
                start = Start("beginning")
            parts = await self._record(journal, start)
        attending.cancel()
        self._reporter.write("ended")

    # -- the journal

    async def _open_journal(self) -> Journal | None:
        while not self._ending.is_set():
            try:
                journal = Journal(self._settings.journal)
            except OperatorError as error:
                self._reporter.error = error
                self._reporter.write("disk")
                await self._pause(_DISK_WAIT)
                continue
            if self._reporter.error is not None and self._reporter.error.code.startswith("journal."):
                self._reporter.error = None
            return journal
        return None

    async def _record(self, journal: Journal, start: Start) -> list[schema.Part] | None:
        """Receive until the end, or until the journal is of no use any more: gives where it stood then."""
        intake = Intake(journal, self._settings.keep)
        if self._rule_text:
            request_rule(self._settings.journal, self._rule_text)
        intake.start()
        receiving = self._receiving = Receiving(self._settings, intake, start, self._reporter)
        checking = asyncio.ensure_future(self._check_journal(intake))
        try:
            await self._receive(receiving, intake)
        finally:
            self._receiving = None
            await ended((checking,))
            await asyncio.to_thread(intake.end)
            self._rule_text = intake.rule_text
            self._reporter.closed(intake, receiving.links)
            parts = None if intake.damaged or journal.in_place else _parts(journal)
            journal.close()
        if intake.damaged:
            return self._set_aside(schema.set_aside(self._settings.journal))
        if parts is not None:
            self._reporter.warn(
                f"The journal {self._settings.journal} was removed or replaced while it was written; what it held is gone from"
                " here. A new one was begun where it stood."
            )
        return parts

    def _set_aside(self, damaged: Path) -> list[schema.Part]:
        """Say so; gives where the damaged journal stood, as far as it can be read."""
        self._reporter.warn(f"A damaged journal was set aside as {damaged}; this is a new one.")
        try:
            journal = Journal(damaged, read_only=True)
        except OperatorError:
            return []
        try:
            return _parts(journal)
        finally:
            journal.close()

    async def _check_journal(self, intake: Intake) -> None:
        """Look for damage where nobody has written or read yet: at the start, and when a reader has met with some."""
        place = self._place
        suspected = place.journal.stat().st_size <= schema.QUICKLY_CHECKED
        while not intake.damaged:
            if suspected or place.suspicion.exists():
                place.suspicion.unlink(missing_ok=True)
                intake.damaged = not await asyncio.to_thread(schema.sound, place.journal)
            suspected = False
            await asyncio.sleep(_CONSOLES_EVERY)

    # -- receiving

    async def _receive(self, receiving: Receiving, intake: Intake) -> None:
        wait = _FATAL_WAIT
        while not self._ending.is_set() and not intake.damaged and intake.journal.in_place:
            work = asyncio.ensure_future(receiving.run())
            watching = asyncio.ensure_future(receiving.watch())
            ending = asyncio.ensure_future(self._ending.wait())
            await asyncio.wait({work, watching, ending}, return_when=asyncio.FIRST_COMPLETED)
            results = await ended((work, watching, ending))
            await receiving.closed()
            remade = next((result for result in results if isinstance(result, HubRemade)), None)
            failed = next((r for r in results if isinstance(r, Exception) and not isinstance(r, HubRemade)), None)
            if remade is not None:
                receiving.begin_anew(remade)
            elif isinstance(failed, OperatorError) and failed.code == "journal.damaged":
                intake.damaged = True
            elif failed is not None:
                self._reporter.failed(failed)
                self._reporter.write(self._reporter.state(intake, receiving.links), intake, receiving.links)
                is_requested = await self._pause(wait)
                wait = _FATAL_WAIT if is_requested else min(wait * 2, _LONGEST_WAIT)
                continue
            wait = _FATAL_WAIT

    # -- consoles

    async def _attend(self) -> None:
        """End with the last console, whatever the hub and the network do meanwhile. Who starts a recorder is attached before."""
        request_time = asked_at(self._place)
        while self._settings.stay or attached(self._place):
            before, request_time = request_time, asked_at(self._place)
            if request_time != before:
                self._at_once.set()
                if self._receiving is not None:
                    self._receiving.try_now()
            await asyncio.sleep(_CONSOLES_EVERY)

    async def _pause(self, seconds: float) -> bool:
        """Rest for so long, or until the end, or until a console asks for another try: gives whether one did."""
        waiting = [asyncio.ensure_future(event.wait()) for event in (self._ending, self._at_once)]
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        is_requested = self._at_once.is_set()
        self._at_once.clear()
        return is_requested


def _parts(journal: Journal) -> list[schema.Part]:
    """Return where a journal stands, that is damaged or gone: nowhere, if it cannot be read."""
    try:
        return journal.parts()
    except OperatorError:
        return []


def attached(place: Place) -> bool:
    """Return whether any console is attached: each holds the consoles' lock, shared, for as long as it lives."""
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
    """Return when a console last asked for another try at once (``RecorderHandle.try_now``), as the file system counts."""
    try:
        return place.consoles_lock.stat().st_mtime_ns
    except OSError:
        return 0
