"""Twins edited with a diff and an etag, any direct method, the overview: as services and as verbs, on a device."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cli.main import run
from services.deployment.history import History
from services.errors import OperatorError
from services.hub.client import AGENT
from services.operations.last_messages import last_messages
from services.operations.twin_edit import TwinChanged, apply, desired_of, editable, merge_patch, plan, rebase
from services.operations.twins import displayable, invoke, payload_of

DEVICE, HOST, CLIENT = "databox-edge-1", "azureml-host", "azureml-client"
KEYS = st.text("abc", min_size=1, max_size=2)
VALUES = st.recursive(
    st.integers(0, 3) | st.booleans() | st.text("xy", max_size=2) | st.lists(st.integers(0, 2), max_size=2),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
TREES = st.dictionaries(KEYS, VALUES, max_size=4)


def merged(target, patch):
    """As a hub merges (RFC 7396)."""
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(result.get(key), value)
        else:
            result[key] = value
    return result


@given(TREES, TREES)
def test_a_merge_patch_leads_from_one_to_the_other(before, after):
    assert json.dumps(merged(before, merge_patch(before, after)), sort_keys=True) == json.dumps(after, sort_keys=True)
    assert merge_patch(before, before) == {}


def twin_of(desired):
    return {"etag": "AAA=", "properties": {"desired": {**desired, "$version": 4, "$metadata": {}}, "reported": {}}}


def test_a_masked_secret_that_is_left_alone_stays_what_it_is():
    twin = twin_of({"password": "hunter2", "rate": 1})
    text = editable(twin)
    assert "hunter2" not in text
    edit = plan("hub.azure-devices.net", DEVICE, HOST, twin, text.replace('"rate": 1', '"rate": 2'))
    assert edit.patch == {"rate": 2} and edit.after["password"] == "hunter2"
    changed = plan("hub.azure-devices.net", DEVICE, HOST, twin, json.dumps({"password": "other", "rate": 1}))
    assert changed.patch == {"password": "other"}
    assert not any("hunter2" in said or "other" in said for said in (changed.command, *(line.text for line in changed.diff)))


def test_an_edit_moves_onto_what_somebody_else_wrote_meanwhile():
    before = twin_of({"password": "hunter2", "rate": 1, "place": {"hall": 3, "row": 4}, "old": 0})
    now = twin_of({"password": "hunter3", "rate": 9, "place": {"hall": 3, "row": 5, "rack": 7}, "old": 0, "theirs": True})
    text = rebase('{"password": "•••", "rate": 2, "place": {"hall": 8, "row": 4}, "token": "mine"}', before, now)
    assert "hunter" not in text and "mine" in text  # what was typed is not masked: it would be lost
    edit = plan("hub", DEVICE, HOST, now, text)
    assert edit.patch == {"rate": 2, "place": {"hall": 8}, "token": "mine", "old": None}


@pytest.mark.parametrize("text", ["{", "[1]", '{"new": "•••"}', "[" * 100_000])
def test_what_cannot_be_sent_is_named(text):
    with pytest.raises(OperatorError) as caught:
        plan("hub", DEVICE, HOST, twin_of({}), text)
    assert caught.value.code == "twin.bad-edit" and caught.value.cause


@pytest.mark.parametrize(
    "twin", [{}, {"properties": 3}, {"properties": {"desired": [], "reported": {"\x1b[31m": "\x1b]0;x\x07"}}}]
)
def test_malformed_twins_are_shown_as_they_are(twin):
    assert "\x1b" not in json.dumps(displayable(twin), ensure_ascii=False)
    assert desired_of(twin) == {}


def test_the_agents_twin_is_edited_by_a_deployment_only():
    with pytest.raises(OperatorError) as caught:
        plan("hub", DEVICE, AGENT, twin_of({"a": 1}), "{}")
    assert caught.value.code == "hub.agent-desired-locked" and "deploy" in caught.value.remedy


def test_an_edit_on_a_twin_that_somebody_changed_sends_nothing(device_lab):
    _, _, hub = device_lab
    twin = hub.module_twin(DEVICE, HOST)
    first = plan(hub.host, DEVICE, HOST, twin, '{"interval": 5}')
    second = plan(hub.host, DEVICE, HOST, twin, '{"interval": 6}')
    assert desired_of(apply(hub, first))["interval"] == 5
    with pytest.raises(TwinChanged) as caught:
        apply(hub, second)
    assert "again" in caught.value.remedy
    assert desired_of(hub.module_twin(DEVICE, HOST)) == {"interval": 5}
    assert [entry.outcome for entry in History().entries(device=DEVICE) if entry.route == "twin"][:2] == ["failed", "applied"]


def test_any_method_and_replies_of_every_kind(device_lab):
    _, _, hub = device_lab
    assert invoke(hub, DEVICE, AGENT, "ping", {}).status == 200
    assert invoke(hub, DEVICE, AGENT, "NoSuchMethod", {}).status == 400
    with pytest.raises(OperatorError) as caught:
        invoke(hub, DEVICE, CLIENT, "anything", payload_of(""), 5)
    assert caught.value.code == "hub.module-not-connected"
    with pytest.raises(OperatorError):
        payload_of("{")


def test_the_verbs(device_lab, capsys, tmp_path):
    info, _, _ = device_lab
    assert run(["twin", "edgeAgent", "--part", "reported"]) == 0
    twin = capsys.readouterr().out
    assert json.loads(twin)["modules"][HOST]["runtimeStatus"] and info["registry_password"] not in twin
    file = tmp_path / "desired.json"
    file.write_text('{"rate": 7}')
    assert run(["twin", CLIENT, "--set", str(file), "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sent"] is True
    assert run(["method", "ping", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == 200
    assert run(["--read-only", "method", "RestartModule", "--yes"]) == 2
    assert "read-only" in capsys.readouterr().err
    assert run(["overview", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"databox-edge-1", "databox-edge-4"} <= {row["device"] for row in rows}
    broken = next(row for row in rows if row["device"] == "databox-edge-2")
    assert broken["reason"].startswith("belt-camera: ")


def test_no_journal_no_messages(tmp_path):
    assert last_messages(tmp_path / "none.sqlite") == {}
