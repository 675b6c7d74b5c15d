"""Manifests and create options of public reports (tests/cases; each names its source)."""

import json
from pathlib import Path

import pytest

from services.deployment.manifest.file import load
from services.deployment.manifest.validate import validate
from services.deployment.options.check import check

CASES = Path(__file__).parents[1] / "cases"


def of_field(name, file):
    return next(CASES.glob(f"field/{name}-*")).joinpath(file).read_text("utf-8")


def manifest_problems(name):
    return list(validate(load(of_field(name, "manifest.json"))))


@pytest.mark.parametrize("path", sorted(CASES.glob("azure/16*.json")), ids=lambda path: path.stem)
def test_a_manifest_that_the_real_runtime_takes(path):
    payload = json.loads(path.read_text("utf-8"))["payload"]
    assert list(validate(payload)) == []


def test_edge_hub_of_schema_1_2():
    assert manifest_problems("01") == []


@pytest.mark.parametrize(
    ("name", "place", "words"),
    [
        ("02", "$edgeHub.routes.gw", "never filled in"),
        ("04", "registry credentials fieldregistry: address", "Write fieldregistry.azurecr.io"),
        ("20", "$edgeHub.storeAndForwardConfiguration", "edgeHub refuses all its routes"),
    ],
)
def test_a_manifest_that_the_runtime_refuses(name, place, words):
    (problem,) = manifest_problems(name)
    assert (problem.severity, problem.place) == ("error", place) and words in f"{problem.message} {problem.remedy}"


@pytest.mark.parametrize(
    ("name", "severity", "words"),
    [
        ("05", "warning", '"NetworkingConfig": {"EndpointsConfig": {"host": {}}}'),
        ("06", "error", "is a range of ports"),
        ("11", "error", "docker inspect prints"),
        ("18", "warning", "unnamed volume"),
    ],
)
def test_create_options_that_docker_or_the_agent_refuses_or_that_lose_data(name, severity, words):
    problems = check(of_field(name, "options.json")).problems
    assert problems[0].severity == severity and words in f"{problems[0].message} {problems[0].remedy}"
    assert not [problem for problem in problems if "Did you mean" in problem.remedy or "Begin Target" in problem.remedy]
