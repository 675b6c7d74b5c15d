import pytest

from services.errors import OperatorError
from services.registry import Reference, parse_reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("acr.azurecr.io/accel-resnet50:1", Reference("acr.azurecr.io", "accel-resnet50", "1")),
        ("127.0.0.5:8443/a/b_c", Reference("127.0.0.5:8443", "a/b_c", "latest")),
        ("localhost/x:y", Reference("localhost", "x", "y")),
        ("library/ubuntu:22.04", Reference("docker.io", "library/ubuntu", "22.04")),
        ("python", Reference("docker.io", "library/python", "latest")),
        (f"acr.azurecr.io/x@{DIGEST}", Reference("acr.azurecr.io", "x", "latest", DIGEST)),
    ],
)
def test_as_docker_reads_them(text: str, reference: Reference):
    assert parse_reference(text) == reference


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the repository"),
        ("acr.azurecr.io/Upper:1", "the repository"),
        ("acr.azurecr.io/a b", "the repository"),
        ("https://acr.azurecr.io/x", "the server"),
        ("acr.azurecr.io/x:", "the tag"),
        ("acr.azurecr.io/x:a/b", "the tag"),
        ("acr.azurecr.io/x@sha256:1", "the digest"),
        ("acr.azurecr.io/x:1\x1b[31m", "the tag"),
    ],
)
def test_what_does_not_fit_is_named(text: str, says: str):
    with pytest.raises(OperatorError) as caught:
        parse_reference(text)
    assert says in caught.value.cause
    assert "\x1b" not in str(caught.value)
