"""A registry's catalogue over the wire: pages, tags, digests, ages, processors and the models that labels name."""

from __future__ import annotations

import hashlib
import http.server
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from services.contexts.model import Context
from services.errors import OperatorError
from services.records import RegistryCredentials, Secret, WorkspaceImage
from services.registry.catalogue import MOST_TAGS, CatalogueReader, merged, models_of

Answers = Callable[[str], "tuple[int, bytes, dict[str, str]]"]


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.fixture
def serve(certificate: tuple[Path, Path]) -> Iterator[Callable[[Answers], CatalogueReader]]:
    """``serve(answers)``: a TLS server that answers each path so, and a reader of it; ``reader.asked`` are the paths."""
    servers = []

    def start(answers: Answers) -> CatalogueReader:
        asked: list[str] = []

        class Requests(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                status, body, headers = answers(self.path)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Requests)
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust.load_cert_chain(*certificate)
        server.socket = trust.wrap_socket(server.socket, server_side=True)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        name = f"127.0.0.1:{server.server_port}"
        credentials = RegistryCredentials(name, "u", Secret("p"))
        reader = CatalogueReader(name, credentials, str(certificate[0]), Context("t"))
        reader.asked = asked  # type: ignore[attr-defined]
        return reader

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def page(names: list[str], key: str, path: str, size: int = 2) -> tuple[int, bytes, dict[str, str]]:
    """A page as distribution gives it: names after ``last``, and a link where there are more."""
    last = parse_qs(urlsplit(path).query).get("last", [""])[0]
    rest = [name for name in names if name > last]
    link = {"Link": f'<{urlsplit(path).path}?last={rest[size - 1]}&n={size}>; rel="next"'} if len(rest) > size else {}
    return 200, json.dumps({key: rest[:size]}).encode(), link


CONFIG = json.dumps(
    {
        "architecture": "arm64",
        "os": "linux",
        "created": "2026-03-01T10:00:00.123456789Z",
        "config": {"Labels": {"com.example.model.id": "shelf:4", "maintainer": "me", "odd": 7}},
    }
).encode()
IMAGE = json.dumps({"config": {"digest": digest(CONFIG)}}).encode()
INDEX = json.dumps(
    {
        "manifests": [
            {"digest": digest(b"attestation"), "platform": {"os": "unknown", "architecture": "unknown"}},
            {"digest": digest(IMAGE), "platform": {"os": "linux", "architecture": "arm64"}},
            {"digest": digest(b"other"), "platform": {"os": "linux", "architecture": "amd64"}},
        ]
    }
).encode()


def registry(tags: Mapping[str, bytes]) -> Answers:
    def answers(path: str) -> tuple[int, bytes, dict[str, str]]:
        plain = urlsplit(path).path
        if plain == "/v2/_catalog":
            return page(["a", "b/c", "d", "e", "f"], "repositories", path)
        if plain.endswith("/tags/list"):
            return page(sorted(tags), "tags", path, 100)
        reference = plain.rpartition("/")[2]
        body = {**tags, digest(IMAGE): IMAGE, digest(CONFIG): CONFIG}.get(reference)
        return (200, body, {"Docker-Content-Digest": digest(body)}) if body is not None else (404, b"{}", {})

    return answers


def test_the_catalogue_is_read_page_by_page(serve):
    reader = serve(registry({}))
    assert reader.repositories() == ["a", "b/c", "d", "e", "f"]
    assert len(reader.asked) == 3


@pytest.mark.parametrize("manifest", [IMAGE, INDEX], ids=["image", "index"])
def test_a_tag_has_digest_age_processor_and_model(serve, manifest: bytes):
    reader = serve(registry({"1.0": manifest}))
    (image,) = reader.repository("b/c").images
    assert (image.key, image.location) == ("b/c:1.0", f"{reader.server}/b/c:1.0")
    assert image.digest == digest(manifest) and image.model_ids == ("shelf:4",)
    assert image.created == datetime(2026, 3, 1, 10, 0, 0, 123456, timezone.utc)
    assert image.platforms == (("linux/arm64",) if manifest is IMAGE else ("linux/arm64", "linux/amd64"))
    assert image.deployable and not image.accelerated
    before = len(reader.asked)
    assert reader.repository("b/c").images == (image,)
    assert len(reader.asked) - before == 2, "what a digest is was known"


def test_of_many_tags_the_last_are_shown_as_numbers_count(serve):
    reader = serve(registry({f"1.{number}": IMAGE for number in range(25)}))
    reading = reader.repository("a")
    assert [image.tag for image in reading.images] == [f"1.{number}" for number in range(25 - MOST_TAGS, 25)]
    assert "5 older tags not shown" in reading.remarks[0]


def test_a_tag_that_goes_meanwhile_is_left_out(serve):
    inner = registry({"1": IMAGE})
    reader = serve(lambda path: (404, b"{}", {}) if path.endswith("/manifests/1") else inner(path))
    assert reader.repository("a").images == ()


@pytest.mark.parametrize(
    "link",
    [
        '<https://elsewhere.example/v2/_catalog?last=b>; rel="next"',
        '</v2/other?last=b>; rel="next"',
        "<:::>; rel=next",
        "nonsense",
    ],
)
def test_a_link_elsewhere_is_not_followed(serve, link: str):
    """It would be given the registry's sign-in."""
    reader = serve(lambda path: (200, b'{"repositories": ["a"]}', {"Link": link}))
    names = reader.repositories()
    assert names[0] == "a" and all("_catalog" in path for path in reader.asked)


def test_a_catalogue_without_an_end_ends(serve):
    reader = serve(lambda path: (200, b'{"repositories": ["a", "b"]}', {"Link": '</v2/_catalog?last=b&n=2>; rel="next"'}))
    assert len(reader.repositories()) == 201


@pytest.mark.parametrize("body", [b'{"repositories": [1]}', b'{"repositories": "a"}', b"[]", b"<html>"])
def test_what_is_no_catalogue_is_said(serve, body: bytes):
    with pytest.raises(OperatorError) as caught:
        serve(lambda path: (200, body, {})).repositories()
    assert caught.value.code == "registry.strange"


def test_hostile_names_are_left_out(serve):
    body = json.dumps({"repositories": ["good", "b\u202ead", "\x1b[31mred"]}).encode()
    assert serve(lambda path: (200, body, {})).repositories() == ["good"]


def test_a_token_of_single_repositories_is_told_the_other_way(serve):
    body = b'{"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}'
    with pytest.raises(OperatorError) as caught:
        serve(lambda path: (401, body, {})).repositories()
    assert "lists none" in caught.value.cause and "REGISTRY/NAME:TAG" in caught.value.remedy


def test_one_repository_that_refuses_hides_no_other(serve):
    body = b'{"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}'
    reading = serve(lambda path: (403, body, {})).repository("secret")
    assert reading.images == () and "secret" in reading.remarks[0]


@pytest.mark.parametrize(
    ("labels", "models"),
    [
        ({"model": "a:1"}, ("a:1",)),
        ({"com.example.model-name": "a", "x.models": "b"}, ("a", "b")),
        ({"modelling": "no", "remodel": "no", "com.supermodel": "no", "model.version": "3"}, ()),
        ({"model": ""}, ()),
    ],
)
def test_labels_that_name_a_model(labels: dict[str, str], models: tuple[str, ...]):
    assert models_of(labels) == models


def test_the_workspaces_images_are_shown_once():
    v1 = WorkspaceImage("accel:1", "accel", 1, "AccelContainer", "Succeeded", "R.azurecr.io/accel:1")
    same = WorkspaceImage(
        "", "accel", 0, "", "Succeeded", "r.azurecr.io/accel:1", tag="1", digest="sha256:x", platforms=("linux/amd64",)
    )
    other = WorkspaceImage("", "own", 0, "", "Succeeded", "r.azurecr.io/own:2", tag="2")
    first, second = merged([v1], [other, same])
    assert (first.id, first.digest, first.accelerated) == ("accel:1", "sha256:x", True)
    assert second is other and second.version_text == "2" and first.version_text == "1"
