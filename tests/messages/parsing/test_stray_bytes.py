"""Bodies that are JSON, or a sample client's text, but not exactly: read as what they are."""

from __future__ import annotations

import gzip
import json
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messages.journal.window import Window
from services.messages.parsing.parse import KINDS, derive

RESULT = b'{"label":"tabby","confidence":0.83,"latency_ms":12}'
SAMPLE = b"(12 ms) The image a.jpg was classified as tabby with confidence 0.83."
TYPES = [("", ""), ("application/json", "utf-8"), ("application/json; charset=utf-8", ""), ("application/octet-stream", "")]


def bare_deflate(body: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(body) + packing.flush()


def quoted(body: bytes, times: int) -> bytes:
    for _ in range(times):
        body = json.dumps(body.decode()).encode()
    return body


AROUND = {
    "a C string's NUL": b"%s\0",
    "a fixed buffer": b"%s" + b"\0" * 400,
    "a buffer with an older message": b'%s\0l":"lynx","confidence":0.9}',
    "a buffer with anything": b"%s\0\xff\xfe\x80\x01",
    "CRLF around": b"\r\n%s\r\n",
    "a BOM": b"\xef\xbb\xbf%s",
    "two BOMs": b"\xef\xbb\xbf\xef\xbb\xbf%s",
    "a BOM encoded twice": "\ufeff".encode().decode("cp1252").encode() + b"%s",
    "a BOM behind": b"%s\xef\xbb\xbf",
    "STX and ETX": b"\x02%s\x03",
    "ETX and line feed": b"%s\x03\n",
    "EOT": b"%s\x04",
    "Ctrl-Z": b"%s\x1a",
    "a record separator": b"\x1e%s\n",
    "NUL in front": b"\0%s",
    "DEL": b"%s\x7f",
}
QUOTES = {"a shell's": b"'%s'", "double ones": b'"%s"', "Python's": b"b'%s'", "and a line feed": b"'%s'\r\n"}
GARBAGE = {
    "what a longer message left": b'%s3,"latency_ms":12}',
    "letters": b"%s garbage",
    "half of another": b'%s{"label":"lyn',
    "bytes of no charset": b"%s\xff\xfe\x80",
}
PACKED = {
    "gzip": gzip.compress,
    "gzip and a NUL": lambda body: gzip.compress(body) + b"\0",
    "zlib": zlib.compress,
    "zlib, fast": lambda body: zlib.compress(body, 1),
    "zlib, best": lambda body: zlib.compress(body, 9),
    "deflate": bare_deflate,
}


@pytest.mark.parametrize(("content_type", "encoding"), TYPES)
@pytest.mark.parametrize("body", [RESULT, SAMPLE], ids=["json", "sample"])
@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
def test_stray_bytes_around_are_no_part_of_it(around: bytes, body: bytes, content_type: str, encoding: str) -> None:
    said = derive(around.replace(b"%s", body), content_type, encoding)
    assert (KINDS[said.kind], said.label, said.confidence, said.milliseconds) == ("result", "tabby", 0.83, 12)


@pytest.mark.parametrize(("content_type", "encoding"), TYPES)
@pytest.mark.parametrize("quotes", QUOTES.values(), ids=QUOTES)
def test_quotes_that_are_not_json_s(quotes: bytes, content_type: str, encoding: str) -> None:
    said = derive(quotes.replace(b"%s", RESULT), content_type, encoding)
    assert (KINDS[said.kind], said.label, said.confidence, said.milliseconds) == ("result", "tabby", 0.83, 12)


@pytest.mark.parametrize(("content_type", "encoding"), TYPES)
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_behind_an_object_is_left_out(garbage: bytes, content_type: str, encoding: str) -> None:
    said = derive(garbage.replace(b"%s", RESULT), content_type, encoding)
    assert (KINDS[said.kind], said.label, said.confidence, said.milliseconds) == ("result", "tabby", 0.83, 12)


@pytest.mark.parametrize(("content_type", "encoding"), TYPES)
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("body", [RESULT, SAMPLE, b"[" + RESULT + b"]"], ids=["json", "sample", "list"])
def test_json_in_a_json_string(body: bytes, times: int, content_type: str, encoding: str) -> None:
    for written in (quoted(body, times), quoted(body + b"\r\n", times) + b"\0"):
        said = derive(written, content_type, encoding)
        assert (KINDS[said.kind], said.label, said.confidence, said.milliseconds) == ("result", "tabby", 0.83, 12)


@pytest.mark.parametrize("name", ["body", "payload", "data", "message", "result", "Body"])
def test_json_in_a_string_within_json(name: str) -> None:
    said = derive(json.dumps({"device": "edge", name: RESULT.decode()}).encode())
    assert (KINDS[said.kind], said.label, said.confidence, said.milliseconds) == ("result", "tabby", 0.83, 12)
    said = derive(json.dumps([RESULT.decode()]).encode())
    assert (KINDS[said.kind], said.label) == ("result", "tabby")


@pytest.mark.parametrize("between", [b"", b" ", b"\0", b",", b"\r\n", b"\x1e", b"\n\n", b"\xef\xbb\xbf"])
def test_results_run_together(between: bytes) -> None:
    other = b'{"label":"lynx","confidence":0.1}'
    said = derive(between.join([other, RESULT, other]))
    assert (KINDS[said.kind], said.label, said.confidence) == ("result", "tabby", 0.83)
    said = derive(between.join([b"[" + other + b"]", b"[" + RESULT + b"]"]))
    assert (KINDS[said.kind], said.label, said.confidence) == ("result", "tabby", 0.83)


@pytest.mark.parametrize(("content_type", "encoding"), TYPES)
@pytest.mark.parametrize("body", [RESULT, SAMPLE, RESULT + b"\0"], ids=["json", "sample", "NUL"])
@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_packed_without_a_word_of_it(pack, body: bytes, content_type: str, encoding: str) -> None:
    said = derive(pack(body), content_type, encoding)
    assert (KINDS[said.kind], said.label, said.confidence, said.milliseconds) == ("result", "tabby", 0.83, 12)
    assert said.text is not None and "tabby" in said.text and "\0" not in said.text


def test_packed_text_is_text_and_a_declaration_may_be_wrong() -> None:
    said = derive(gzip.compress(b"started"))
    assert (KINDS[said.kind], said.text) == ("text", "started")
    assert KINDS[derive(RESULT, "application/json", "gzip").kind] == "result"
    assert KINDS[derive(gzip.compress(b"\xff\xd8\xff\xe0JFIF")).kind] == "binary"
    assert KINDS[derive(b"\x1f\x8b\x08 and no more").kind] == "binary"


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_a_bomb_takes_neither_time_nor_room(pack) -> None:
    bodies = [pack(b"0" * 60_000_000), pack(b'{"a":"' + b"x" * 60_000_000), pack(b"[" * 60_000_000)]
    begun = time.process_time()
    for body in bodies:
        assert len(derive(body).text or "") < 300_000
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[7] [INFO] started", "text"),
        (b"[1][2]", "text"),
        (b"{} is empty", "text"),
        (b'"quoted" words', "text"),
        (b'"quoted"', "text"),
        (b"{broken", "text"),
        (b"x^2 and y^2", "text"),
        (b"hello" + b"\0" * 200, "text"),
        (b"\0" * 64, "binary"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "binary"),
        (b"{\xff\xff", "binary"),
        (b'{"temperature": 21}{"temperature": 22}', "json"),
        (b'{"label":"M\xf6we"}', "result"),
        (b'{"label":"line\nfeed"}', "result"),
    ],
)
def test_the_rest_stays_what_it_was(body: bytes, kind: str) -> None:
    assert KINDS[derive(body).kind] == kind


def test_hostile_bodies_take_no_time() -> None:
    size = 250_000
    parts = (
        b'{"a":1}',
        b'{"a":1}\0',
        b'{"a":',
        b'["{',
        b'"\\"',
        b'{"body":"',
        b"[{}]",
        b'{"a":1},',
        b"\0{",
        b"\xef\xbb\xbf",
        b'"{\\"',
    )
    bodies = [(part * size)[:size] for part in parts]
    bodies += [body + b"\xff" for body in bodies] + [quoted(RESULT, 12)]
    nested = '{"a":1}'
    while len(nested) < size:
        nested = json.dumps({"body": nested})
    begun = time.process_time()
    for body in (*bodies, nested.encode()):
        derive(body)
    assert time.process_time() - begun < 4


@given(
    st.lists(
        st.sampled_from(
            [RESULT, SAMPLE, b"\0", b"\xef\xbb\xbf", b'"', b"{", b"[", b"]", b"}", b"\xff", b"\x1f\x8b\x08", b"x\x9c", b","]
        )
    )
)
def test_nothing_raises(parts: list[bytes]) -> None:
    assert 0 <= derive(b"".join(parts)).kind < len(KINDS)


def test_the_raw_bytes_are_kept_and_shown(raw, fill, tmp_path) -> None:
    bodies = [RESULT + b"\0", gzip.compress(RESULT)]
    fill([raw(number, body) for number, body in enumerate(bodies)])
    window = Window(tmp_path / "test.journal")
    try:
        shown = list(window.rows())
        assert [message.text for message in shown] == [RESULT.decode()] * 2
        assert [message.body for message in shown] == [RESULT.decode() + "\u2400", RESULT.decode()]
        assert [window.body(message.row) for message in shown] == bodies
    finally:
        window.close()
