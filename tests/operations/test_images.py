"""Images and models from every source: the workspace's v1 service, the registry's catalogue, the v2 API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.contexts.model import Context, RegistrySettings, SecretSource
from services.errors import OperatorError, UsageError
from services.operations.images import find_image
from services.operations.session import Session
from services.records import ClientRequest, DeployRequest


@pytest.fixture
def session(context: Context) -> Iterator[Session]:
    opened = Session(context)
    yield opened
    opened.close()


@pytest.fixture
def alone(context: Context, lab, tmp_path: Path) -> Iterator[Session]:
    """A context with a registry's sign-in and no workspace."""
    file = tmp_path / "password"
    file.write_text(lab["registry_password"])
    file.chmod(0o600)
    source = SecretSource("file", str(file))
    registry = RegistrySettings(lab["registry_server"], lab["registry_username"], source, lab["ca_file"])
    opened = Session(replace(context, workspace=None, registry=registry))
    yield opened
    opened.close()


def test_images_of_workspace_and_registry_together(session: Session):
    listing = session.sources.images()
    images = {image.key: image for image in listing.items}
    assert images["accel-resnet50:1"].accelerated and images["accel-resnet50:1"].digest.startswith("sha256:")
    assert images["accel-broken:1"].state == "Failed"
    assert images["shop-counter:2.3"].model_ids == ("shelf-counter:4",)
    assert len(images) == len(listing.items) and not listing.notes


def test_models_of_v1_know_their_conversions_and_v2_adds_none_twice(session: Session):
    models = session.sources.models().items
    assert len({model.id for model in models}) == len(models)
    assert next(model for model in models if model.id == "resnet50:1").converted_id == "resnet50.accel.onnx:1"


def test_without_v1_registry_and_v2_go_on(session: Session, fault):
    before = {model.id for model in session.sources.models().items}
    with fault("v1-gone"):
        images, models = session.sources.images(), session.sources.models()
        assert {image.key for image in images.items} >= {"accel-resnet50:1", "sample-client:1.0"}
        assert {model.id for model in models.items} == before
        for listing in (images, models):
            (error,) = listing.errors
            assert error.state == "v1-refused" and "2026-06-30" in error.what and "410" in error.cause
            assert listing.headlines == (error.what,)
        assert not any(model.conversions_known for model in models.items), "v2 does not say what was made of a model"
        image = find_image(session, "accel-resnet50")
        assert image.location.endswith("/accel-resnet50:1") and not image.id


def test_the_registry_is_read_with_the_sign_in_before_its_admin_user(session: Session, lab):
    session.sources.images()
    credentials = session.sources._reader.credentials
    assert credentials.username == "00000000-0000-0000-0000-000000000000" and credentials.server == lab["registry_server"]


def test_where_the_registry_refuses_the_sign_in_its_admin_user_is_tried(session: Session, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OperatorError("refused", code="registry.sign-in-refused")

    monkeypatch.setattr("services.registry.exchange.exchange", refuse)
    assert any(image.key == "shop-counter:2.3" for image in session.sources.images().items)
    monkeypatch.setattr("services.contexts.discovery.ResourceManager.registry_password", refuse)
    session.sources._reader = None
    listing = session.sources.images()
    assert [error.what for error in listing.errors] == ["refused"] and listing.items


@pytest.mark.parametrize(
    ("server", "asked"), [("own.azurecr.io", 1), ("own.azurecr.cn", 1), ("own.azurecr.io.evil.example", 0), ("127.0.0.1:1", 0)]
)
def test_only_azures_registries_are_given_the_sign_ins_token(context: Context, monkeypatch, server: str, asked: int):
    servers: list[str] = []

    def refuse(server: str, *_: object) -> None:
        servers.append(server)
        raise OperatorError("refused", code="registry.sign-in-refused")

    monkeypatch.setattr("services.registry.exchange.exchange", refuse)
    bare = Session(replace(context, workspace=None, registry=RegistrySettings(server)))
    if asked:
        with pytest.raises(OperatorError, match="refused"):
            bare.sources.images()
    else:
        assert bare.sources._catalogue().credentials is None
    assert len(servers) == asked
    bare.close()


def test_without_the_registry_the_workspace_goes_on(session: Session, fault):
    with fault("registry-unauthorized"):
        listing = session.sources.images()
    assert any(image.accelerated for image in listing.items)


def test_registry_credentials_alone_do(alone: Session):
    images = {image.key: image for image in alone.sources.images().items}
    assert images["sample-client:1.0"].platforms == ("linux/amd64",)
    assert find_image(alone, "shop-counter").key == "shop-counter:2.3"


def test_what_is_deployed_from_there_gets_its_sign_in(alone: Session, lab):
    host = find_image(alone, "accel-resnet50:1")
    client = ClientRequest("sample-client:1.0", "c", "", {})
    resolved = alone.deployer.resolve(DeployRequest(host, "databox-edge-1", "h", "fpga-host", client=client))
    servers = [change.credentials for change in resolved.changes if hasattr(change, "credentials")]
    assert [(item.server, item.username) for item in servers] == [(lab["registry_server"], lab["registry_username"])]
    assert resolved.clients[0].image == f"{lab['registry_server']}/sample-client:1.0"


@pytest.mark.parametrize("text", ["shop-countr", "shop-counter:9", "Bad Name", "accel-broken:7"])
def test_an_image_that_is_nowhere_names_the_nearest(session: Session, text: str):
    with pytest.raises(OperatorError) as caught:
        find_image(session, text)
    assert caught.value.code == "image.unknown" and "shop-counter:2.3" in caught.value.cause + caught.value.remedy


def test_an_image_that_is_not_built_is_refused(session: Session):
    with pytest.raises(OperatorError, match="its build is Failed"):
        find_image(session, "accel-broken")


@pytest.mark.parametrize("text", ["reg.example/a/b:1", "localhost/a:1", "10.0.0.1:5000/a"])
def test_a_location_is_taken_as_it_is(alone: Session, text: str):
    assert find_image(alone, text).location == text


def test_a_context_without_a_source_says_so(context: Context):
    bare = Session(replace(context, workspace=None))
    with pytest.raises(UsageError, match="neither an Azure ML workspace nor a registry"):
        find_image(bare, "accel-resnet50")
    with pytest.raises(OperatorError) as caught:
        bare.sources.images()
    assert caught.value.code == "context.no-images"
    bare.close()
