"""Coming back where one was: the place in a context is kept while one works there, and a rollout that still ran is watched again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from console.tui import saved_state as place
from console.tui.background import go, in_thread
from console.tui.flows.watches import Watch
from services.files import FileError

if TYPE_CHECKING:
    from console.tui.owner import ConsoleApp
    from services.operations.session import Session
    from services.records import Step


class Resumption:
    """Where one is in the context of ``session``; ``kept`` is where one was when the console ended."""

    def __init__(self, app: ConsoleApp, session: Session, kept: place.Place) -> None:
        self._app = app
        self._session = session
        self._place = kept
        self._unkept_said = False

    def keep(self) -> None:
        """Keep where one is, if that is elsewhere than before."""
        running = next((watch for watch in reversed(self._app.watches) if not watch.ended), None)
        left = None
        if running is not None:
            left = place.LeftWatch(running.device, running.module, running.title, running.client, running.started.isoformat())
        now = self._app.main.place(left)
        if now != self._place:
            self._place = now
            go(self._app, self._write(now), "place", exclusive=False)

    async def _write(self, now: place.Place) -> None:
        try:
            await in_thread(place.keep, self._session.context.name, now)
        except FileError as error:
            if self._unkept_said:
                return
            self._unkept_said = True
            self._app.notify(f"where you are cannot be kept: {error.cause}", severity="warning", timeout=4)

    def take_up(self) -> None:
        """Watch a rollout again that was being watched when the console ended."""
        watch, session = self._place.watch, self._session
        if watch is not None:
            again = Watch(
                watch.device, watch.module, watch.title, watch.client, lambda: _steps(session, watch), started=watch.since
            )
            self._app.follow(again)
            self._app.notify(f"{watch.title}: its watch goes on; w shows it", timeout=6)


def _steps(session: Session, watch: place.LeftWatch) -> Iterator[Sequence[Step]]:
    """Yield the rollout's steps from here on."""
    from services.operations.rollout_steps import Watch as Rollout

    version = session.hub.device_state(watch.device).desired_version
    yield from session.deployer.rollout(Rollout(watch.device, (watch.module,), version, watch.since, watch.client))
