"""What an agent of a version has and says."""

import pytest

from services.lab.cloud.manifests import content
from services.lab.device.deployment import Refused, parse
from services.lab.device.versions import (
    daemon_text,
    error_words,
    has_request_manager,
    methods,
    numbers,
    pull_patience,
    timeout_names_seconds,
    version_text,
)

NEW = ["ping", "GetTaskStatus", "RestartModule", "GetModuleLogs", "UploadModuleLogs", "UploadSupportBundle"]
EXPERIMENTS = {
    "ExperimentalFeatures__Enabled": "true",
    "ExperimentalFeatures__EnableGetLogs": "true",
    "ExperimentalFeatures__EnableUploadLogs": "true",
}


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("mcr.microsoft.com/azureiotedge-agent:1.0.9.5-linux-amd64", "1.0.9.5"),
        ("mcr.microsoft.com/azureiotedge-agent:1.0", "1.0.10.4"),
        ("mcr.microsoft.com/azureiotedge-agent:1.6", "1.6.1"),
        ("host:5000/agent", "1.4.43"),
    ],
)
def test_the_version_is_the_tags(image, version):
    assert version_text(image) == version


@pytest.mark.parametrize(("agent", "daemon"), [("1.6.1", "1.6.0"), ("1.5.44", "1.5.21"), ("1.1.19", "1.1.19")])
def test_images_and_daemon_differ_in_the_patch_number(agent, daemon):
    assert daemon_text(agent) == daemon


@pytest.mark.parametrize(
    ("version", "environment", "names"),
    [
        ("1.0.7", EXPERIMENTS, ["ping"]),
        ("1.0.8", {}, ["ping"]),
        ("1.0.8", EXPERIMENTS, ["ping", "GetTaskStatus", "UploadLogs"]),
        ("1.0.9", {}, ["ping", "GetTaskStatus", "RestartModule"]),
        ("1.0.9.5", EXPERIMENTS, ["ping", "GetTaskStatus", "UploadLogs", "RestartModule", "GetLogs"]),
        *((version, EXPERIMENTS, NEW) for version in ("1.0.10", "1.1.19", "1.2.0", "1.3.0", "1.4.43", "1.5.0", "1.6.1")),
    ],
)
def test_methods(version, environment, names):
    assert methods(numbers(version), environment) == names
    assert has_request_manager(numbers(version)) == (version != "1.0.7")


@pytest.mark.parametrize(
    ("version", "words", "seconds", "named"),
    [
        ("1.0.4", "generic", 100, False),
        ("1.0.9", "old", 100, False),
        ("1.2.10", "old", 100, False),
        ("1.3.0", "brief", 100, True),
        ("1.4.2", "new", 100, True),
        ("1.4.3", "new", 300, True),
        ("1.6.1", "new", 300, True),
    ],
)
def test_words_and_patience(version, words, seconds, named):
    numbered = numbers(version)
    assert (error_words(numbered), pull_patience(numbered), timeout_names_seconds(numbered)) == (words, seconds, named)


@pytest.mark.parametrize(
    ("schema", "version", "refusal"),
    [
        ("1.1.0", (1, 1), None),
        ("1.2", (1, 0, 9), None),
        ("1.2", (1, 4), (412, "The desired properties schema version 1.2 is not compatible with the expected version 1.1.0")),
        ("2.0", (1, 0, 4), (412, "Desired properties schema version 2.0 is not compatible with the expected version 1.0")),
        ("one", (1, 6), (412, "Invalid desired properties schema version one")),
        (None, (1, 6), (400, "Agent configuration format is invalid.")),
        (None, (1, 0, 4), (412, "Invalid desired properties schema version ")),
    ],
)
def test_schema_versions(schema, version, refusal):
    desired = {**content({})["modulesContent"]["$edgeAgent"]["properties.desired"], "schemaVersion": schema}
    if refusal is None:
        assert parse(desired, version).schema_version == schema
        return
    with pytest.raises(Refused) as refused:
        parse(desired, version)
    assert (refused.value.code, refused.value.description) == refusal
