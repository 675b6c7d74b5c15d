import resource
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from replies.misbehaving import Server, serving

from services.errors import OperatorError
from services.lab.authority import Authority


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ssl.SSLContext]:
    """A CA file, and a server's TLS context for the addresses that these tests listen on."""
    authority = Authority(Path(tmp_path_factory.mktemp("authority")), "replies")
    addresses = [f"127.0.0.{number}" for number in range(71, 90)]
    return str(authority.ca_file), authority.server_context("server", addresses, [])


@pytest.fixture
def serve(certificates: tuple[str, ssl.SSLContext]) -> Iterator[Callable[..., Server]]:
    """``serve(address)`` is a server that ends with the test."""
    ca_file, context = certificates
    with ExitStack() as stack:
        yield lambda address, encrypted=True: stack.enter_context(serving(address, ca_file, context if encrypted else None))


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    return serve("127.0.0.71")


@pytest.fixture
def error_of() -> Callable[[Callable[[], object]], OperatorError]:
    """``error_of(call)`` is the OperatorError of a call that ends in time and takes no memory to speak of."""

    def catch(call: Callable[[], object]) -> OperatorError:
        begin, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(OperatorError) as caught:
            call()
        assert time.monotonic() - begin < 20
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 60_000, "kilobytes"
        assert caught.value.what and caught.value.cause and caught.value.remedy
        return caught.value

    return catch
