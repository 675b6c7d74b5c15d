import os
from pathlib import Path

from services.workspace.client import Workspace


def test_everything_a_workspace_holds(workspace: Workspace, lab: dict):
    images = {image.name: image for image in workspace.images()}
    resnet = images["accel-resnet50"]
    assert (resnet.accelerated, resnet.deployable) == (True, True)
    assert resnet.location.startswith(lab["registry_server"] + "/accel-resnet50")
    assert resnet.created is not None
    assert images["cpu-classifier"].flavour == "WebApiContainer"
    assert {"Failed", "Creating"} <= {image.state for image in images.values()}
    models = workspace.models()
    assert any(model.converted_id for model in models), "a converted one knows what it became"
    assert any(not model.parent_id and not model.converted_id for model in models), "one is not converted yet"
    assert workspace.details()["name"] == lab["workspace"]


def test_registry_credentials_are_secret(workspace: Workspace, lab: dict):
    credentials = workspace.registry_credentials()
    assert credentials.server == lab["registry_server"]
    assert credentials.password
    assert credentials.password.reveal() not in repr(credentials)


def test_the_child_has_its_own_home_and_none_of_our_secrets(fresh_workspace: Workspace, monkeypatch):
    workspace = fresh_workspace
    monkeypatch.setenv("EDGE_HUB_STRING", "SharedAccessKey=c2VjcmV0")
    before = dict(os.environ)
    workspace.images()
    assert dict(os.environ) == before
    process = Path(f"/proc/{workspace.pid}")
    environment = dict(part.partition("=")[::2] for part in (process / "environ").read_text().split("\0") if part)
    assert "EDGE_HUB_STRING" not in environment
    home = Path(environment["HOME"])
    assert home != Path.home()
    assert home.stat().st_mode & 0o077 == 0
    assert Path(environment["REQUESTS_CA_BUNDLE"]).is_file()
    workspace.close()
    assert not process.exists()
    assert not home.exists()


def test_the_log_of_a_build_that_failed(workspace: Workspace):
    broken = next(image for image in workspace.images() if image.state == "Failed")
    assert "Step 1/4" in workspace.build_log(broken)
    assert workspace.build_log("accel-building:1") == ""
