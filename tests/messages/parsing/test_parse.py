"""The texts of both sample clients, JSON, and everything hostile."""

from __future__ import annotations

import gzip
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messages.parsing.body_text import decode
from services.messages.parsing.parse import KINDS, derive, hex_dump

SAMPLES = [
    ("(31 ms) The image cat.jpg was classified as tabby, cat with confidence 0.87.", "result", 31.0, 0.87, "tabby, cat", "cat.jpg"),
    ("(1031 ms) The image a b.jpg was classified as x with confidence 9.1e-05.", "result", 1031.0, 9.1e-05, "x", "a b.jpg"),
    # As the sample's versions of 2019 send them (docs/facts/iot-hub.md).
    ("The image ./assets/a.jpg was classified as tabby, cat with confidence 0.5.", "result", None, 0.5, "tabby, cat", "./assets/a.jpg"),
    ("The image a.jpg is a 'dog'.", "result", None, None, "dog", "a.jpg"),
    ("The image of the line is dark.", "text", None, None, None, ""),
    ("The image ", "text", None, None, None, ""),
    ("(12.345 ms) The image dogs/1.jpg is a 'dog'.", "result", 12.345, None, "dog", "dogs/1.jpg"),
    ("Unable to inference because AzureML host container is not done flashing the FPGA.", "flashing", None, None, None, ""),
    (
        "Unable to inference because the names of the input and output tensors used for scoring are incorrect. x",
        "tensor-names", None, None, None, "",
    ),
    ("Unable to inference for unknown reason. See stack trace below:\nTraceback…\n", "error", None, None, None, ""),
    ('{"image": "c.jpg", "class": "tabby", "confidence": 0.5, "ms": 7}', "result", 7.0, 0.5, "tabby", "c.jpg"),
    ('{"predictions": [{"label": "a", "score": 0.1}, {"label": "b", "score": 0.9}]}', "result", None, 0.9, "b", ""),
    ('{"Class": "a", "Confidence": 87}', "result", None, 0.87, "a", ""),
    ('{"error": "no host", "latency_ms": 3}', "error", 3.0, None, None, ""),
    ('{"temperature": 21}', "json", None, None, None, ""),
    ('{"label": "Pump 7", "value": 3.1, "unit": "bar"}', "json", None, None, None, ""),  # a reading: its label is no class
    ("System.NullReferenceException: Object reference not set", "error", None, None, None, ""),
    ('{"predictions": [{"tagName": "ripe", "probability": 0.9, "tagId": "7"}], "id": "x"}', "result", None, 0.9, "ripe", ""),
    (
        '{"inferences": [{"type": "classification", "classification": {"tag": {"value": "zebra", "confidence": 0.93}}}]}',
        "result", None, 0.93, "zebra", "",
    ),
    (
        '{"inferences": [{"entity": {"tag": {"value": "car", "confidence": 0.7}, "box": {"l": 0.1}}}, '
        '{"entity": {"tag": {"value": "bus", "confidence": 0.8}}}]}',
        "result", None, 0.8, "bus", "",
    ),
    ('{"NEURAL_NETWORK": [{"bbox": [0.1, 0.2], "label": "person", "confidence": "0.76"}]}', "result", None, 0.76, "person", ""),
    ('{"result": {"class": "fox", "confidence": "83%", "latency": "0.0415 s"}}', "result", 41.5, 0.83, "fox", ""),
    ('{"labels": ["cat", "dog"], "scores": [0.2, 0.8], "duration": 0.25}', "result", 250.0, 0.8, "dog", ""),
    ('{"label": "lynx", "confidence": "0,87", "ms": "12 ms", "image": {"file": "a.jpg"}}', "result", 12.0, 0.87, "lynx", "a.jpg"),
    ('\ufeff{"class": "a"}', "result", None, None, "a", ""),
    ('{"device": {"class": "sensor"}, "machine": {"name": "a"}}', "json", None, None, None, ""),
    ('{"class": ["a"], "error": false, "status": "ok"}', "json", None, None, None, ""),
    ("\ufeff(31 ms) The image c.jpg was classified as a (b) with confidence 0,87.", "result", 31.0, 0.87, "a (b)", "c.jpg"),
    ("(1,234 ms) The image c.jpg was classified as a with confidence 0.5.", "result", None, 0.5, "a", "c.jpg"),
    ("(5 ms) The image it's a 'dog'.jpg is a 'cat'.", "result", 5.0, None, "cat", "it's a 'dog'.jpg"),
    ('{"image": "c.jpg", "probabilities": {"cat": 0.1, "Dog": 0.9}}', "result", None, 0.9, "Dog", "c.jpg"),
    ('{"body": {"className": "dog", "ElapsedMs": "1,234.5 ms"}}', "result", 1234.5, None, "dog", ""),
    ('{"class": ["a", "b"], "confidence": [0.1, 0.9], "ms": "1,234"}', "result", None, 0.9, "b", ""),
    ('{"class": "a"}\n{"class": "b", "score": 1}\n', "result", None, 1.0, "b", ""),
    ('{"score": {"home": 2, "away": 1}, "labels": {"port": 80}}', "json", None, None, None, ""),
    ('{"error": 0.02, "class": "a"}', "result", None, None, "a", ""),
    ('{"error": "none", "temperature": 20}', "json", None, None, None, ""),
    ('{"status": "failed", "message": "no model"}', "error", None, None, None, ""),
    ('[{"name": "person", "class": 0, "confidence": 0.91}]', "result", None, 0.91, "person", ""),
    ('{"Labels": [{"Name": "car", "Confidence": 40}, {"Name": "cat", "Confidence": 0.6}]}', "result", None, 0.4, "car", ""),
    ('{"label": "cat", "score": 12.3, "video": {"duration": 60}}', "result", None, 12.3, "cat", ""),
    ('[{"label": "a", "confidence": -3.1}, {"label": "b", "confidence": 12.3}]', "result", None, None, "b", ""),
    ('{"class_id": 281, "conf": 0.9, "processing_time_us": 13200}', "result", 13.2, 0.9, "281", ""),
    ('{"label": "cat", "latency": "13200 \\u00b5s"}', "result", 13.2, None, "cat", ""),
    ('{"displayNames": ["cat", "dog"], "confidences": [0.2, 0.8]}', "result", None, 0.8, "dog", ""),
    ('{"tag": "PUMP-7", "value": 3.2, "time_ms": 1732826062000}', "json", None, None, None, ""),
    ('{"prediction": 23.7, "score": 0.8, "inferences": 3}', "json", None, None, None, ""),
    ('{"label": "cat", "image": "' + "/9j/" * 200 + '"}', "result", None, None, "cat", ""),
    ('{"success": false, "message": "no model"}', "error", None, None, None, ""),
    ('{"statusCode": 503, "errors": []}', "error", None, None, None, ""),
    ('"(5 ms) The image a.jpg is a \'cat\'."', "result", 5.0, None, "cat", "a.jpg"),
    ("(-5 ms) The image a.jpg is a 'cat'.", "result", None, None, "cat", "a.jpg"),
    ("2026-01-01 00:00:00,123 ERROR client: no host", "error", None, None, None, ""),
    ('level=error msg="no host"', "error", None, None, None, ""),
    ("ValueError: no such tensor", "error", None, None, None, ""),
    ("ERROR: cannot open camera 0", "error", None, None, None, ""),
    ("Errors are rare here", "text", None, None, None, ""),
    ("[]", "json", None, None, None, ""),
    ("{broken", "text", None, None, None, ""),
    ("(x ms) The image a was classified as b with confidence c.", "text", None, None, None, ""),
    ("(1 ms) The image a was classified as b with confidence nan.", "text", None, None, None, ""),
    ("", "text", None, None, None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "ms", "confidence", "label", "picture"), SAMPLES)
def test_texts(text: str, kind: str, ms: float | None, confidence: float | None, label: str | None, picture: str) -> None:
    found = derive(text.encode())
    assert (KINDS[found.kind], found.milliseconds, found.confidence, found.label, found.picture) == (
        kind,
        ms,
        confidence,
        label,
        picture,
    )


def test_declared_encodings_are_honoured_and_none_is_guessed() -> None:
    text = '{"class": "Möwe"}'
    assert derive(text.encode("utf-16"), "application/json", "utf-16").label == "Möwe"
    assert derive(text.encode("utf-32"), "application/json; charset=utf-32").label == "Möwe"
    assert derive(gzip.compress(text.encode()), "application/json", "gzip").label == "Möwe"
    assert derive(text.encode("utf-32-le"), "", "UTF-32LE").label == "Möwe"
    assert derive(text.encode("cp1252"), "text/plain; charset=windows-1252").label == "Möwe"
    assert KINDS[derive(text.encode("utf-16")).kind] == "binary"
    assert decode(b"\xff\xfe\x00\x00") is None


def test_the_best_of_very_many_classes_counts_or_none_does() -> None:
    names, scores = [f"c{number}" for number in range(1_500)], [0.5 if number == 777 else 0.0003 for number in range(1_500)]
    of_each = [{"label": name, "score": score} for name, score in zip(names, scores, strict=True)]
    for value in (
        {"labels": names, "scores": scores},
        {"predictions": of_each},
        {"scores": dict(zip(names, scores, strict=True))},
    ):
        assert derive(json.dumps(value).encode())[2:4] == (0.5, "c777")
    assert derive(json.dumps({"image": "a.jpg", "predictions": of_each * 2}).encode()).label is None
    sample = "\"(5 ms) The image a.jpg is a 'cat'.\""
    assert derive(sample.encode(), "application/json").label == "cat"


def test_what_was_packed_and_is_cut_short_ends_in_an_ellipsis() -> None:
    text = "(5 ms) The image a was classified as b with confidence 0.9."
    found = derive(gzip.compress(text.encode())[:-8], "", "gzip")
    assert (KINDS[found.kind], found.text) == ("text", text + " …")
    packed = derive(gzip.compress("ä".encode() * 600_000 + b"x"), "", "gzip")
    assert packed.text is not None and packed.text.endswith("ä …")
    assert derive(gzip.compress(b"x" + "ä".encode() * 600_000), "", "gzip").text is not None


def test_binary_is_told_from_text() -> None:
    assert KINDS[derive(b"\x00\x01\x02\x03" * 10).kind] == "binary"
    assert KINDS[derive(b"\xff\xd8\xff\xe0JFIF").kind] == "binary"
    assert KINDS[derive("naïve text\n".encode()).kind] == "text"
    assert hex_dump(b"AB\x00") == f"00000000  {'41 42 00':<47}  AB."


@given(
    st.binary(max_size=400),
    st.sampled_from(["", "application/json", "text/plain; charset=utf-16"]),
    st.sampled_from(["", "gzip", "utf-32", "?"]),
)
def test_nothing_raises(body: bytes, content_type: str, encoding: str) -> None:
    assert 0 <= derive(body, content_type, encoding).kind < len(KINDS)


def test_hostile_sizes_take_no_time() -> None:
    bodies = [
        b"(1 ms) The image " + b" was classified as " * 13_000,
        b"(1 ms) The image " + b" with confidence " * 15_000 + b".",
        b"[" * 250_000,
        json.dumps({"class": "x" * 250_000}).encode(),
        json.dumps([{"a": [{"b": [{"c": n}]}]} for n in range(10_000)]).encode(),
        json.dumps({str(n): {"label": [n], "ms": "1" * 30} for n in range(10_000)}).encode(),
        b'{"ms": ' + b"9" * 200_000 + b"}",
        gzip.compress(b"a" * 50_000_000),
    ]
    begun = time.process_time()
    for body in bodies:
        derive(body, "", "gzip" if body[:2] == b"\x1f\x8b" else "")
    assert time.process_time() - begun < 2
