"""A service that gives no reply at all: the operator's word first, the SDK's own words among the details."""

from __future__ import annotations

import socket
import ssl

import pytest
import requests

from services.replies.network import unreachable
from services.text import clean, end_of, one_line

POOL = "HTTPSConnectionPool(host='hub', port=443): Max retries exceeded with url: /devices (Caused by …)"


def chained(cause: BaseException) -> BaseException:
    error = requests.ConnectionError(POOL)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("cause", "word"),
    [
        (socket.gaierror(-2, "Name or service not known"), "cannot be resolved"),
        (ConnectionRefusedError(111, "Connection refused"), "nothing listens there"),
        (TimeoutError("timed out"), "no answer at all"),
        (ssl.SSLCertVerificationError("CERTIFICATE_VERIFY_FAILED"), "signed by nobody trusted"),
        (ConnectionResetError(104, "Connection reset by peer"), "cut"),
    ],
)
def test_the_operator_s_word_comes_first(cause: BaseException, word: str) -> None:
    error = unreachable("The hub", "a.azure-devices.net", chained(cause), "context.hub-unreachable")
    assert error.what.startswith("The hub cannot be reached: ") and word in error.what
    for text in (error.what, error.cause, error.remedy):
        assert "Pool" not in text and "Max retries" not in text
    assert "Max retries exceeded" in error.raw and error.remedy and error.code == "context.hub-unreachable"


def test_a_text_is_shortened_at_a_word() -> None:
    text = "The registry refuses the pull because the password has expired"
    assert one_line(text, 40) == "The registry refuses the pull because…"
    assert one_line(text, 38) == "The registry refuses the pull because…"
    assert one_line(text, 100) == text
    assert clean("x" * 50, 10) == "x" * 9 + "…"


@pytest.mark.parametrize("limit", [1, 2, 5, 17, 60])
def test_it_is_never_longer_than_asked_for(limit: int) -> None:
    for text in ("a b c d e f g h i j k l m n o p q", " " * 70, "word\n" * 20, "x" * 70):
        assert len(clean(text, limit)) <= limit


def test_the_end_of_a_log_begins_with_a_line() -> None:
    log = "\n".join(f"Step {number}: RUN something" for number in range(100))
    assert end_of(log, 60).splitlines()[1].startswith("Step ") and end_of(log, 60).startswith("…\n")
    assert end_of("short", 60) == "short"
