"""``dbe-console record``: keep recording without a screen."""

from __future__ import annotations

import argparse
import signal
import time
from dataclasses import asdict

from console.cli.output import Call
from services.errors import OperatorError
from services.messages.journal.location import Place, journal_place
from services.messages.recorder.handle import ensure_recorder, running, stop
from services.messages.recorder.status import RecorderStatus
from services.messages.start import Start
from services.text import counted, paced

HELP = "record messages without a screen"
_EVERY = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="start", metavar="START", default="latest", help="latest, beginning, 2h, a time, or offset:N"
    )
    parser.add_argument("--background", action="store_true", help="start the recorder, leave it running, and return")
    parser.add_argument("--stop", action="store_true", help="end this endpoint's recorder, whoever started it")
    parser.add_argument("--status", action="store_true", help="say what the recorder does, and return")
    parser.add_argument("--json", action="store_true", help="the status as one JSON object")


def run(call: Call) -> int:
    """Record until interrupted; the recorder then ends with the last console."""
    options = call.options
    start = Start.parse(options.start)
    with call.session() as session:
        context, endpoint = session.context, session.endpoint()
    place = journal_place(endpoint.namespace, endpoint.entity)
    if options.status:
        status = RecorderStatus.read(place.status) if running(place) else None
        _show(call, status, place)
        return 0 if status else 1
    if options.stop:
        stopped = stop(place) and _wait_until_stopped(place)
        call.progress("The recorder has ended." if stopped else "No recorder was running.")
        return 0
    if options.background and running(place):
        now = RecorderStatus.read(place.status)
        if now is not None and not now.stay:
            stop(place)
            _wait_until_stopped(place)
    handle = ensure_recorder(context, endpoint, start, stay=options.background)
    if place.local_instead_of:
        call.progress(f"{place.local_instead_of} is on a network disk: the journal is on a local one.")
    call.progress(f"Recording into {handle.journal_path}")
    if options.background:
        _show(call, handle.status(), place)
        handle.close()
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        while True:
            _show(call, handle.status(), place)
            time.sleep(_EVERY)
    except KeyboardInterrupt:
        return 0
    finally:
        handle.close()


def _wait_until_stopped(place: Place) -> bool:
    until = time.monotonic() + 20
    while running(place):
        if time.monotonic() > until:
            raise OperatorError("The recorder does not end.", remedy=f"Its own words are in {place.log}.", code="recorder.busy")
        time.sleep(0.05)
    return True


def _show(call: Call, status: RecorderStatus | None, place: Place) -> None:
    if call.as_json:
        call.out_json(asdict(status) if status else {"state": "ended", "journal": str(place.journal)})
        return
    if status is None:
        call.out(f"No recorder runs. Journal: {place.journal}")
        return
    parts = [status.state, f"{status.committed} recorded", paced(status.rate), f"lag {status.lag}"]
    parts += [f"{status.dropped} missing in {counted(status.gaps, 'gap')}"] if status.gaps else []
    parts += [f"{status.malformed:,} malformed"] if status.malformed else []
    parts += [counted(status.reconnects, "reconnect")] if status.reconnects else []
    parts += [status.error["what"]] if status.error else []
    parts += [status.notice] if status.notice else []
    call.out(" · ".join(parts))
