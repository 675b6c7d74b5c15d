"""Follow a journal onward, message by message: for what prints them as they come."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from services.errors import OperatorError
from services.messages.filters import Filter
from services.messages.journal.window import Window
from services.records import InferenceMessage


class Follower:
    """Reads the journal from its beginning on, or from its end where ``only_new``; ``report`` is told what ails it.

    Where another journal takes its place (a damaged one is set aside), it goes on with that one, and gives nothing twice.
    """

    def __init__(self, path: Path, where: Filter, only_new: bool, report: Callable[[str], None]) -> None:
        self._path, self._where, self._report = path, where, report
        self._window = Window(path)
        self._row = self._window.bounds()[1] if only_new else 0
        self._newest_given: dict[str, InferenceMessage] = {}  # the newest of each partition
        self._again = False  # another journal may have again what was shown

    def next(self, count: int) -> tuple[list[InferenceMessage], int]:
        """Return the next messages that pass, ``count`` at most, and the newest row that there is."""
        in_place = self._window.in_place  # before reading: what it still holds is shown first
        try:
            last = self._window.bounds()[1]  # before reading: what comes in between is for the next turn
            messages = self._window.after(self._row, count, self._where)
        except OperatorError as error:
            if error.code != "journal.damaged":
                raise
            self._report(error.what)  # the recorder has been told, and will set it aside
            messages, last = [], self._row
        self._row = messages[-1].row if messages else max(self._row, last)
        if not messages and not in_place:
            self._open_another()
        if self._again:
            messages = [message for message in messages if not self._was_given(message)]
        for message in messages:
            if message.sequence_number >= 0:
                self._newest_given[message.partition] = message
        return messages, last

    def _open_another(self) -> None:
        with suppress(OperatorError):  # it is not there yet
            another = Window(self._path)
            self._window.close()
            self._window, self._row, self._again = another, 0, True

    def _was_given(self, message: InferenceMessage) -> bool:
        printed = self._newest_given.get(message.partition)
        if message.sequence_number < 0:  # it has no place in the order: rather twice than not at all
            return False
        return printed is not None and (message.sequence_number, message.enqueued) <= (printed.sequence_number, printed.enqueued)

    def close(self) -> None:
        """Let go of the journal."""
        self._window.close()
