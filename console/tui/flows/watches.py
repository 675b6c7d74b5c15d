"""Rollouts that are being watched: the app owns them, so that leaving their screen ends none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from console.tui.background import each
from services.errors import OperatorError
from services.records import Step


@dataclass
class Watch:
    """A rollout as far as it has got. ``client``: it ends with the first message."""

    device: str
    module: str
    title: str
    client: bool
    start: Callable[[], Iterator[Sequence[Step]]]
    steps: list[Step] = field(default_factory=list)
    error: OperatorError | None = None
    ended: bool = False
    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    listeners: list[Callable[[], None]] = field(default_factory=list)

    async def run(self) -> None:
        """Follow it to its end."""
        try:
            async for steps in each(self.start()):
                self.steps = list(steps)
                self._tell()
        except OperatorError as error:
            self.error = error
        finally:
            self.ended = True
            self._tell()

    @property
    def failed(self) -> bool:
        """Whether a step failed."""
        return self.error is not None or any(step.state == "failed" for step in self.steps)

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener()
