"""What scripts rely on: the names in every verb's JSON. One that goes or changes breaks somebody's script."""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console.cli.main import parser, run
from services.contexts.store import ContextStore
from services.operations.drafts import Drafts
from services.records import DraftKey

CHANGE = "device summary changed applied version entry diff problems configurations commands"
NAMES = {
    "context list": "name current workspace hub device marks",
    "images": "id flavour state location created models digest platforms",
    "models": "id framework created converted_to converted_from",
    "devices": "id edge connected liveness basis enabled last_activity",
    "overview": "device state connected liveness basis modules reported last_message deployment reason out_of_support",
    "modules": "name system desired runtime restarts exit_code since image running_image description finding out_of_support",
    "options list": "name kind own title fields",
    "options draft list": "module device hub saved_at",
    "options check {file}": "valid problems normalised size chunks room",
    "deploy accel-resnet50 --module another --dry-run --no-image-check": CHANGE,
    "start label-printer --dry-run": CHANGE,
    "remove label-printer --dry-run": CHANGE,
    "rollback --dry-run": CHANGE,
    "upgrade --dry-run --no-image-check": CHANGE,
    "upgrade edgeAgent": "device module steps",
    "manifest diff {manifest}": CHANGE,
    "history": "at id user origin context host device route summary outcome detail before_version after_version",
    "history 1": "at id user origin context host device route summary outcome detail before_version after_version diff",
    "method ping": "status payload",
    "logs edgeAgent --tail 2": "time level text",
    "health": "device severity verdict changes now before",
    "doctor --listen 1": "context device at healthy causes steps out_of_support settings versions",
    "context show nowhere": "error",
}
ARRAYS = {"context list": "marks", "upgrade edgeAgent": "steps", "images": "models", "options list": "fields"}


@pytest.fixture(scope="module")
def home(running: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A lab of this file's own, its context on the device that is full of modules, with one change in its history."""
    with running(tmp_path_factory.mktemp("labs") / "names") as lab:
        home = Path(lab["config_home"])
        path = home / "config" / "contexts.toml"
        path.write_text(path.read_text().replace('device = "databox-edge-1"', 'device = "databox-edge-2"', 1))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DBE_CONSOLE_HOME", str(home))
            assert run(["stop", "label-printer", "--yes", "--no-image-check"]) == 0
            key = DraftKey(ContextStore().resolve(None).hub.host, "databox-edge-2", "counter")
            drafts = Drafts()
            drafts.note(key, '{"User": "root", "Env": ["API_KEY=hunter2-very-secret"]}', "{}", "{}")
            drafts.keep()
            yield home


@pytest.mark.parametrize("words", NAMES)
def test_names(words: str, home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file, manifest = tmp_path / "options.json", tmp_path / "manifest.json"
    file.write_text('{"Unknown": 1}')
    if "{manifest}" in words:
        assert run(["manifest", "export", str(manifest)]) == 0
    capfd.readouterr()
    run([*(word.format(file=file, manifest=manifest) for word in words.split()), "--json"])
    said = capfd.readouterr().out
    value = json.loads(said.splitlines()[0])
    record = value[0] if isinstance(value, list) else value
    assert set(record) == set(NAMES[words].split()), said
    if words in ARRAYS:
        assert isinstance(record[ARRAYS[words]], list), said
    if words == "options list":
        assert set(record["fields"][0]) == {"name", "label", "default", "kind", "value"}
    if words == "context show nowhere":
        assert set(record["error"]) == {"what", "cause", "remedy", "code", "raw"}


def test_a_draft_is_shown_without_its_secrets_and_dropped(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["options", "draft", "show", "counter"]) == 0
    shown = capfd.readouterr().out
    assert '"User": "root"' in shown and "API_KEY=•••" in shown
    assert run(["options", "draft", "drop", "counter"]) == 0
    assert run(["options", "draft", "drop", "counter"]) == 1
    assert "no draft for counter" in capfd.readouterr().err


def test_every_help_says_what_each_of_its_words_is_for() -> None:
    silent = []

    def walk(part: argparse.ArgumentParser) -> None:
        silent.extend([] if part.description else [part.prog])
        for action in part._actions:
            if isinstance(action, argparse._SubParsersAction):
                for inner in action.choices.values():
                    walk(inner)
            elif not action.help:
                silent.append(f"{part.prog}: {action.option_strings or action.dest}")

    walk(parser())
    assert silent == []


def test_completion_completes_verbs_in_bash(capfd: pytest.CaptureFixture[str]) -> None:
    """As bash does it when Tab is pressed."""
    assert run(["completion", "bash"]) == 0
    script = capfd.readouterr().out
    function = next(line.split("-F ")[1].split()[0] for line in script.splitlines() if line.startswith("complete "))
    press = f"""
dbe-console() {{ [ "$*" = "context list --names" ] && echo here; }}
COMP_WORDS=(dbe-console modu) COMP_CWORD=1 COMP_LINE='dbe-console modu' COMP_POINT=16 COMP_TYPE=9
{function} dbe-console modu dbe-console
printf '%s\\n' "${{COMPREPLY[@]}}"
COMP_WORDS=(dbe-console context use '') COMP_CWORD=3 COMP_LINE='dbe-console context use ' COMP_POINT=24
{function} dbe-console '' use
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    try:
        done = subprocess.run(["bash", "-c", script + press], capture_output=True, text=True, timeout=60, check=True)
    except FileNotFoundError:
        pytest.skip("no bash here")
    assert done.stdout.split() == ["modules", "here"], done
