"""The history holds no secret: neither what is written today nor what an older console wrote by an older rule."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from secret_corpus import CANARY, FORMS, NAMES, OBJECTS, PLAIN_CANARY, TEXTS, filled, parts_of

from services.chunks import chunk
from services.deployment import history_file
from services.deployment.history import History
from services.deployment.history_file import bring_up_to_date
from services.deployment.manifest.diff import diff
from services.deployment.manifest.mask_key import hide_with_digest
from services.deployment.manifest.masking import masked
from services.operations.twins import displayable

_OLD_SCHEMA = """CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, user TEXT NOT NULL, origin TEXT NOT NULL, context TEXT NOT NULL,
    host TEXT NOT NULL, device TEXT NOT NULL, route TEXT NOT NULL, summary TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
    before_version INTEGER, outcome TEXT NOT NULL, detail TEXT NOT NULL DEFAULT '', after_version INTEGER, ended TEXT,
    process INTEGER NOT NULL DEFAULT 0)"""

_INSERT = """INSERT INTO history (at, user, origin, context, host, device, route, summary, before, after, outcome)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    return tmp_path


def manifest(secret: str) -> dict[str, Any]:
    """Every shape in every place of one manifest."""
    texts = [text.format(secret) for kind in TEXTS.values() for text in kind] + list(FORMS.values())
    options = {
        "Env": [f"{name}={secret}" for name in NAMES] + [f"X{n}={text}" for n, text in enumerate(texts)],
        "Entrypoint": texts[::2],
    }
    options |= {
        "Cmd": [part for name in NAMES for part in (f"--{name}", secret)],
        "Labels": {f"l{n}": text for n, text in enumerate(texts)},
    }
    modules = {
        "chunks": {"settings": {"image": "acr.io/host:1", **chunk(json.dumps(options))}},
        "env": {"env": {name: {"value": secret} for name in NAMES} | {f"X{n}": {"value": text} for n, text in enumerate(texts)}},
        "torn": {"settings": {"image": "i", "createOptions": f'{{"Env":["A={secret}"'}},
        "gap": {"settings": {"image": "i", "createOptions": '{"Env":["A=', "createOptions02": f'{secret}"]}}'}},
    }
    registry = {"acr": {"address": "acr.io", "username": "u", "password": secret}, "b": {"address": f"https://u:{secret}@b.io"}}
    agent = {
        "modules": modules,
        "runtime": {"settings": {"registryCredentials": registry, "loggingOptions": f'{{"token":"{secret}"}}'}},
    }
    routes = {f"r{n}": text for n, text in enumerate(texts)}
    own = {"objects": [filled(node, secret) for node in OBJECTS], "named": {name: secret for name in NAMES}}
    sections = {"$edgeAgent": agent, "$edgeHub": {"routes": routes}, "m": own}
    return {"modulesContent": {name: {"properties.desired": section} for name, section in sections.items()}}


def leaks(text: str, secret: str) -> list[str]:
    return [part for part in (secret, *(part for form in FORMS.values() for part in parts_of(form))) if part in text]


@pytest.mark.parametrize("secret", [CANARY, PLAIN_CANARY])
def test_no_shape_is_in_the_file_nor_on_the_screen(home: Path, secret: str) -> None:
    content, other = manifest(secret), manifest(secret + "2")
    history = History()
    entry = history.begin(context="c", host="h", device="d", route="hub", summary=f"token={secret}", before=content, after=other)
    history.end(entry, "failed", f"https://u:{secret}@h refused", after=content)
    files = b"".join(path.read_bytes() for path in (home / "state").iterdir() if path.name != "mask.key")
    assert not leaks(files.decode("utf-8", "replace"), secret)
    assert not leaks(json.dumps(history.entry(entry).before, ensure_ascii=False), secret)
    assert not leaks(json.dumps(masked(content), ensure_ascii=False), secret)  # manifest export
    lines = diff(content, other)
    assert lines and not leaks("\n".join(line.text for line in lines), secret)
    agent = content["modulesContent"]["$edgeAgent"]["properties.desired"]
    twin = {"properties": {"desired": agent, "reported": agent}, "tags": {name: secret for name in NAMES}}
    assert not leaks(json.dumps(displayable(twin), ensure_ascii=False), secret)


def test_a_changed_secret_is_seen_to_have_changed_and_the_same_one_to_be_the_same() -> None:
    def content(password: str) -> dict[str, Any]:
        return {"m": {"env": {"PASSWORD": {"value": password}}}}

    assert diff(content("a"), content("a")) == ()
    changed = [line.text for line in diff(content("a"), content("b")) if line.sign in "-+"]
    assert len(changed) == 2 and all("•••(" in line for line in changed)
    assert masked({"password": ""})["password"] == "" and masked({"password": None})["password"] is None


def test_the_digest_is_of_this_machine_alone(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = hide_with_digest()("secret")
    key = home / "state" / "mask.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert hide_with_digest()("secret") == first
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path / "other"))
    assert hide_with_digest()("secret") != first
    assert key.read_text() != (tmp_path / "other" / "state" / "mask.key").read_text()


@pytest.mark.parametrize("trouble", ["open to others", "cut short", "a link"])
def test_a_key_that_is_not_private_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    state = tmp_path / "h" / "state"
    state.mkdir(parents=True)
    key = "ab" * 32
    (tmp_path / "theirs").write_text(key)
    if trouble == "a link":
        (state / "mask.key").symlink_to(tmp_path / "theirs")
    else:
        (state / "mask.key").write_text(key if trouble == "open to others" else key[:9])
        (state / "mask.key").chmod(0o644 if trouble == "open to others" else 0o600)
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path / "h"))
    assert hide_with_digest()("x") == hide_with_digest()("x")
    assert (tmp_path / "theirs").read_text() == key
    if trouble != "a link":
        assert (state / "mask.key").read_text() != key


def old_file(path: Path, rows: int = 45, wal: bool = False) -> None:
    """A history as an older console wrote it, secrets of its blind spots included."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
    with database:
        database.execute(_OLD_SCHEMA)
        content = {
            "m": {
                "env": {"DB_PASS": {"value": CANARY}, "A_KEY": {"value": "•••"}, "PAD": {"value": "x" * 3000}},
                "n": ["--password", CANARY],
            }
        }
        for number in range(rows):
            values = (
                "2026-01-01T00:00:00+00:00",
                "u",
                "",
                "c",
                "h",
                "d",
                "hub",
                f"--token={CANARY}",
                json.dumps({**content, "row": number}),
                "{broken",
                "applied",
            )
            database.execute(
                _INSERT,
                values,
            )
        database.execute("DELETE FROM history WHERE id % 5 = 0")
    database.close()


def held(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


@pytest.mark.parametrize("wal", [False, True])
def test_an_old_history_is_masked_anew_and_leaves_nothing_behind(home: Path, wal: bool) -> None:
    path = home / "state" / "history.sqlite"
    old_file(path, wal=wal)
    assert CANARY.encode() in held(path)
    history = History()
    assert CANARY.encode() not in held(path)
    entries = history.entries(limit=1000)
    assert len(entries) == 36 and entries[-1].before["row"] == 0
    assert (
        entries[0].before["m"]["env"]["DB_PASS"]["value"].startswith("•••(")
        and entries[0].before["m"]["env"]["A_KEY"]["value"] == "•••"
    )
    assert entries[0].summary.startswith("--token=•••") and entries[0].after == {}
    before = path.read_bytes()
    assert History().entries(limit=1)[0].id == entries[0].id
    assert path.read_bytes() == before, "a clean file is not written again"


def test_a_migration_that_was_cut_off_is_carried_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "state" / "history.sqlite"
    old_file(path)
    batches = []
    mask_batch = history_file._mask_batch

    def killed(database: sqlite3.Connection) -> bool:
        batches.append(1)
        if len(batches) == 2:
            raise KeyboardInterrupt
        return mask_batch(database)

    monkeypatch.setattr(history_file, "_mask_batch", killed)
    with pytest.raises(KeyboardInterrupt):
        History()
    assert CANARY.encode() in held(path)
    monkeypatch.undo()
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(home))
    assert len(History().entries(limit=1000)) == 36
    assert CANARY.encode() not in held(path)


def test_pages_that_could_not_be_written_anew_are_owed_to_the_next_opening(home: Path) -> None:
    path = home / "state" / "history.sqlite"
    old_file(path)
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version").fetchone()
    database = sqlite3.connect(path, timeout=0)
    bring_up_to_date(database)
    database.execute("PRAGMA user_version = 1")
    other.execute("BEGIN")
    other.execute("SELECT * FROM history").fetchone()  # a reader: VACUUM has to wait
    bring_up_to_date(database)
    assert database.execute("PRAGMA user_version").fetchone() == (1,)
    other.rollback()
    other.close()
    bring_up_to_date(database)
    assert database.execute("PRAGMA user_version").fetchone() == (2,)
    database.close()


def test_a_row_of_an_older_console_that_still_runs_is_masked_by_the_next(home: Path) -> None:
    path = home / "state" / "history.sqlite"
    History()
    with sqlite3.connect(path) as database:
        values = (
            "2026-01-01T00:00:00+00:00",
            "u",
            "",
            "c",
            "h",
            "d",
            "hub",
            "s",
            json.dumps({"DB_PASS": CANARY}),
            "{}",
            "applied",
        )
        database.execute(
            _INSERT,
            values,
        )
    database.close()
    assert CANARY.encode() in held(path)
    History()
    assert CANARY.encode() not in held(path)


def test_consoles_that_open_an_old_history_at_once_agree(home: Path) -> None:
    path = home / "state" / "history.sqlite"
    old_file(path, rows=100)
    with ThreadPoolExecutor(4) as consoles:
        assert set(consoles.map(lambda _: len(History().entries(limit=1000)), range(4))) == {80}
    History()
    assert CANARY.encode() not in held(path)
