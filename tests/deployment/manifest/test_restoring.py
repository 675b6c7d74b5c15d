"""A masked manifest gets its secrets back: whole values and parts of texts, from the same place, by digest, or from the operator."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from secret_corpus import CANARY, FORMS, NAMES, OBJECTS, TEXTS, filled

from services.deployment.manifest.masking import expanded, masked, restored

AGENT, DESIRED = "$edgeAgent", "properties.desired"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))


def manifest(**options: Any) -> dict[str, Any]:
    module = {"type": "docker", "settings": {"image": "i", "createOptions": json.dumps(options)}}
    return {"modulesContent": {AGENT: {DESIRED: {"modules": {"m": module}}}}}


def options_of(content: Any) -> Any:
    return expanded(content)["modulesContent"][AGENT][DESIRED]["modules"]["m"]["settings"]["createOptions"]


def back(stored: Any, current: Any, answers: dict[Any, str] | None = None) -> tuple[Any, list[Any]]:
    """Through JSON, as the history keeps it."""
    content, missing = restored(json.loads(json.dumps(stored)), current, answers)
    return options_of(content), missing


@pytest.mark.parametrize("text", [*(text.format(CANARY) for texts in TEXTS.values() for text in texts), *FORMS.values()])
def test_every_text_comes_back_from_the_device_to_the_letter(text: str) -> None:
    content = manifest(Cmd=["run", text], Env=[f"SETTING={text}"], Labels={"a": text}, Entrypoint=["sh", "-c", text])
    assert CANARY not in json.dumps(masked(content))
    assert back(masked(content), content) == (options_of(content), [])


def test_every_object_and_name_comes_back() -> None:
    content = {
        "modulesContent": {
            "m": {DESIRED: {"o": [filled(node, CANARY) for node in OBJECTS], "n": {name: CANARY for name in NAMES}, "pin": 1234}}
        }
    }
    filled_content, missing = restored(json.loads(json.dumps(masked(content))), content)
    assert (filled_content, missing) == (content, [])


def test_torn_options_and_chunks_with_a_gap_come_back() -> None:
    content = manifest()
    modules = content["modulesContent"][AGENT][DESIRED]["modules"]
    modules["torn"] = {"settings": {"image": "i", "createOptions": '{"Env":["A=x"'}}
    modules["gap"] = {"settings": {"image": "i", "createOptions": '{"Env":["A=', "createOptions02": 'x"]}'}}
    assert restored(masked(content), content) == (content, [])


def test_a_secret_that_was_changed_since_is_todays() -> None:
    stored = masked(manifest(Env=["URL=redis://:old@cache", "MODE=a"], Cmd=["--token=old", "--x"]))
    now = manifest(Env=["URL=redis://:new@cache", "MODE=b"], Cmd=["--token=new", "--x"])
    assert back(stored, now) == ({"Env": ["URL=redis://:new@cache", "MODE=a"], "Cmd": ["--token=new", "--x"]}, [])


def test_a_part_of_a_text_whose_rest_was_changed() -> None:
    stored = masked(manifest(Cmd=["sh", "-c", "run --level=info --token=T1 --port 1"], Env=["C=Server=a;Pwd=P1;Database=x"]))
    now = manifest(Cmd=["sh", "-c", "run --level=debug --token=T2 --port 2"], Env=["C=Server=b;Pwd=P2;Database=x"])
    assert back(stored, now)[0] == {
        "Cmd": ["sh", "-c", "run --level=info --token=T2 --port 1"],
        "Env": ["C=Server=a;Pwd=P2;Database=x"],
    }


def test_what_moved_is_known_by_its_digest() -> None:
    stored = masked(manifest(Cmd=["--password", "pw-1", "--api-key", "key-1"], Env=["A_TOKEN=t-1"]))
    now = manifest(Cmd=["--verbose", "--api-key", "key-1", "--password", "pw-1"], Labels={"token": "t-1"})
    assert back(stored, now) == ({"Cmd": ["--password", "pw-1", "--api-key", "key-1"], "Env": ["A_TOKEN=t-1"]}, [])


def test_an_option_by_the_word_before_it() -> None:
    stored = masked(manifest(Cmd=["--user", "u", "--password", "old"]))
    assert back(stored, manifest(Cmd=["--password", "new", "--x"])) == ({"Cmd": ["--user", "u", "--password", "new"]}, [])


def test_what_is_nowhere_is_asked_for_and_filled_in_where_it_stood() -> None:
    stored = masked(manifest(Env=["URL=redis://:gone@cache", "TOKEN=gone too"], Cmd=["mysql -ua -pP1 --token=T1"]))
    shown, missing = back(stored, manifest(Env=["MODE=a"]))
    assert len(missing) == 4 and "•" in json.dumps(shown, ensure_ascii=False)
    answers = dict(zip(missing, ("a1", "a2", "a3", "a4"), strict=True))
    expected = {"Env": ["URL=redis://:a1@cache", "TOKEN=a2"], "Cmd": ["mysql -ua -pa3 --token=a4"]}
    assert back(stored, manifest(Env=["MODE=a"]), answers) == (expected, [])


def test_json_within_a_text() -> None:
    label = json.dumps({"password": 'q"1', "level": "info"})
    stored = masked(manifest(Labels={"env": label}))
    now = manifest(Labels={"env": json.dumps({"password": 'q"2', "level": "debug"})})
    options, missing = back(stored, now)
    assert missing == [] and json.loads(options["Labels"]["env"]) == {"password": 'q"2', "level": "info"}


def test_a_history_of_an_older_console_that_hid_whole_texts_and_kept_no_digest() -> None:
    stored = expanded(manifest(Env=["URL=•••", "TOKEN=•••", "HOST=•••"], Cmd=["--url", "•••"]))
    now = manifest(Env=["URL=redis://:p@cache", "TOKEN=t", "HOST=h1"], Cmd=["--url", "https://u:p@h"])
    options, missing = back(stored, now)
    assert options["Env"][:2] == ["URL=redis://:p@cache", "TOKEN=t"] and options["Cmd"] == ["--url", "https://u:p@h"]
    assert [path[-1] for path in missing] == ["HOST="], "a value that is no secret now is not put where one was"


def test_two_secrets_are_never_confused() -> None:
    stored = masked(manifest(Cmd=["--a-token=one", "--b-token=two"]))
    shown, missing = back(stored, manifest(Cmd=["--c-token=three"]))
    assert len(missing) == 2 and "three" not in json.dumps(shown)


def test_nothing_of_the_given_manifests_is_changed() -> None:
    content = manifest(Env=["TOKEN=t"])
    stored = masked(content)
    kept = copy.deepcopy((stored, content))
    restored(stored, content)
    assert (stored, content) == kept
