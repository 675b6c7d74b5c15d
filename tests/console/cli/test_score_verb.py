"""``dbe-console score A B``: one picture that cannot be scored does not keep the others from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.cli.main import run
from console.cli.verbs import score as verb
from services.errors import OperatorError
from services.operations.host import HostEndpoint
from services.operations.score import Label, Score


class FakeScorer:
    """Scores what is called good."""

    def __init__(self, *_: Any) -> None: ...

    def __enter__(self) -> FakeScorer:
        return self

    def __exit__(self, *_: object) -> None: ...

    def score(self, file: str, repeats: int = 1) -> Score:
        if not file.startswith("good"):
            raise OperatorError(f"{file} is no picture.", remedy="Name a picture.", code="score.file")
        return Score(file, "azureml-host", (Label("cat", 0.9),), (12.0,) * repeats)


@pytest.fixture
def scorer(lab_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = HostEndpoint("azureml-host", "grpc", "127.0.0.1", 50051)
    monkeypatch.setattr(verb, "find_host", lambda *_: endpoint)
    monkeypatch.setattr(verb, "Scorer", FakeScorer)


@pytest.mark.parametrize(("files", "status"), [("good-1 bad good-2", 1), ("bad good-1", 1), ("good-1 good-2", 0), ("bad", 1)])
def test_every_file_has_its_result(files: str, status: int, scorer: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", *files.split()]) == status
    output = capsys.readouterr()
    for file in files.split():
        assert file in output.out + output.err


def test_in_json_a_failure_is_an_object_too(scorer: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", "bad", "good-1", "--json"]) == 1
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["file"] == "bad" and first["error"]["code"] == "score.file" and second["labels"][0]["label"] == "cat"
