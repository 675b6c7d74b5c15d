"""Build and push with a real engine, to the lab's registry and a real one."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.cli.main import run
from services.errors import OperatorError
from services.records import Progress, RegistryCredentials, Secret
from services.registry import Reference, check_image, parse_reference
from services.registry.client_image import build_client, context
from services.registry.engine import Engine


@pytest.fixture
def engine(engine_url: str) -> Iterator[Engine]:
    engine = Engine(engine_url)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stands for the client's packages: what is in it does not matter to the engine."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "grpc").mkdir()
    (folder / "grpc" / "__init__.py").write_text("")
    return folder


def test_the_context_holds_what_the_client_imports_and_no_more(packages: Path):
    with tarfile.open(fileobj=io.BytesIO(context(packages))) as tar:
        names = tar.getnames()
    assert "services/client/Dockerfile" in names
    assert "services/inference/descriptors.py" in names
    assert "packages/grpc/__init__.py" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("services/hub", "services/contexts"))]


@pytest.mark.long
def test_client_built_and_pushed_to_a_registry_with_a_password(engine: Engine, lab: dict, packages: Path):
    said: list[Progress] = []
    image = parse_reference(f"{lab['registry_server']}/field-client:1")
    assert build_client(engine, image, said.append, base="scratch", packages=packages).startswith("sha256:")
    assert any("STEP" in progress.text for progress in said)
    good = RegistryCredentials(image.server, lab["registry_username"], Secret(lab["registry_password"]))
    engine.push(image, good, said.append)
    assert check_image(image, good, "linux/amd64", lab["ca_file"]).platforms == ("linux/amd64",)
    with pytest.raises(OperatorError) as caught:
        engine.push(image, RegistryCredentials(image.server, "nobody", Secret("wr0ng-passw0rd")), said.append)
    assert "unauthorized" in caught.value.code, caught.value.as_dict()
    assert "wr0ng-passw0rd" not in repr(caught.value.as_dict()) + repr(said)


@pytest.mark.long
def test_pushed_to_a_real_registry(engine: Engine, real_registry: tuple[str, str], packages: Path):
    server, ca_file = real_registry
    image = Reference(server, "team/sample-client", "2.0")
    build_client(engine, image, lambda progress: None, base="scratch", packages=packages)
    engine.push(image, None, lambda progress: None)
    assert check_image(image, None, "linux/amd64", ca_file).digest.startswith("sha256:")
    with pytest.raises(OperatorError) as caught:
        check_image(Reference(server, "team/sample-client", "9"), None, "", ca_file)
    assert "missing" in caught.value.code


@pytest.mark.long
def test_a_base_that_is_not_there_and_a_broken_dockerfile(engine: Engine, packages: Path, lab: dict):
    image = Reference("localhost", "x")
    with pytest.raises(OperatorError) as caught:
        build_client(engine, image, lambda progress: None, base=f"{lab['registry_server']}/no-such-base:1", packages=packages)
    assert "no-such-base" in caught.value.raw
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as files:
        files.addfile(tarfile.TarInfo("Dockerfile"))
    with pytest.raises(OperatorError, match="failed"):
        engine.build(image, tar.getvalue(), "Dockerfile", lambda progress: None, {})


def test_no_engine():
    with pytest.raises(OperatorError) as caught:
        Engine("unix:///nowhere/engine.sock")
    assert "engine" in caught.value.code


@pytest.mark.long
def test_verbs_build_and_push(engine_url: str, lab: dict, lab_home: Path, packages: Path, capsys: pytest.CaptureFixture[str]):
    named = ["--engine", engine_url, "--json"]
    assert run(["client", "build", *named, "--base", "scratch", "--packages", str(packages)]) == 0
    built = json.loads(capsys.readouterr().out)
    assert built["image"] == f"{lab['registry_server']}/sample-client:1.0"
    assert run(["client", "push", *named]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["image"] == built["image"]
    assert lab["registry_password"] not in out + err
