"""A file that is no picture is refused here, before anything is asked of the host."""

from pathlib import Path

import pytest

from services.errors import OperatorError
from services.operations.host import HostEndpoint
from services.operations.score import Scorer


@pytest.mark.parametrize("content", [b"", b"127.0.0.1 localhost\n", b"%PDF-1.7"])
def test_no_picture(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_bytes(content)
    with pytest.raises(OperatorError) as caught:  # not even connected
        Scorer(HostEndpoint("m", "grpc", "127.0.0.1", 1)).score(file)
    assert "is no picture" in caught.value.what and caught.value.cause and caught.value.remedy
