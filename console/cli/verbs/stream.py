"""``dbe-console stream``: the messages as they come, for people and for machines."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from console.cli.output import Call, json_line
from console.cli.verbs._names import DeviceName, ModuleName
from console.cli.verbs._numbers import MOST_ROWS, whole_number
from services.errors import OperatorError
from services.messages.filters import Filter
from services.messages.follower import Follower
from services.messages.journal.export import as_dict
from services.messages.journal.field_rule import wait_for_rule
from services.messages.recorder.handle import RecorderHandle, ensure_recorder
from services.messages.recorder.status import RecorderStatus
from services.messages.start import Start, parse_time
from services.names import module_identity
from services.records import InferenceMessage
from services.text import counted

HELP = "messages as they come, filtered, as text or NDJSON"
_LOOK = 0.1
_PORTION = 1_000
_QUIET = 2.0  # nothing new for so long while receiving, and the hub has no more: caught up
_LONG_QUIET = 10.0  # a start in time may leave out all that the hub has


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "filter", nargs="*", metavar="FILTER", help="as in the console: class:cat ms>100 !kind:result text /regex/"
    )
    parser.add_argument("--device", action=DeviceName, metavar="NAME", help="only this device's (may hold *)")
    parser.add_argument(
        "--module", action=ModuleName, metavar="NAME", help="only this module's, and what clients send as the device"
    )
    parser.add_argument("--grep", metavar="REGEX", help="only bodies in which this is found")
    parser.add_argument(
        "--since", metavar="TIME", help="from then on: 10m, 2h30m, 3d, 2026-11-22T13:00Z; also what the hub still has"
    )
    parser.add_argument("--from", dest="start", metavar="START", help="latest (default), beginning, a time, or offset:N")
    parser.add_argument("--limit", type=whole_number(0, MOST_ROWS), metavar="N", help="end after N messages")
    parser.add_argument("--no-follow", action="store_true", help="end when everything there is has been shown")
    parser.add_argument("--json", action="store_true", help="NDJSON: one object a message")


def run(call: Call) -> int:
    """Print messages until interrupted, the reader goes, or the limit is reached."""
    options = call.options
    start = Start.parse("latest" if options.start is None else options.start)
    if options.since is not None:
        since = Start("time", parse_time(options.since))
        start = since if options.start is None else start
    where = _filter(options, start)
    with call.session() as session, _ended_by_signals():
        try:
            handle = ensure_recorder(session.context, session.endpoint(), start)
            only_new = options.since is None and start.kind == "latest"
            try:
                if not only_new:
                    wait_for_rule(handle.journal_path, call.progress)
                _stream(call, handle, where, only_new)
            finally:
                handle.close()
        except BrokenPipeError:
            # The reader has gone: nothing more to say, not even at exit, when Python flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except KeyboardInterrupt:
            # What was to end by itself has not shown all of it.
            return 130 if options.no_follow or options.limit is not None else 0
    return 0


def _filter(options: argparse.Namespace, start: Start) -> Filter:
    words = list(options.filter)
    words += [f"device:{options.device}"] if options.device else []
    words += [f"module:{module_identity(options.module)}"] if options.module else []
    words += [f'since:"{options.since}"'] if options.since is not None else []
    # What the journal has from before the start is not asked for.
    words += [f'since:"{options.start}"'] if start.kind == "time" and options.start is not None else []
    words += [f"offset>={start.value}"] if start.kind == "offset" else []
    words += ["/" + options.grep.replace("/", "\\/") + "/"] if options.grep else []
    return Filter.parse(" ".join(words))


def _stream(call: Call, handle: RecorderHandle, where: Filter, only_new: bool) -> None:
    options = call.options
    reporter = _IntakeReporter(call)
    reader = Follower(handle.journal_path, where, only_new, reporter.say)
    try:
        remaining = options.limit
        start, start_ms = time.monotonic(), time.time() * 1000
        grown, newest = start, -1
        while remaining is None or remaining > 0:
            messages, last = reader.next(_PORTION if remaining is None else min(_PORTION, remaining))
            for message in messages:
                if not options.json:
                    reporter.missing(message)
                call.out(_line(message, options.json))
            remaining = None if remaining is None else remaining - len(messages)
            if last != newest:
                grown, newest = time.monotonic(), last
            if len(messages) == _PORTION:
                continue
            status = handle.status()
            reporter.tell(status)
            quiet = time.monotonic() - grown
            # Where messages never stop, one that came after the beginning, with nothing left at the hub, is the end as well.
            passed = time.monotonic() - start > _QUIET and status.newest > start_ms and not status.lag
            caught_up = passed or quiet > (_LONG_QUIET if status.lag else _QUIET)
            if options.no_follow and status.state == "receiving" and not status.waiting and caught_up:
                return
            if options.no_follow and status.state in ("failed", "disk") and status.error and quiet > _LONG_QUIET:
                raise OperatorError(**status.error)  # who waits for the end would wait for ever
            _reader_there()
            time.sleep(_LOOK)
    finally:
        reader.close()


def _line(message: InferenceMessage, as_json: bool) -> str:
    if as_json:
        return json_line(as_dict(message))
    sender = f"{message.device}/{message.module}" if message.module else message.device
    return (
        f"{message.enqueued.astimezone():%Y-%m-%d %H:%M:%S}.{message.enqueued.microsecond // 1000:03d}  {sender}  {message.text}"
    )


class _IntakeReporter:
    """Says on standard error what happens to the intake: errors, reconnects, gaps.

    An error before the first connection ends the verb.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._last_notes: dict[str, Any] = {}
        self._connected = False
        self._ahead = 0  # messages that are missing and were told by those that follow them, and not yet by the status

    def say(self, text: str) -> None:
        """Say it, unless it was said last."""
        if text != self._last_notes.get("text"):
            self._call.progress(text)
        self._last_notes["text"] = text

    def tell(self, status: RecorderStatus) -> None:
        """Say what is new in ``status``."""
        self._connected = self._connected or status.state == "receiving" or status.received > 0
        if status.state == "failed" and status.error and not self._connected:
            raise OperatorError(**status.error)
        for at, text in status.events:
            if at > self._last_notes.get("at", 0) and at >= status.since:
                self._call.progress(text)
                self._last_notes["at"] = at
        if status.error and status.error["what"] != self._last_notes.get("error"):
            self._call.progress(f"{status.error['what']} {status.error['remedy']}")
        if status.error or status.state == "receiving":  # while another is started, what failed is not over
            self._last_notes["error"] = status.error["what"] if status.error else ""
        more = status.dropped - self._last_notes.setdefault("dropped", status.dropped)
        if more > 0:
            if more > self._ahead:
                self._tell_missing(more - max(self._ahead, 0))
            self._ahead -= more
            self._last_notes["dropped"] = status.dropped

    def missing(self, message: InferenceMessage) -> None:
        """Say what is missing before the message that is printed next, unless the status has told it."""
        if message.hub_remade:
            self.say("Missing here: what the hub before this one had and nobody had read; it was made again under the same name.")
        if not message.missing:
            return
        count = message.missing
        self._ahead += count
        if self._ahead > 0:
            self._tell_missing(min(count, self._ahead))

    def _tell_missing(self, count: int) -> None:
        self._call.progress(f"Missing here: {counted(count, 'message')} that the hub no longer had.")


def _reader_there() -> None:
    """End soon after the reader of the pipe has gone, which a write would notice at the next message only."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
        raise BrokenPipeError


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as SIGINT does."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
