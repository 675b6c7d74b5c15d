"""``dbe-console stream`` as a process: NDJSON, filters, and how it ends."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from console.cli.output import Call
from console.cli.verbs import stream
from services.errors import OperatorError
from services.messages.filters import Filter
from services.messages.journal.store import Journal
from services.messages.recorder.status import RecorderState, RecorderStatus

COMMAND = [sys.executable, "-m", "console", "stream"]


def test_stream(lab: dict[str, Any], lab_home: Path, control: Callable[..., Any]) -> None:
    control(
        lab,
        "messages",
        {"count": 20, "device": "stream-test", "body": "(7 ms) The image s{n}.jpg was classified as cat with confidence 0.5."},
    )
    enough = threading.Event()

    def go_on() -> None:
        while not enough.wait(0.05):
            control(lab, "messages", {"count": 2, "device": "another"})

    producer = threading.Thread(target=go_on)
    producer.start()
    try:  # what is there, and no more, though messages never stop
        done = subprocess.run(
            [*COMMAND, "--json", "--no-follow", "--from", "beginning", "--device", "stream-test", "--grep", r"s1\d\."],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
    finally:
        enough.set()
        producer.join(120)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["picture"] for one in found] == [f"s1{n}.jpg" for n in range(10)]
    assert found[0]["class"] == "cat" and found[0]["device"] == "stream-test"

    text = subprocess.run(
        [*COMMAND, "--since", "1h", "--device", "stream-test", "--limit", "3"], capture_output=True, text=True, timeout=60
    )
    assert text.returncode == 0 and len(text.stdout.splitlines()) == 3 and "s0.jpg" in text.stdout

    for words in ([], ["--json"], ["--json", "--context", "nowhere"]):
        with Path("/dev/full").open("w") as full:
            unwritten = subprocess.run(
                [*COMMAND, "--since", "1h", *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
            )
        assert unwritten.returncode == 1 and "Traceback" not in unwritten.stderr, unwritten
        assert ("nowhere" if "nowhere" in words else "No space left") in unwritten.stderr

    wrong = subprocess.run([*COMMAND, "--grep", "("], capture_output=True, text=True, timeout=120)
    assert wrong.returncode == 2 and "regular expression" in wrong.stderr and "Traceback" not in wrong.stderr

    for words, why in (
        (["--since", ""], "is not a time"),
        (["--from", "offset:abc"], "is not an offset"),
        (["--limit", "-3"], "no whole number"),
        (["ms>x"], "compares with no number"),
    ):
        wrong = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=120)
        assert wrong.returncode == 2 and why in wrong.stderr, (words, wrong)

    # From a place on: what the journal has from before is not told.
    offset = int(found[5]["offset"])
    later = subprocess.run(
        [*COMMAND, "--json", "--no-follow", "--from", f"offset:{offset}", "--device", "stream-test"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    offsets = [int(json.loads(line)["offset"]) for line in later.stdout.splitlines()]
    assert later.returncode == 0 and offset in offsets and min(offsets) == offset

    piped = subprocess.Popen([*COMMAND, "--from", "beginning"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert piped.stdout is not None and piped.stderr is not None
    assert piped.stdout.readline()
    piped.stdout.close()
    assert piped.wait(120) == 0 and "Traceback" not in piped.stderr.read()
    piped.stderr.close()

    interrupted = subprocess.Popen([*COMMAND, "--from", "beginning"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert interrupted.stdout is not None
    assert interrupted.stdout.readline()
    interrupted.send_signal(signal.SIGINT)
    _, errors = interrupted.communicate(timeout=120)
    assert interrupted.returncode == 0 and "Traceback" not in errors

    # What was to end by itself has not shown all of it.
    cut_short = subprocess.Popen([*COMMAND, "--from", "beginning", "--limit", "999999"], stdout=subprocess.PIPE, text=True)
    assert cut_short.stdout is not None and cut_short.stdout.readline()
    cut_short.send_signal(signal.SIGINT)
    cut_short.communicate(timeout=120)
    assert cut_short.returncode == 130


def test_an_interrupt_while_modules_are_read_leaves_no_traceback() -> None:
    program = (
        "import sys, types\n"
        "late = types.ModuleType('console.cli.main')\n"
        "def missing(name): raise KeyboardInterrupt\n"
        "late.__getattr__ = missing\n"
        "sys.modules['console.cli.main'] = late\n"
        "from console.__main__ import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "")


def test_it_goes_on_with_the_next_journal_where_one_is_removed(
    lab: dict[str, Any], lab_home: Path, control: Callable[..., Any]
) -> None:
    def send(body: str) -> None:
        control(lab, "messages", {"count": 1, "device": "removed", "body": body})

    send("before")
    following = subprocess.Popen(
        [*COMMAND, "--json", "--from", "beginning", "--device", "removed"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(100, following.kill)
    watchdog.start()
    assert following.stdout is not None
    lines = (json.loads(line)["text"] for line in following.stdout)
    assert next(lines) == "before"
    shutil.rmtree(next(path.parent for path in lab_home.rglob("*.journal")))
    enough = threading.Event()

    def go_on() -> None:
        while not enough.wait(0.2):
            send(f"after {uuid4()}")

    producer = threading.Thread(target=go_on)
    producer.start()
    try:
        # What came before the recorder noticed went with the file that was removed; then all of it, once, in the next.
        after = [next(lines) for _ in range(40)]
    finally:
        enough.set()
        producer.join()
    following.send_signal(signal.SIGINT)
    _, errors = following.communicate(timeout=60)
    watchdog.cancel()
    assert len(set(after)) == 40 and all(text.startswith("after") for text in after)
    assert following.returncode == 0 and "Traceback" not in errors, errors
    assert next(lab_home.rglob("*.journal")).exists()


@pytest.mark.parametrize("state", ["disk", "failed"])
def test_what_is_to_end_by_itself_ends_where_nothing_more_can_come(
    state: RecorderState, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_LONG_QUIET", 0.0)
    told = {"what": "The disk is full.", "cause": "", "remedy": "Make room.", "code": "journal.full", "raw": ""}

    class Handle:
        journal_path = journal.path

        def status(self) -> RecorderStatus:
            return RecorderStatus(state, 1, received=1, error=told)

    call = Call(argparse.Namespace(json=True, limit=None, no_follow=True))
    with pytest.raises(OperatorError, match="The disk is full"):
        stream._stream(call, Handle(), Filter(), only_new=False)  # type: ignore[arg-type]
