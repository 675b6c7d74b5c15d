"""Remedies name the key on screen, the verb on the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from console.cli.verbs import NAMES
from console.tui import remedies
from console.tui.actions import ACTIONS
from widgets.remedies import on_screen, set_ways


@pytest.fixture(autouse=True)
def ways() -> None:
    set_ways(remedies.ways(lambda action: action.keys.replace(",", " ")))


@pytest.mark.parametrize(
    ("verb", "shown"),
    [
        ("See: dbe-console history.", "See: key H."),
        ("Check the credentials (`dbe-console doctor`), then the name.", "Check the credentials (key d), then the name."),
        ("The log names it (`dbe-console logs edgeAgent`).", "The log names it (key l on edgeAgent)."),
        ("`dbe-console doctor --report FILE` gathers it.", "key d, then W, gathers it."),
        ("See why: dbe-console images --log accel-x:1", "See why: key b on accel-x:1"),
        ("It is in the history: `dbe-console rollback 12`.", "It is in the history: key H and B on entry 12."),
        ("`dbe-console record` goes on reading.", "`dbe-console record` goes on reading."),
        ("Replace it: `dbe-console context add NAME --replace`.", "Replace it: `dbe-console context add NAME --replace`."),
        ("No verb here.", "No verb here."),
    ],
)
def test_a_verb_becomes_a_key(verb: str, shown: str) -> None:
    assert on_screen(verb) == shown


def test_own_keys_are_named() -> None:
    set_ways(remedies.ways(lambda action: "F2" if action.id == "app.doctor" else "x"))
    assert on_screen("dbe-console doctor") == "key F2"


# What only a shell can do, or what names a word that has no key here.
OF_THE_SHELL = {"context", "options", "record", "services", "lab", "score", "manifest", "deploy"}


def test_remedies_of_the_services_have_a_key() -> None:
    """Every verb that a remedy names has a key, but for those of the shell."""
    texts = [path.read_text("utf-8") for path in Path("services").rglob("*.py") if "lab" not in path.parts]
    verbs = {verb for text in texts for verb in re.findall(r"dbe-console ([a-z]+)", text)} & set(NAMES)
    assert {"doctor", "logs", "history"} <= verbs
    for verb in verbs - OF_THE_SHELL:
        assert "dbe-console" not in on_screen(f"dbe-console {verb}"), verb


def test_every_way_is_an_action_s() -> None:
    assert {id for _, *ids in remedies._VERBS.values() for id in ids} <= set(ACTIONS)
