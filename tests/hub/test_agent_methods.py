"""The edge agent's methods by its version, logs that the device cannot read, and what a call costs (tests/cases/azure 08, 09)."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from services.errors import OperatorError
from services.hub.client import MethodReply
from services.hub.methods import module_logs, restart_module
from services.hub.quota import QuotaMeter, charged_sizes
from services.operations.logs import follow

CASES = Path(__file__).parent.parent / "cases" / "azure"
LINE = [{"id": "cam", "payload": "<6> 2026-01-02 03:04:05.000 +00:00 [INF] - alive\n"}]
# Azure/iotedge issues 6777, 7177, 3602, 5051 and 7074; the engine's own for a driver that keeps nothing
DAMAGED = (
    "error from daemon in stream: Error grabbing logs: log message is too large (2349467251 > 1000000)",
    "Stream finished but there was a truncated final frame in the buffer",
    "Unexpected end of stream.",
    "error from daemon in stream: Error grabbing logs: unexpected EOF",
    "error from daemon in stream: Error grabbing logs: invalid character 'l' after object key:value pair",
)


class Agent:
    """An edge agent that answers by name of the method; what it was asked is kept."""

    def __init__(self, **replies: Any) -> None:
        self.replies = replies
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def invoke(self, device: str, module: str, name: str, payload: Any, response_timeout: int = 30) -> MethodReply:
        log_filter = payload["items"][0]["filter"] if "items" in payload else {}
        self.asked.append((name, log_filter))
        reply = self.replies[name]
        return reply(log_filter) if callable(reply) else reply


def case(prefix: str) -> MethodReply:
    payload = json.loads(next(CASES.glob(f"{prefix}*.json")).read_text("utf-8"))["payload"]
    return MethodReply(payload["method_status"], payload["method_payload"])


def without(name: str, *commands: str) -> MethodReply:
    text = f"Command '{name}' not found. The supported commands are - {','.join(commands)}"
    return MethodReply(400, {"message": text})


@pytest.mark.parametrize(
    ("reply", "version"),
    [
        (without("GetModuleLogs", "ping", "GetTaskStatus", "RestartModule"), "1.0.9"),
        (without("GetModuleLogs", "ping", "GetTaskStatus", "UploadLogs"), "1.0.8"),
        (without("GetModuleLogs", "ping"), "1.0.7 or older"),
        (case("08c"), "1.0.7 or older"),
    ],
)
def test_an_agent_without_logs_is_named_with_what_it_is_and_what_it_takes(reply, version):
    with pytest.raises(OperatorError) as raised:
        module_logs(Agent(GetModuleLogs=reply), "edge", "cam")
    assert raised.value.code == "agent.agent-too-old"
    assert f"logs want agent 1.0.10; this is {version}." in raised.value.what


def test_an_agent_without_restart_is_told_of_the_way_without_it():
    with pytest.raises(OperatorError) as raised:
        restart_module(Agent(RestartModule=without("RestartModule", "ping", "UploadLogs")), "edge", "cam")
    assert "restarts want agent 1.0.9; this is 1.0.8." in raised.value.what and "changed environment value" in raised.value.remedy


def test_a_method_that_a_new_agent_does_not_have_is_no_matter_of_age():
    newest = ("ping", "GetModuleLogs", "RestartModule", "UploadModuleLogs", "UploadSupportBundle", "GetTaskStatus")
    with pytest.raises(OperatorError) as raised:
        restart_module(Agent(RestartModule=without("RestartModulee", *newest)), "edge", "cam")
    assert raised.value.code == "agent.no-such-method" and "UploadSupportBundle" in raised.value.cause


def test_the_logs_of_an_agent_that_has_getlogs_come_by_it():
    agent = Agent(GetModuleLogs=case("08a"), GetLogs=MethodReply(200, LINE))
    assert [line.text for line in module_logs(agent, "edge", "cam", since="2026-01-02T03:04:05Z")] == ["[INF] - alive"]
    assert agent.asked[-1] == ("GetLogs", {"tail": 100, "since": 1767323045})  # that agent takes whole seconds alone
    with pytest.raises(OperatorError) as raised:
        module_logs(agent, "edge", "cam", since="gestern")
    assert raised.value.code == "agent.logs-filter"


@pytest.mark.parametrize("words", DAMAGED)
def test_a_log_that_the_engine_cannot_read_is_named(words):
    with pytest.raises(OperatorError) as raised:
        module_logs(Agent(GetModuleLogs=MethodReply(500, {"message": words})), "edge", "cam")
    assert raised.value.code == "agent.logs-unreadable" and words[-20:] in raised.value.cause
    assert "LogConfig" in raised.value.remedy


def test_a_log_that_its_driver_keeps_nowhere_is_named():
    words = "configured logging driver does not support reading"
    with pytest.raises(OperatorError) as raised:
        module_logs(Agent(GetModuleLogs=MethodReply(500, {"message": words})), "edge", "cam")
    assert raised.value.code == "agent.logs-kept-nowhere"


@pytest.mark.parametrize("since", ["", "10m"])
def test_following_goes_by_the_last_lines_where_times_fail(since):
    lines = [f"<6> 2026-01-02 03:04:0{second}.000 +00:00 line {second}" for second in range(4)]
    looks: list[str] = []

    def logs(log_filter: dict[str, Any]) -> MethodReply:
        if "since" in log_filter:
            return MethodReply(500, {"message": DAMAGED[1]})
        looks.append("tail")
        return MethodReply(200, [{"id": "cam", "payload": "\n".join(lines[: 1 + len(looks)])}])

    agent, stopped, told = Agent(GetModuleLogs=logs), threading.Event(), []
    seen = []
    for line in follow(agent, "edge", "cam", stopped, since=since, every=0.0, timeless=lambda: told.append(True)):
        seen.append(line.text)
        if len(seen) == len(lines):
            stopped.set()
    assert seen == ["line 0", "line 1", "line 2", "line 3"] and told == [True]
    assert sum("since" in log_filter for _, log_filter in agent.asked) == 1


def test_following_ends_where_the_last_lines_fail_too():
    agent = Agent(GetModuleLogs=MethodReply(500, {"message": DAMAGED[0]}))
    with pytest.raises(OperatorError):
        list(follow(agent, "edge", "cam", threading.Event(), since="10m", every=0.0))
    assert len(agent.asked) == 2


def test_a_direct_method_costs_its_request_and_its_reply(tmp_path):
    meter = QuotaMeter("hub.azure-devices.net", tmp_path / "quota.sqlite")
    for size in charged_sizes("exchange", 100, 100):
        meter.add(size)
    assert meter.spent_today() == 2
    for size in charged_sizes("exchange", 6_000, 100):
        meter.add(size)
    assert meter.spent_today() == 5
    assert charged_sizes("request", 100, 9_000) == (100,) and charged_sizes("reply", 0, 9_000) == (9_000,)


def test_logs_of_several_modules_are_one_call_merged_by_time():
    cam = "<6> 2026-01-02 03:04:05.000 +00:00 first\n  and more of it\n<6> 2026-01-02 03:04:09.000 +00:00 last\n"
    eye = "no time yet\n<6> 2026-01-02 03:04:07.000 +00:00 between\n"
    agent = Agent(GetModuleLogs=MethodReply(200, [{"id": "cam", "payload": cam}, {"id": "eye.2", "payload": eye}]))
    patterns = []
    ask = agent.invoke
    agent.invoke = lambda device, module, name, payload, **more: (  # type: ignore[method-assign]
        patterns.append(payload["items"][0]["id"]),
        ask(device, module, name, payload, **more),
    )[1]
    lines = [(line.module, line.text.strip()) for line in module_logs(agent, "edge", ["cam", "eye.2"])]
    assert lines == [("cam", "first"), ("cam", "and more of it"), ("eye.2", "no time yet"), ("eye.2", "between"), ("cam", "last")]
    with pytest.raises(OperatorError, match="edge has no module nosuch"):
        module_logs(agent, "edge", ["cam", "nosuch"])
    patterns.pop()
    module_logs(agent, "edge", ())
    assert patterns == [r"^cam$|^eye\.2$", "."] and len(agent.asked) == 3


def test_several_logs_are_followed_without_a_line_lost_or_doubled():
    def stamped(name: str, *seconds: int) -> dict[str, str]:
        text = "".join(f"<6> 2026-01-02 03:04:{second:02}.000 +00:00 {name}{second}\n" for second in seconds)
        return {"id": name, "payload": text}

    looks = iter(
        [[stamped("a", 1, 3), stamped("b", 2)], [stamped("a", 3), stamped("b", 2, 4)], [stamped("b", 4), stamped("c", 5)]]
    )
    stopped = threading.Event()

    def reply(_filter: Any) -> MethodReply:
        try:
            return MethodReply(200, next(looks))
        except StopIteration:
            stopped.set()
            return MethodReply(200, [])

    lines = [line.text for line in follow(Agent(GetModuleLogs=reply), "edge", (), stopped, every=0)]
    assert lines == ["a1", "b2", "a3", "b4", "c5"]
