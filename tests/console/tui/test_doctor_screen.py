"""The doctor's end: what failed stands first, and what passed is one line that unfolds."""

from __future__ import annotations

from console.tui.screens.doctor import folded
from services.operations.doctor.examination import Examination
from services.records import Finding, Step
from services.times import now


def finding(severity: str) -> Finding:
    return Finding(f"wrong-{severity}", severity, "wrong", "it is wrong", "because", "mend it")  # type: ignore[arg-type]


def lines(*steps: Step) -> list[Step]:
    return folded(Examination("edge", "edge-1", now(), steps))


def test_failures_stand_first_and_what_passed_is_one_line():
    steps = [
        Step("name", "Name", "done"),
        Step("port", "Port", "failed", finding=finding("error")),
        Step("clock", "Clock", "done", finding=finding("warning")),
        Step("proxy", "Proxy", "neutral"),
        Step("key", "Key", "done", "ok"),
        Step("device", "Device", "failed", finding=finding("error")),
    ]
    assert [step.name for step in lines(*steps)] == ["port", "device", "clock", "proxy", "passed"]
    assert lines(*steps)[-1].title == "2 checks passed"
    assert lines(steps[1]) == [steps[1]]


def test_a_root_stands_before_what_comes_of_it_as_in_the_verb():
    def trouble(name: str, state: str, module: str, severity: str = "error") -> Step:
        told = Finding(state, severity, "wrong", f"{state} it is", "because", "mend it", module=module)  # type: ignore[arg-type]
        return Step(name, name, "failed" if severity == "error" else "done", finding=told)

    steps = (
        Step("key", "Key", "done"),
        trouble("messages:eye", "host-refuses", "eye"),
        trouble("retention", "retention-short", "", "warning"),
        trouble("module:eye", "crash", "eye"),
    )
    examination = Examination("edge", "edge-1", now(), steps)
    assert [finding.state for finding in examination.causes] == ["crash", "retention-short", "host-refuses"]
    assert [step.name for step in examination.troubled] == ["module:eye", "retention", "messages:eye"]
    assert examination.passed_title == "1 check passed"
    refused = (trouble("key", "unauthorized", ""), trouble("access", "ip-rule", ""))
    assert [step.name for step in Examination("edge", "edge-1", now(), refused).troubled] == ["access", "key"]
