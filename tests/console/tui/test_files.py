"""Files that an operator hands over: as Windows' editors write them, gone, and in another encoding."""

from pathlib import Path

import pytest

from console.files import read_text
from services.errors import OperatorError


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    file = tmp_path / "options.json"
    file.write_bytes(b'\xef\xbb\xbf{"Tty": true}\r\n')
    assert read_text(str(file)) == '{"Tty": true}\r\n'


@pytest.mark.parametrize(("data", "cause"), [(None, "No such file"), (b"\xff\xfe{\0", "no UTF-8 text")])
def test_what_cannot_be_read_says_why_and_what_to_do(tmp_path: Path, data: bytes | None, cause: str) -> None:
    file = tmp_path / "options.json"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(OperatorError) as caught:
        read_text(file)
    assert cause in caught.value.cause and caught.value.remedy
