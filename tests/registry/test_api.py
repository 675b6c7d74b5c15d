"""Sign-in and images over the registry API: the lab's, which wants a password, and what misbehaves."""

import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.errors import OperatorError
from services.records import RegistryCredentials, Secret
from services.registry import RegistryApi, check_image, parse_reference


@pytest.fixture
def credentials(lab: dict) -> RegistryCredentials:
    return RegistryCredentials(lab["registry_server"], lab["registry_username"], Secret(lab["registry_password"]))


def test_signing_in(lab: dict, credentials: RegistryCredentials):
    RegistryApi(credentials.server, credentials, lab["ca_file"]).check()
    wrong = RegistryCredentials(credentials.server, credentials.username, Secret("wr0ng-passw0rd"))
    for refused in (wrong, None):
        with pytest.raises(OperatorError) as caught:
            RegistryApi(credentials.server, refused, lab["ca_file"]).check()
        assert "unauthorized" in caught.value.code
        assert "wr0ng-passw0rd" not in repr(caught.value.as_dict())


def test_an_image_and_its_platform(lab: dict, credentials: RegistryCredentials):
    image = parse_reference(f"{credentials.server}/accel-resnet50:1")
    facts = check_image(image, credentials, "linux/amd64", lab["ca_file"])
    assert facts.platforms == ("linux/amd64",)
    by_digest = parse_reference(f"{credentials.server}/accel-resnet50@{facts.digest}")
    assert check_image(by_digest, credentials, "", lab["ca_file"]) == facts
    with pytest.raises(OperatorError) as caught:
        check_image(image, credentials, "linux/arm64", lab["ca_file"])
    assert "architecture" in caught.value.code and caught.value.cause == "It is for linux/amd64, the device is linux/arm64."


def test_an_image_that_is_not_there(lab: dict, credentials: RegistryCredentials):
    with pytest.raises(OperatorError) as caught:
        check_image(parse_reference(f"{credentials.server}/accel-resnet50:99"), credentials, "", lab["ca_file"])
    assert "missing" in caught.value.code


def test_an_untrusted_certificate_is_refused(lab: dict, credentials: RegistryCredentials):
    with pytest.raises(OperatorError):
        RegistryApi(credentials.server, credentials).check()


def test_nobody_there():
    with pytest.raises(OperatorError):
        RegistryApi("127.0.0.1:1").check()


Handler = Callable[[http.server.BaseHTTPRequestHandler], None]


@pytest.fixture
def serve(certificate: tuple[Path, Path]) -> Iterator[Callable[[Handler], str]]:
    """A small TLS server of one's own: ``serve(answer)`` gives HOST:PORT."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(answer: Handler) -> str:
        class Requests(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answer(self)

            def log_message(self, *_: object) -> None:
                return

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Requests)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def reply(request: http.server.BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    request.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    request.wfile.write(body)


def test_a_bearer_token_is_fetched_for_the_scope(serve: Callable[[Handler], str], certificate: tuple[Path, Path]):
    asked: list[str] = []

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        host = request.headers["Host"]
        if request.path.startswith("/token"):
            assert request.headers["Authorization"].startswith("Basic ")
            reply(request, 200, b'{"access_token": "t0ken"}')
        elif request.headers.get("Authorization") != "Bearer t0ken":
            reply(request, 401, b"", WWW_Authenticate=f'Bearer realm="https://{host}/token",service="acr"')
        else:
            index = b'{"manifests": [{"platform": {"os": "linux", "architecture": "arm64"}}, {"platform": {"os": "unknown"}}]}'
            reply(request, 200, index, Docker_Content_Digest="sha256:x")

    server = serve(answer)
    api = RegistryApi(server, RegistryCredentials(server, "u", Secret("p")), str(certificate[0]))
    facts = api.describe(parse_reference(f"{server}/a/b:1"))
    api.close()
    assert facts is not None
    assert facts.platforms == ("linux/arm64",)
    assert asked[1] == "/token?service=acr&scope=repository%3Aa%2Fb%3Apull"


def test_no_password_goes_to_a_realm_in_the_clear(serve: Callable[[Handler], str], certificate: tuple[Path, Path]):
    server = serve(lambda request: reply(request, 401, b"", WWW_Authenticate='Bearer realm="http://127.0.0.1:9/token"'))
    with pytest.raises(OperatorError) as caught:
        RegistryApi(server, RegistryCredentials(server, "u", Secret("p")), str(certificate[0])).check()
    assert "unauthorized" in caught.value.code


@pytest.mark.parametrize("body", [b"<html>captive portal</html>", b"[]", b"x" * 4_000_001], ids=["html", "list", "endless"])
def test_answers_that_are_no_registrys(serve: Callable[[Handler], str], certificate: tuple[Path, Path], body: bytes):
    server = serve(lambda request: reply(request, 200, body))
    with pytest.raises(OperatorError) as caught:
        RegistryApi(server, None, str(certificate[0])).describe(parse_reference(f"{server}/a:1"))
    assert caught.value.code == "registry.strange"
