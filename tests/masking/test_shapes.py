"""Every shape that a secret has in the field is hidden in every place of a manifest where it may stand."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secret_corpus import CANARY, FORMS, NAMES, OBJECTS, PLAIN_CANARY, TEXTS, filled, parts_of

from services.chunks import chunk
from services.masking import MASKED, Masking, mask, mask_document

SECRETS = (CANARY, PLAIN_CANARY)


def shown(node: Any) -> str:
    return json.dumps(Masking().tree(node), ensure_ascii=False)


def test_the_corpus_is_broad() -> None:
    assert len(NAMES) + sum(map(len, TEXTS.values())) + len(FORMS) + len(OBJECTS) >= 300


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("name", NAMES)
def test_a_secret_by_its_name(name: str, secret: str) -> None:
    places: list[Any] = [
        {name: secret}, {name: {"value": secret}}, {name: [secret]}, [f"{name}={secret}"], ["--" + name, secret], [f"--{name}={secret}"],
        {"Cmd": ["sh", "-c", f"run --{name} {secret} --x"]}, {"label": json.dumps({name: secret})}, {"file": f"a: 1\n{name}: {secret}\nb: 2"},
        {"text": f"A=1;{name}={secret};B=2"}, [{"name": name, "value": secret}], {"url": f"https://h/x?a=1&{name}={secret}&b=2"},
        {"settings": chunk(json.dumps({"Labels": {"x": "y" * 490, name: secret}}))}, {"text": f'{{"{name}": "{secret}", '},
    ]  # fmt: skip
    for place in places:
        assert secret not in shown(place), place


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("text", [text for texts in TEXTS.values() for text in texts])
def test_a_secret_by_where_it_stands_in_a_text(text: str, secret: str) -> None:
    whole = text.format(secret)
    for place in (
        {"value": whole},
        [whole],
        [f"SETTING={whole}"],
        ["sh", "-c", whole],
        {"route": whole},
        {"json": json.dumps({"a": [whole]})},
    ):
        assert secret not in shown(place), place


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("node", OBJECTS)
def test_a_secret_by_the_object_around_it(node: Any, secret: str) -> None:
    assert secret not in shown(filled(node, secret))
    assert secret not in shown({"createOptions": json.dumps(filled(node, secret))})


@pytest.mark.parametrize("kind", FORMS)
def test_a_secret_by_its_own_form(kind: str) -> None:
    secret = FORMS[kind]
    for place in (
        {"value": secret},
        [secret],
        [f"SETTING={secret}"],
        ["run", "-x", secret],
        {"text": f"it is {secret} today"},
        {secret: 1},
    ):
        assert not [part for part in parts_of(secret) if part in shown(place)], place
    assert not [part for part in parts_of(secret) if part in mask(f"login failed: {secret}")]


@pytest.mark.parametrize(
    "settings",
    [
        {"createOptions": f'{{"Env":["A={CANARY}"'},
        {"createOptions": f'{{"Env":["API_KEY={CANARY}', "createOptions02": f'"]}} {CANARY}'},
        {"createOptions": '{"Env":["A=', "createOptions01": f'{CANARY}"] '},
        {"createOptions": "", "createOptionsX": CANARY},
        {"createOptions": {"Env": [f"API_KEY={CANARY}"]}},
        {"createOptions": [f"PASSWORD={CANARY}"]},
        {"createOptions": CANARY},
    ],
)
def test_torn_create_options_and_chunks_with_a_gap_are_hidden_whole(settings: dict[str, Any]) -> None:
    assert CANARY not in shown({"modules": {"m": {"settings": settings}}})


def test_what_stands_around_a_secret_stays() -> None:
    options = {
        "Image": "acr.io/host:1",
        "Cmd": ["--port=50051", "--token=abc", "-p", "8080:80"],
        "Env": ["MODE=fast", "DB_PASS=x"],
    }
    assert json.loads(mask_document(json.dumps(options))) == {
        "Image": "acr.io/host:1", "Cmd": ["--port=50051", "--token=•••", "-p", "8080:80"], "Env": ["MODE=fast", "DB_PASS=•••"],
    }  # fmt: skip
    assert mask("redis://:secret@cache:6379/0") == "redis://:•••@cache:6379/0"
    assert mask("Server=db;User Id=sa;Pwd=p w;Database=x") == "Server=db;User Id=sa;Pwd=•••;Database=x"
    assert mask("curl -u me:pw https://h/x?code=1&y=2") == "curl -u me:••• https://h/x?code=•••&y=2"
    assert Masking().tree({"password": None, "token": "", "auth": True, "credentials": {"username": "u", "password": 7}}) == {
        "password": None, "token": "", "auth": True, "credentials": {"username": "u", "password": "•••"},
    }  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12) | st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
LINES = st.lists(
    st.sampled_from([*(text.format("x1Y") for texts in TEXTS.values() for text in texts), *NAMES, "=", ": ", '"', "'", "{", "\\", "\n", "•••",
    "://", "@", "%3D", "-p "])
    | st.text(max_size=8), max_size=6,
).map("".join)  # fmt: skip


def digested(secret: str) -> str:
    return f"•••({abs(hash(secret)) % 16**6:06x})"


@given(JSON)
@settings(max_examples=60)
def test_masking_any_tree_never_raises_and_twice_is_once(tree: Any) -> None:
    masking = Masking(digested)
    once = masking.tree(tree)
    assert masking.tree(once) == once


@given(LINES)
@settings(max_examples=60)
def test_masking_any_text_never_raises_and_twice_is_once(text: str) -> None:
    masking = Masking(digested)
    once = masking.text(text)
    assert masking.text(once) == once
    tree = masking.tree({"x": text, "y": [text]})
    assert masking.tree(tree) == tree


@given(st.text(max_size=10), st.text(max_size=10), st.sampled_from([text for texts in TEXTS.values() for text in texts]))
def test_nothing_before_a_line_brings_a_secret_out(before: str, after: str, text: str) -> None:
    assert CANARY not in mask(f"{before}\n{text.format(CANARY)}\n{after}") or MASKED.search(before)


@pytest.mark.parametrize(
    "piece",
    ["a", "'\"", "password=", "a:", "a://", "u:p@", "{", '"password":{', "\\", 'password="', "-----BEGIN A-----", '<a key="x" ', " ", "echo a ",
     "-a ", "QUJD", "%41", "password:\n", "$6$a", "eyJaaaaaaaaaa.", "1", "aA1", "a=b;", "pass ", "password=a,", "password=a'b", "machine a ",
     "x://a:b"],
)  # fmt: skip
def test_no_text_takes_long(piece: str) -> None:
    """Linear: ten times the text, hardly more than ten times the time (a square would be a hundred times)."""
    took = []
    for size in (3_000, 30_000):
        text = piece * (size // len(piece))
        began = time.process_time()
        Masking().tree(["run", text])
        took.append(time.process_time() - began)
    assert took[1] < max(40 * took[0], 1.0), took
