"""What a module is called where nobody names it: never the FPGA's host by accident."""

from __future__ import annotations

import argparse
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from console.cli.main import parser
from console.cli.output import Call
from console.cli.verbs.deploy import request_of
from services.deployment.default_names import default_module
from services.deployment.options.presets import preset
from services.errors import UsageError
from services.operations.deployer import Deployer
from services.operations.images import ImageSources
from services.records import WorkspaceImage

FPGA = WorkspaceImage("accel-resnet50:1", "accel-resnet50", 1, "AccelContainer", "Succeeded", "r.azurecr.io/accel-resnet50:1")
CPU = replace(FPGA, id="cpu:1", name="cpu", flavour="WebApiContainer")
FOREIGN = WorkspaceImage("", "nginx", 0, "", "Succeeded", "docker.io/library/nginx:1")


@pytest.mark.parametrize(
    ("image", "chosen", "own_options", "name"),
    [
        (FPGA, None, False, "azureml-host"),
        (FPGA, "fpga-host", False, "azureml-host"),
        (FPGA, None, True, ""),
        (CPU, None, False, "cpu"),
        (CPU, "cpu-host-80", False, "cpu"),
        (CPU, None, True, ""),
        (FOREIGN, None, False, ""),
        (FOREIGN, None, True, ""),
        (FOREIGN, "cpu-host-80", False, ""),
        (FOREIGN, "fpga-host", False, "azureml-host"),
        (FOREIGN, "client-resnet50", False, "azureml-client"),
        (None, None, False, ""),
    ],
)
def test_default_names(image: WorkspaceImage | None, chosen: str | None, own_options: bool, name: str) -> None:
    assert default_module(image, preset(chosen) if chosen else None, own_options=own_options) == name


class Workspace:
    """One image, and no credentials for any other registry."""

    def images(self) -> list[WorkspaceImage]:
        return [FPGA]

    def registry_credentials(self) -> Any:
        from services.records import RegistryCredentials, Secret

        return RegistryCredentials("r.azurecr.io", "r", Secret("x"))


def deploy(*words: str) -> str:
    options: argparse.Namespace = parser(["deploy"]).parse_args(["deploy", *words])
    session: Any = SimpleNamespace(context=SimpleNamespace(workspace=object(), registry=None), workspace=Workspace())
    session.sources = ImageSources(session)
    return Deployer(session).resolve(request_of(Call(options), session, "edge")).host.name


def test_the_verb_asks_for_a_name_where_nothing_tells_it(tmp_path: Any) -> None:
    own = tmp_path / "options.json"
    own.write_text("{}")
    for words in (("docker.io/library/nginx:1",), ("accel-resnet50", "--options", str(own)), ("x/y", "--options", str(own))):
        with pytest.raises(UsageError) as caught:
            deploy(*words)
        assert caught.value.code == "usage.module" and "--module" in caught.value.remedy
        assert deploy(*words, "--module", "shop") == "shop"
    assert deploy("accel-resnet50") == "azureml-host"
