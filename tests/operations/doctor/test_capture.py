"""A capture: what goes into it, what does not, and that the tests' reader makes of it what the console made."""

import errno
import json
import os
import stat
from datetime import datetime, timezone

import pytest
from case_reader import judge, read_cases

from console.cli.main import run
from services.contexts.model import Context, HubSettings, SecretSource, WorkspaceSettings
from services.errors import OperatorError
from services.operations.doctor.capture import Capture
from services.operations.doctor.examination import Examination
from services.records import Exchange

HOST = "plant-hub.azure-devices.net"
KEY = "HubKeyThatNobodyMaySee42"


@pytest.fixture
def context(monkeypatch):
    monkeypatch.setenv("HUB", f"HostName={HOST};SharedAccessKeyName=p;SharedAccessKey={KEY}")
    workspace = WorkspaceSettings("4f5d8a3e-1111-2222-3333-444455556666", "plant-group", "plant-workspace")
    return Context("plant", HubSettings(HOST, SecretSource("env", "HUB")), workspace, device="edge-7")


def captured(context, tmp_path, exchanges, **options):
    capture = Capture(context, tmp_path / "evidence.json", **options)
    for exchange in exchanges:
        capture.observe(exchange)
    run = Examination(context.name, context.device, datetime(2026, 12, 1, tzinfo=timezone.utc), ())
    summary = capture.write(run)
    assert stat.S_IMODE(summary.path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["evidence.json"]
    return summary, summary.path.read_text()


def hub(request, body, status=200, **more):
    return Exchange("hub", request, status, body=body if isinstance(body, str) else json.dumps(body), **more)


def test_a_capture_has_the_form_of_a_case_and_no_key_of_the_context(context, tmp_path):
    _, text = captured(context, tmp_path, [hub("GET /devices", [{"deviceId": "edge-7", "note": f"key {KEY}"}])])
    assert {"title", "source", "feed", "payload", "product_now", "right"} <= set(json.loads(text))
    assert KEY not in text


def test_what_is_polled_is_kept_three_times_and_the_rest_is_counted(context, tmp_path):
    exchanges = [hub("GET /devices/edge-7", {"n": number}) for number in range(9)]
    exchanges += [hub("GET /devices/edge-7", "busy", 503), hub("GET /twins/edge-7", "x" * 600_000)]
    summary, text = captured(context, tmp_path, exchanges)
    assert [exchange["status"] for exchange in json.loads(text)["payload"]["exchanges"]] == [200, 200, 200, 503]
    assert summary.left_out == 7
    assert summary.holds == {"hub": 4}


def test_all_together_is_bounded(context, tmp_path):
    summary, text = captured(context, tmp_path, [hub(f"GET /devices/{number}", "x" * 400_000) for number in range(100)])
    assert summary.left_out == 80
    assert len(text) < 8 * 1024 * 1024


def test_a_long_list_is_cut_and_says_so(context, tmp_path):
    _, text = captured(context, tmp_path, [hub("GET /devices", [{"deviceId": f"d{number}"} for number in range(250)])])
    [exchange] = json.loads(text)["payload"]["exchanges"]
    assert (len(exchange["body"]), exchange["entries_left_out"]) == (100, 150)


def test_a_refusal_keeps_its_text_as_it_came(context, tmp_path):
    body = '{"Message": "ErrorCode:DeviceNotOnline;x", "Message": "twice"'
    _, text = captured(context, tmp_path, [hub("POST /twins/edge-7/methods", body, 404)])
    assert json.loads(text)["payload"]["exchanges"][0]["body"] == body


def test_a_hostile_reply_is_kept_and_does_not_reach_the_terminal(context, tmp_path):
    texts = ["\x1b]0;x\x07", "\x9b2J", "\u202e", "\ud800", "\u2028"]
    _, text = captured(context, tmp_path, [hub("GET /twins/edge-7", {"note": texts}), hub("GET /x", "[" * 5000)])
    assert not set(text) & {"\x1b", "\x07", "\x9b", "\u202e", "\u2028"}
    assert json.loads(text)["payload"]["exchanges"][0]["body"] == {"note": texts}


def test_bodies_of_messages_are_left_out_unless_asked_for(context, tmp_path):
    message = Exchange("events", "message", body={"properties": {"site": "north"}, "body": "The image secret-plan.jpg"})
    _, text = captured(context, tmp_path, [message])
    assert "north" in text
    assert "secret-plan" not in text
    (tmp_path / "evidence.json").unlink()
    _, text = captured(context, tmp_path, [message], bodies=True)
    assert "secret-plan" in text


def test_names_are_replaced_by_the_same_stand_ins_everywhere(context, tmp_path):
    subscription = context.workspace.subscription
    exchanges = [
        hub("GET /devices", [{"deviceId": "edge-7", "deviceScope": "ms-azure-iot-edge://edge-7-63"}, {"deviceId": "edge-70"}]),
        hub("GET /twins/edge-7/modules/$edgeHub", {"clients": {"edge-7/host": {"status": "Connected"}}}),
        Exchange("workspace", f"GET https://x/subscriptions/{subscription}/plant-workspace", 200, body="{}"),
        hub("GET /x", {"path": "iothub-ehub-plant-hu-1-0a", "endpoint": "sb://iothub-ns-plant-hu-1-0a.servicebus.windows.net/"}),
    ]
    _, text = captured(context, tmp_path, exchanges, replace_names=True)
    devices, twin, workspace, endpoint = json.loads(text)["payload"]["exchanges"]
    assert endpoint["body"] == {"path": "iothub-ehub-hub-1", "endpoint": "sb://iothub-ns-hub-1.servicebus.windows.net/"}
    for name in (HOST, "plant-hub", "plant-hu-", '"edge-7', "edge-70", "plant-workspace", subscription):
        assert name not in text, name
    assert devices["body"][0] == {"deviceId": "device-1", "deviceScope": "ms-azure-iot-edge://device-1-63"}
    assert twin["request"] == "GET /twins/device-1/modules/$edgeHub"
    assert list(twin["body"]["clients"]) == ["device-1/host"]
    assert "/subscriptions/00000000-0000-0000-0000-000000000001/" in workspace["request"]


def test_the_reader_judges_a_capture_as_it_judges_a_case(context, tmp_path):
    identity = {"deviceId": "edge-7", "status": "enabled", "connectionState": "Connected", "capabilities": {"iotEdge": True}}
    reported = {"lastDesiredVersion": 4, "lastDesiredStatus": {"code": 406, "description": "Agent is not running"}}
    twin = {"deviceId": "edge-7", "properties": {"desired": {"$version": 4}, "reported": reported}}
    sent = json.dumps({"methodName": "ping", "payload": {}})
    exchanges = [
        hub("GET /devices/edge-7", identity),
        hub("GET /twins/edge-7/modules/$edgeAgent", twin),
        hub("POST /twins/edge-7/modules/$edgeAgent/methods", {"status": 200, "payload": None}, sent=sent),
        hub("POST /twins/edge-7/modules/$edgeAgent/methods", '{"Message":"ErrorCode:ThrottlingException;x"}', 429, sent=sent),
        Exchange("amqp", "receive", body={"condition": "amqp:link:stolen", "description": "New receiver"}),
    ]
    captured(context, tmp_path, exchanges)
    [case] = read_cases(tmp_path / "evidence.json")
    states = [judgement.states[:1] for judgement in judge(case)]
    assert ("agent-stopped",) in states
    assert ("ok",) in states
    assert ("throttled",) in states
    assert ("link-stolen",) in states


@pytest.mark.parametrize("kind", ["file", "link", "no folder"])
def test_a_place_that_will_not_do_is_told_before_anything_is_asked(context, tmp_path, kind):
    path = tmp_path / "evidence.json"
    if kind == "file":
        path.write_text("mine")
    elif kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path = tmp_path / "nowhere" / "evidence.json"
    with pytest.raises(OperatorError) as caught:
        Capture(context, path)
    assert caught.value.remedy
    assert not (tmp_path / "elsewhere").exists()
    assert kind != "file" or path.read_text() == "mine"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_leaves_nothing_behind(context, tmp_path, monkeypatch, number):
    capture = Capture(context, tmp_path / "evidence.json")

    def full(_descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("services.files.os.fsync", full)
    with pytest.raises(OperatorError, match="cannot be written"):
        capture.write(Examination("plant", "edge-7", datetime.now(timezone.utc), ()))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_came_meanwhile_stays(context, tmp_path):
    capture = Capture(context, tmp_path / "evidence.json")
    (tmp_path / "evidence.json").write_text("mine")
    with pytest.raises(OperatorError, match="exists already"):
        capture.write(Examination("plant", "edge-7", datetime.now(timezone.utc), ()))
    assert (tmp_path / "evidence.json").read_text() == "mine"


def test_where_the_file_system_knows_no_second_names_a_file_is_renamed(context, tmp_path, monkeypatch):
    def refuse(*_names):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("services.files.os.link", refuse)
    captured(context, tmp_path, [])


def test_names_are_replaced_in_a_capture_only(capsys):
    assert run(["doctor", "--replace-names"]) == 2
    assert "--capture FILE" in capsys.readouterr().err
