from dataclasses import replace

import pytest

from services.contexts.store import ContextStore
from services.deployment.image_check import credentials_of, with_images_checked
from services.deployment.manifest.changes import SetModule, SetRegistry
from services.deployment.routes.hub import plan_changes
from services.hub.client import Hub
from services.records import RegistryCredentials, Secret
from services.workspace.client import Workspace


@pytest.fixture
def context(lab_home):
    return ContextStore().resolve("lab")


@pytest.fixture
def credentials(context):
    workspace = Workspace(context)
    try:
        return workspace.registry_credentials()
    finally:
        workspace.close()


def problems(context, *changes):
    return with_images_checked(context, plan_changes(Hub.open(context), "databox-edge-1", changes)).problems


def test_images_are_asked_for(context, credentials, lab):
    server = lab["registry_server"]
    image = f"{server}/sample-client:1"
    assert problems(context, SetModule("m", image=f"{server}/accel-resnet50:1"), SetRegistry(credentials)) == ()
    missing = problems(context, SetModule("m", image=f"{server}/no-such:1"), SetRegistry(credentials))
    assert [(p.place, p.severity) for p in missing] == [("m.image", "error")] and missing[0].remedy
    wrong = replace(credentials, password=Secret("wrong-password"))
    refused = problems(context, SetModule("m", image=image), SetRegistry(wrong))
    assert [p.severity for p in refused] == ["error"] and "wrong-password" not in str(refused)


def test_a_registry_out_of_reach_is_a_warning(context):
    sign_in = RegistryCredentials("127.0.0.1:9", "u", Secret("p"))
    found = problems(context, SetModule("m", image="127.0.0.1:9/x:1"), SetRegistry(sign_in))
    assert [p.severity for p in found] == ["warning"] and "unchecked" in found[0].message


def test_an_image_of_the_parent_device_is_not_asked_for(context):
    (problem,) = problems(context, SetModule("m", image="$upstream:443/sensor:1.0"))
    assert problem.severity == "warning" and "parent device" in problem.message


@pytest.mark.parametrize(
    ("address", "server"),
    [
        ("ACR.azurecr.io", "acr.azurecr.io"),
        ("https://acr.azurecr.io", "https://acr.azurecr.io"),
        ("acr.azurecr.io/", "acr.azurecr.io/"),
        ("https://index.docker.io/v1/", "docker.io"),
    ],
)
def test_credentials_are_found_as_the_agent_finds_them(address, server):
    entry = {"address": address, "username": "u", "password": "p"}
    assert list(credentials_of({"runtime": {"settings": {"registryCredentials": {"acr": entry}}}})) == [server]


def test_what_the_device_has_already_is_not_asked_for(context):
    made = plan_changes(Hub.open(context), "databox-edge-2", [SetModule("shop-counter", status="stopped")])
    assert with_images_checked(context, made) is made
