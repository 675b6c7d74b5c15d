"""What changed between two readings is said once, in sentences; the first time how things stand."""

from __future__ import annotations

from services.operations.changes import DeviceChanges
from services.records import Device, DeviceState, Finding, LifeSigns, Liveness, Module, ReportedModule

DEVICE = Device("edge-1", False)
RUNS = Finding("running", "ok", "running", "", "", "")
CRASHES = Finding("crash-loop", "error", "backoff", "exits with 1", "The model file is missing.", "Deploy another image.")
TROUBLE = Finding("module-trouble", "error", "trouble", "trouble in eye", "eye: exits with 1", "See there.")


def state_of(*names: str, word: str = "alive") -> DeviceState:
    liveness = Liveness(word, "$edgeHub connected", False, LifeSigns(DEVICE))  # type: ignore[arg-type]
    modules = tuple(Module(name, reported=ReportedModule("running")) for name in names)
    return DeviceState(DEVICE, modules, liveness=liveness)


def test_first_how_things_stand_then_what_is_new_then_nothing():
    changes = DeviceChanges()
    bad = {"": TROUBLE, "host": RUNS, "eye": CRASHES}
    sentence = "eye: backoff, exits with 1. The model file is missing. Deploy another image."
    standing = "edge-1: alive: $edgeHub connected; 2 modules, 2 running."
    assert changes.compare(state_of("host", "eye"), bad) == [standing, sentence]
    assert changes.compare(state_of("host", "eye"), bad) == []
    assert changes.compare(state_of("host", "eye"), {"": RUNS, "host": RUNS, "eye": RUNS}) == ["eye: running."]
    assert changes.compare(state_of("host", "eye"), bad) == [sentence]


def test_modules_that_come_and_go_and_the_device_itself():
    changes = DeviceChanges()
    changes.compare(state_of("host"), {"": RUNS, "host": RUNS})
    assert changes.compare(state_of("eye"), {"": RUNS, "eye": RUNS}) == ["eye: new, running.", "host: removed from the device."]
    assert changes.compare(state_of("eye", word="offline"), {"": RUNS, "eye": RUNS}) == ["edge-1: offline: $edgeHub connected."]
    assert changes.compare(state_of("eye", "next"), {"": RUNS, "eye": RUNS, "next": CRASHES}) == [
        "next: backoff, exits with 1. The model file is missing. Deploy another image.",
        "edge-1: alive: $edgeHub connected.",
    ]
