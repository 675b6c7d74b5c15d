"""Dialogs rest on Cancel, and production wants the name typed."""

from dataclasses import dataclass
from typing import Any

import pytest
from textual.app import App
from textual.events import Key
from textual.widgets import Button

from widgets.dialogs import Choose, Confirm
from widgets.diff import DiffConfirm
from widgets.symbols import ascii_only, drawn


@dataclass(frozen=True)
class Line:
    sign: str
    text: str


class Bare(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.answers: list[object] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"dim": "#808080"}


async def test_what_closes_by_itself_leaves_what_stands_over_it() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        below, above = Confirm("Below", "It ends by itself.", "Yes"), Choose("Above", [("a", "a", "")])
        await app.push_screen(below, app.answers.append)
        await app.push_screen(above, app.answers.append)
        below.dismiss(True)
        await pilot.pause()
        assert app.screen is above and app.answers == []
        await pilot.press("enter")
        while app.screen in (above, below):
            await pilot.pause()
        assert app.answers == ["a", True]


@pytest.mark.parametrize(
    "dialog", [Confirm("Restart", "It stops.", "Restart"), DiffConfirm("Deploy", [Line("+", "x")], ["az …"])]
)
async def test_enter_at_once_changes_nothing(dialog: Confirm) -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(dialog, app.answers.append)
        await pilot.pause()
        assert isinstance(app.focused, Button) and app.focused.id == "cancel"
        await pilot.press("enter")
        assert app.answers == [False]


async def test_yes_is_one_key_away() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(DiffConfirm("Deploy", [Line("-", "a"), Line("+", "b")], []), app.answers.append)
        await pilot.pause()
        await pilot.press("right", "enter")
        assert app.answers == [True]


async def test_what_only_adds_is_confirmed_by_enter_but_not_by_one_that_was_typed_ahead() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        early = Key("enter", "\r")
        app.push_screen(DiffConfirm("Deploy", [Line("+", "x")], [], rest_on_yes=True), app.answers.append)
        await pilot.pause()
        assert isinstance(app.focused, Button) and app.focused.id == "yes"
        app.post_message(early)
        await pilot.pause()
        assert app.answers == [] and isinstance(app.screen, DiffConfirm)
        await pilot.press("enter")
        assert app.answers == [True]


@pytest.mark.parametrize("rest_on_yes", [True, False])
async def test_the_review_says_the_keys_that_go_on_from_where_it_rests(rest_on_yes: bool) -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(DiffConfirm("Deploy", [Line("+", "x")], [], rest_on_yes=rest_on_yes), app.answers.append)
        await pilot.pause()
        review = app.screen
        assert ("Enter goes on" in str(review.query_one(".box").border_subtitle)) is rest_on_yes
        assert (review.check_action("next", ()) is True) is not rest_on_yes
        await pilot.press(*(("enter",) if rest_on_yes else ("tab", "enter")))
        assert app.answers == [True]


@pytest.mark.parametrize("keys", [("enter",), ("tab", "enter"), ("right", "enter")])
@pytest.mark.parametrize("rest_on_yes", [True, False])
async def test_no_keys_that_were_typed_ahead_answer_a_review(keys: tuple[str, ...], rest_on_yes: bool) -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        early = [Key(key, "\r" if key == "enter" else None) for key in keys]
        app.push_screen(DiffConfirm("Deploy", [Line("+", "x")], [], rest_on_yes=rest_on_yes), app.answers.append)
        await pilot.pause()
        for key in early:
            app.post_message(key)
            await pilot.pause()
        assert app.answers == [] and isinstance(app.screen, DiffConfirm)


@pytest.mark.parametrize("more", [{"forbidden": True}, {"type_to_confirm": "edge-1"}, {}])
async def test_everything_else_rests_on_cancel(more: dict[str, Any]) -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(DiffConfirm("Deploy", [Line("+", "x")], [], **{"rest_on_yes": bool(more), **more}), app.answers.append)
        await pilot.pause()
        assert app.focused is not None and app.focused.id != "yes"
        await pilot.press("enter")
        assert app.answers in ([], [False])


@pytest.mark.parametrize("kind", [Confirm, DiffConfirm])
async def test_production_wants_the_name_typed(kind: type) -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        if kind is Confirm:
            app.push_screen(Confirm("Remove", "It goes.", "Remove", type_to_confirm="edge-1"), app.answers.append)
        else:
            app.push_screen(DiffConfirm("Deploy", [Line("+", "x")], [], type_to_confirm="edge-1"), app.answers.append)
        await pilot.pause()
        await pilot.press(*"edge-")
        assert app.screen.query_one("#yes", Button).disabled
        await pilot.press("1")
        assert not app.screen.query_one("#yes", Button).disabled


async def test_a_plan_with_errors_cannot_be_confirmed() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(DiffConfirm("Deploy", [Line("+", "x")], [], [("error", "bad")], forbidden=True), app.answers.append)
        await pilot.pause()
        assert app.screen.query_one("#yes", Button).disabled


async def test_choose_by_vi_keys() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(
            Choose("Device", [("a", "a", ""), ("b", "b", "✗ offline"), ("c", "c", "")], current="b"), app.answers.append
        )
        await pilot.pause()
        await pilot.press("j", "enter")
        assert app.answers == ["c"]


def test_signs_have_ascii_stand_ins() -> None:
    ascii_only(True)
    try:
        assert drawn("✓ running → x").isascii()
    finally:
        ascii_only(False)
