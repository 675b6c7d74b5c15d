"""Drafts of create options: kept without their secrets, found again, dropped when they are deployed, and never silently lost."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from services.deployment import drafts as store
from services.errors import OperatorError
from services.files import FileError
from services.operations.drafts import Drafts, drop_draft, find_draft, list_drafts
from services.records import DraftKey, DraftStatus

KEY = DraftKey("hub.example", "edge-1", "azureml-host")
DEPLOYED = '{"HostConfig":{"PortBindings":{"50051/tcp":[{"HostPort":"50051"}]}}}'
CHANGED = DEPLOYED.replace('"50051"}', '"50052"}')
SECRET = '{"Env":["DB_PASSWORD=hunter2-very-secret"],"HostConfig":{}}'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    return tmp_path


def kept(drafts: Drafts, text: str, deployed: str = DEPLOYED, key: DraftKey = KEY) -> DraftStatus:
    drafts.note(key, text, deployed, DEPLOYED)
    return drafts.keep()[key]


def begun(text: str, deployed: str = DEPLOYED) -> Drafts:
    drafts = Drafts()
    drafts.open(KEY, deployed, deployed)
    kept(drafts, text, deployed)
    return drafts


def test_a_draft_outlives_its_console() -> None:
    begun(CHANGED)
    opened = Drafts().open(KEY, DEPLOYED, DEPLOYED)
    assert opened.text == CHANGED
    assert opened.status.changed and not opened.status.moved and opened.status.saved_at is not None
    assert stat.S_IMODE(store.draft_file(KEY).stat().st_mode) == 0o600


def test_each_module_device_and_hub_has_its_own() -> None:
    keys = [KEY, KEY._replace(module="other"), KEY._replace(device="edge-2"), KEY._replace(hub="hub-2.example")]
    drafts = Drafts()
    for number, key in enumerate(keys):
        kept(drafts, f'{{"User":"{number}"}}', key=key)
    assert [Drafts().open(key, DEPLOYED, DEPLOYED).text for key in keys] == [f'{{"User":"{number}"}}' for number in range(4)]


@pytest.mark.parametrize("text", [DEPLOYED, json.dumps(json.loads(DEPLOYED), indent=4)])
def test_what_equals_the_deployed_is_no_draft(text: str) -> None:
    drafts = begun(CHANGED)
    assert not kept(drafts, text).changed
    assert store.load(KEY) is None


def test_what_was_deployed_meanwhile_is_no_draft() -> None:
    begun(CHANGED)
    assert not Drafts().open(KEY, CHANGED, CHANGED).status.changed
    assert store.load(KEY) is None


def test_nothing_typed_is_no_draft() -> None:
    assert not kept(Drafts(), DEPLOYED).changed
    assert list_drafts() == ([], [])


def test_a_draft_says_that_the_deployed_version_has_moved() -> None:
    drafts = begun(CHANGED)
    other = DEPLOYED.replace('"50051"}', '"60000"}')
    assert kept(drafts, CHANGED, other).moved
    opened = Drafts().open(KEY, other, other)
    assert opened.text == CHANGED and opened.status.moved
    assert not Drafts().open(KEY, json.dumps(json.loads(DEPLOYED), indent=1), DEPLOYED).status.moved


def test_secrets_of_the_device_come_back_and_are_not_on_disk() -> None:
    text = SECRET.replace("{}", '{"Privileged":true}')
    begun(text, SECRET)
    assert "hunter2" not in store.draft_file(KEY).read_text()
    opened = Drafts().open(KEY, SECRET, SECRET)
    assert json.loads(opened.text) == json.loads(text) and not opened.missing
    assert opened.status.secrets == ()


def test_a_new_secret_is_said_and_asked_for_again() -> None:
    drafts = begun(SECRET)
    assert kept(drafts, SECRET).secrets == ("Env.DB_PASSWORD",)
    assert ["DB_PASSWORD" in risk and "hunter2" not in risk for risk in drafts.at_risk()] == [True]
    assert drafts.open(KEY, DEPLOYED, DEPLOYED).text == SECRET  # while the console runs it is there
    later = Drafts()
    opened = later.open(KEY, DEPLOYED, DEPLOYED)
    assert opened.missing == (("Env", "DB_PASSWORD="),) and "hunter2" not in opened.text
    assert later.at_risk() == []  # what is not there cannot be lost
    again = later.open(KEY, DEPLOYED, DEPLOYED, {opened.missing[0]: "hunter3"})
    assert json.loads(again.text)["Env"] == ["DB_PASSWORD=hunter3"] and not again.missing
    assert again.status.secrets == ("Env.DB_PASSWORD",)


def test_a_mask_that_nobody_fills_in_stays_a_mask() -> None:
    begun(SECRET)
    drafts = Drafts()
    drafts.open(KEY, DEPLOYED, DEPLOYED)
    assert drafts.open(KEY, DEPLOYED, DEPLOYED).missing  # asked for again the next time
    status = kept(drafts, drafts.open(KEY, DEPLOYED, DEPLOYED).text)
    assert status.changed and status.secrets == ()


@pytest.mark.parametrize(
    "text", ['{"Env":["DB_PASSWORD=hunter2-very-secret"', '{"Env":["DB_PASSWORD=hunter2-very-secret"],"Env":[]}', "[1]"]
)
def test_what_cannot_be_masked_stays_off_the_disk_and_is_said(text: str) -> None:
    drafts = begun(CHANGED)
    status = kept(drafts, text)
    assert "no JSON yet" in status.unkept and status.changed
    assert "hunter2" not in store.draft_file(KEY).read_text()
    assert len(drafts.at_risk()) == 1
    assert drafts.open(KEY, DEPLOYED, DEPLOYED).text == text
    assert Drafts().open(KEY, DEPLOYED, DEPLOYED).text == CHANGED  # what was whole last


def test_the_last_writer_wins_and_it_is_said() -> None:
    one, other = begun(CHANGED), Drafts()
    other.open(KEY, DEPLOYED, DEPLOYED)
    theirs, mine = CHANGED.replace("50052", "50053"), CHANGED.replace("50052", "50054")
    assert kept(other, theirs).remark == ""
    assert "another console" in kept(one, mine).remark
    assert kept(one, mine).remark == ""
    reopened = other.open(KEY, DEPLOYED, DEPLOYED)
    assert reopened.text == mine and "another console" in reopened.status.remark


def test_a_console_that_typed_nothing_leaves_the_others_draft() -> None:
    idle = Drafts()
    idle.open(KEY, DEPLOYED, DEPLOYED)
    begun(CHANGED)
    kept(idle, DEPLOYED)
    assert find_draft(KEY).text == CHANGED


def test_a_damaged_draft_is_said_and_written_anew() -> None:
    begun(CHANGED)
    for content in (b"", b"{", b"\xff\xfe", b"[]", b'{"version":1}', b'{"version":1,"hub":7}', b"[" * 100_000):
        store.draft_file(KEY).write_bytes(content)
        drafts = Drafts()
        opened = drafts.open(KEY, DEPLOYED, DEPLOYED)
        assert opened.text == DEPLOYED and "cannot be read" in opened.status.remark
        assert kept(drafts, CHANGED).unkept == "" and find_draft(KEY).text == CHANGED


def test_a_newer_versions_draft_stays_as_it_is() -> None:
    begun(CHANGED)
    path = store.draft_file(KEY)
    newer = json.dumps({**json.loads(path.read_text()), "version": 2})
    path.write_text(newer)
    drafts = Drafts()
    assert "newer" in drafts.open(KEY, DEPLOYED, DEPLOYED).status.remark
    assert "newer" in kept(drafts, CHANGED.replace("2", "3")).unkept
    assert path.read_text() == newer and len(drafts.at_risk()) == 1


def test_a_draft_that_others_can_write_is_not_taken_and_not_replaced() -> None:
    begun(CHANGED)
    path = store.draft_file(KEY)
    path.chmod(0o666)
    drafts = Drafts()
    opened = drafts.open(KEY, DEPLOYED, DEPLOYED)
    assert opened.text == DEPLOYED and "Others can write" in opened.status.remark
    assert "Others can write" in kept(drafts, SECRET).unkept


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_draft_is_not_taken() -> None:
    begun(CHANGED)
    os.chown(store.draft_file(KEY), 12345, 12345)
    opened = Drafts().open(KEY, DEPLOYED, DEPLOYED)
    assert opened.text == DEPLOYED and "somebody else" in opened.status.remark


def test_no_link_and_no_pipe_is_read() -> None:
    path = store.draft_file(KEY)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    assert "no plain file" in Drafts().open(KEY, DEPLOYED, DEPLOYED).status.remark
    path.unlink()
    path.symlink_to("/dev/zero")
    assert "no plain file" in Drafts().open(KEY, DEPLOYED, DEPLOYED).status.remark


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_is_said(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: Any, **__: Any) -> tuple[int, str]:
        raise OSError(number, "")

    drafts = begun(CHANGED)
    monkeypatch.setattr("services.files._scratch", refuse)
    text = CHANGED.replace("50052", "50055")
    assert "cannot be written" in kept(drafts, text).unkept
    assert drafts.open(KEY, DEPLOYED, DEPLOYED).text == text and len(drafts.at_risk()) == 1
    monkeypatch.undo()


def test_a_home_that_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path / "file"))
    drafts = Drafts()
    drafts.open(KEY, DEPLOYED, DEPLOYED)
    assert kept(drafts, CHANGED).unkept


def test_drafts_are_listed_and_dropped() -> None:
    begun(CHANGED)
    store.draft_file(KEY._replace(module="x")).write_text("{")
    stored, errors = list_drafts()
    assert [draft.key for draft in stored] == [KEY] and len(errors) == 1
    drop_draft(KEY)
    with pytest.raises(OperatorError):
        drop_draft(KEY)
    with pytest.raises(OperatorError):
        find_draft(KEY)


def test_a_file_that_cannot_be_removed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    begun(CHANGED)

    def refuse(*_: Any) -> None:
        raise FileError("it cannot be removed", cause="", remedy="")

    monkeypatch.setattr(store, "remove", refuse)
    with pytest.raises(FileError):
        Drafts().drop(KEY)
