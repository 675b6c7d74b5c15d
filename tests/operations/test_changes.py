"""What changed between two looks is told once, in sentences; the first time how things stand. Trouble calls, but not again and again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from types import SimpleNamespace

import pytest

from services.operations import changes as module
from services.operations.changes import Change, DeviceChanges, StreamChanges
from services.records import Device, DeviceState, Finding, LifeSigns, Liveness, Module, ReportedModule

DEVICE = Device("edge-1", False)
RUNS = Finding("running", "ok", "running", "", "", "")
CRASHES = Finding("crash-loop", "error", "backoff", "exits with 1", "The model file is missing.", "Deploy another image.")
TROUBLE = Finding("module-trouble", "error", "trouble", "trouble in eye", "eye: exits with 1", "See there.")
SENTENCE = "eye: backoff, exits with 1. The model file is missing. Deploy another image."
ALERT = "eye: backoff, exits with 1."
WELL = {"": RUNS, "host": RUNS, "eye": RUNS}
BAD = {"": TROUBLE, "host": RUNS, "eye": CRASHES}


def state_of(*names: str, word: str = "alive") -> DeviceState:
    liveness = Liveness(word, "$edgeHub connected", False, LifeSigns(DEVICE))  # type: ignore[arg-type]
    modules = tuple(Module(name, reported=ReportedModule("running")) for name in names)
    return DeviceState(DEVICE, modules, liveness=liveness)


BOTH = state_of("host", "eye")


def texts(changes: Sequence[Change]) -> list[str]:
    return [change.text for change in changes]


def test_first_how_things_stand_then_what_is_new_then_nothing():
    changes = DeviceChanges()
    standing = "edge-1: alive: $edgeHub connected; 2 modules, 2 running."
    assert changes.compare(BOTH, BAD) == [Change(standing), Change(SENTENCE)]  # nobody is called for what was bad before
    assert changes.compare(BOTH, BAD) == []
    assert changes.compare(BOTH, WELL) == [Change("eye: running.")]


def test_trouble_that_comes_and_goes_is_told_once_in_a_while():
    times = count(0, 60)
    changes = DeviceChanges(clock=lambda: next(times))
    changes.compare(BOTH, WELL)
    told = [changes.compare(BOTH, findings) for _ in range(5) for findings in (BAD, WELL)]
    assert told == [[Change(SENTENCE, ALERT)], [Change("eye: running.")], *[[]] * 8]
    for _ in range(8):
        next(times)
    assert changes.compare(BOTH, BAD) == [Change(SENTENCE, ALERT)]


def test_modules_that_come_and_go_and_the_device_itself():
    changes = DeviceChanges()
    changes.compare(state_of("host"), {"": RUNS, "host": RUNS})
    assert texts(changes.compare(state_of("eye"), {"": RUNS, "eye": RUNS})) == [
        "eye: new, running.",
        "host: removed from the device.",
    ]
    assert texts(changes.compare(state_of("eye", word="offline"), {"": RUNS, "eye": RUNS})) == [
        "edge-1: offline: $edgeHub connected."
    ]
    assert texts(changes.compare(state_of("eye", "next"), {"": RUNS, "eye": RUNS, "next": CRASHES})) == [
        SENTENCE.replace("eye", "next"),
        "edge-1: alive: $edgeHub connected.",
    ]


def test_messages_that_turn_bad_call_once_and_not_at_the_start(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "verdict", lambda health: health.verdict)
    changes = StreamChanges()

    def look(severity: str, sentence: str = "no result for 4m") -> list[Change]:
        return changes.compare(SimpleNamespace(verdict=(severity, sentence)))  # type: ignore[arg-type]

    assert look("info", "counting") == []
    assert look("error") == [Change("Messages: no result for 4m.")]
    assert look("ok", "6/min") == [Change("Messages: 6/min.")]
    assert look("warning") == [] and look("info") == []
    assert look("error") == [Change("Messages: no result for 4m.", "Messages: no result for 4m.")]
    assert look("error", "no result for 5m") == [] and look("info") == []
