"""Layout by size, keys of one's own, commands, read-only mode."""

from __future__ import annotations

from pathlib import Path

import pytest
from piloting import text_of, until

from console.cli.verbs import NAMES
from console.tui.app import ConsoleApp
from console.tui.commands import COMMANDS, available, run_command
from console.tui.keymap import load_keymap
from console.tui.main_screen import layout_for
from services.errors import OperatorError
from services.records import Device, DeviceState, Module, ReportedModule, Step, WorkspaceImage
from widgets.footer import KeyLine
from widgets.symbols import ascii_only


@pytest.mark.parametrize(
    ("width", "height", "layout"),
    [
        (40, 12, "single"),
        (80, 24, "single"),
        (119, 60, "single"),
        (120, 35, "single"),
        (120, 36, "four"),
        (160, 47, "four"),
        (160, 48, "roomy"),
        (200, 60, "roomy"),
    ],
)
def test_layout(width: int, height: int, layout: str) -> None:
    assert layout_for(width, height) == layout


def test_keys_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    assert load_keymap(path) == {}
    path.write_text('[keys]\n"images.deploy" = "f5"\n')
    assert load_keymap(path) == {"images.deploy": "f5"}
    path.write_text('[keys]\n"images.deploy" = \n')
    with pytest.raises(OperatorError, match="cannot be read") as caught:
        load_keymap(path)
    assert "line 2" in caught.value.cause
    path.write_text('[keys]\n"images.deploy" = 5\n')
    with pytest.raises(OperatorError, match=r"images\.deploy"):
        load_keymap(path)
    path.write_text('[keys]\n"images.delpoy" = "f5"\n')
    with pytest.raises(OperatorError, match=r"images\.delpoy"):
        load_keymap(path)


def test_no_key_that_a_multiplexer_eats_and_every_key_has_a_name() -> None:
    from console.tui.panes.images import Images
    from console.tui.panes.messages import Messages
    from console.tui.panes.modules import Modules
    from console.tui.panes.options import Options

    for place in (ConsoleApp, Images, Modules, Options, Messages):
        for binding in place.BINDINGS:
            assert binding.id, binding
            assert not {"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m"} & set(binding.key.split(","))
            assert "alt+" not in binding.key


def test_commands_have_the_verbs_names() -> None:
    without = {"lab", "manifest", "record", "completion", "method", "services"}
    assert set(NAMES) - without <= set(COMMANDS)


async def test_read_only_has_no_changing_commands(nowhere: Path) -> None:
    app = ConsoleApp(read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.session is not None)
        assert not [name for name, action in available(app).items() if action.changing] and "logs" in available(app)
    app.end()


async def test_an_unknown_context_is_named(nowhere: Path) -> None:
    app = ConsoleApp(context="nowhere")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.images.look == "failed")
        assert "nowhere" in str(app.main.images._look.render())


async def test_the_footer_fits_the_help_has_every_key_and_panes_are_a_key_away(nowhere: Path) -> None:
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.session is not None and app.main.modules.look == "failed")
        for number in (1, 2, 3, 4):
            await pilot.press(str(number))
            pane = app.main.panes[number - 1]
            await until(pilot, lambda pane=pane: app.main.current is pane)
            await pilot.pause()
            line = app.screen.query_one(KeyLine)
            words = [word for _, word in line.keys()]  # noqa: SIM118  a widget, no dict
            assert {"Help", "Quit"} <= set(words), f"{pane.NAME}: {words}"  # what finds no room is left out, and Quit comes last
            assert all(word in line.render().plain for word in words)
            await pilot.press("f1")
            await until(pilot, lambda: "Help" in str(getattr(app.screen, "heading", "")))
            shown = app.screen.text.plain
            hidden = {"app.faults", "models.make-image", "models.images"}  # the lab's alone; the models', which m shows
            hidden |= {"pane.filter", "pane.refresh", "pane.sort"} if number == 3 else set()
            for binding in (*type(pane).BINDINGS, *ConsoleApp.BINDINGS):
                assert binding.id in hidden or binding.id in shown, binding
            await pilot.press("escape")
        await pilot.press("3", "e")
        await until(pilot, lambda: app.main.options.editor.has_focus)
        keys = dict(app.screen.query_one(KeyLine).keys())  # one types there: letters and signs are no keys
        assert keys["F1"] == "Help" and not [key for key in keys if len(key) == 1], keys
        await pilot.press("escape", "1")
        visited = [app.main.current]
        while len(visited) < 5:  # the editor has several stops of its own
            await pilot.press("tab")
            if app.main.current is not visited[-1]:
                visited.append(app.main.current)
        assert visited == [*app.main.panes, app.main.images]
    app.end()


async def test_resize_in_the_middle_of_anything(nowhere: Path) -> None:
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.session is not None and app.main.modules.look == "failed")
        for size in ((200, 60), (1, 1), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.press("question_mark")
            await pilot.resize_terminal(size[0] + 3, size[1] + 2)
            await pilot.press("escape")
        assert "Modules" in text_of(app)
    app.end()


async def test_a_theme_is_chosen_by_key_and_command_and_remembered(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        assert app.theme == "dark"
        await until(pilot, lambda: app.session is not None)
        await pilot.press("T")
        await until(pilot, lambda: app.theme == "light")
        await pilot.press("colon", *"theme high-contrast", "enter")
        await until(pilot, lambda: app.theme == "high-contrast")
        run_command(app, "theme", "pink")
        await pilot.pause()
        assert app.theme == "high-contrast"
    app.end()
    assert ConsoleApp().theme == "high-contrast"
    monkeypatch.setenv("TERM", "linux")
    try:
        assert ConsoleApp().theme == "ansi-dark"
    finally:
        ascii_only(False)  # what such a terminal asks for


@pytest.mark.parametrize(
    ("environment", "few", "ascii"),
    [
        ({"TERM": "xterm-256color", "LANG": "de_DE.UTF-8"}, False, False),
        ({"TERM": "xterm-256color"}, False, False),
        ({"TERM": "xterm-256color", "LANG": "C"}, False, True),
        ({"TERM": "xterm-256color", "LANG": "C", "LC_CTYPE": "C.UTF-8"}, False, True),  # what Python makes of the line before
        ({"TERM": "xterm-256color", "LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, False, True),
        ({"TERM": "xterm-256color", "LANG": "de_DE.ISO-8859-1"}, False, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, True, False),
        ({"TERM": "linux", "LANG": "C.UTF-8"}, True, True),  # its font has no signs beyond code page 437
        ({"TERM": "vt100", "COLORTERM": "truecolor"}, True, True),
        ({"TERM": "putty", "LANG": "C.UTF-8"}, True, False),
        ({"TERM": "putty-256color"}, False, False),
        ({"TERM": "xterm-16color"}, True, False),
        ({"TERM": "screen"}, True, False),
        ({"TERM": "tmux-256color"}, False, False),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, False, False),
    ],
)
def test_what_a_terminal_can_show(environment: dict[str, str], few: bool, ascii: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from console.tui import themes

    for name in ("TERM", "COLORTERM", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (themes.few_colours(), themes.unicode_missing()) == (few, ascii)
    assert (themes.default_theme("light") == "ansi-light") is few


async def test_one_comes_back_to_pane_device_filter_and_the_rollout_that_is_watched(
    lab_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a lost line: what the first console left in its home the second takes up."""
    from datetime import datetime, timezone

    from console.tui import saved_state as place

    steps = (Step("answers", "The host answers", "running"),)
    monkeypatch.setattr("services.operations.deployer.Deployer.rollout", lambda self, watch: iter([steps]))
    since = datetime.now(timezone.utc).isoformat()
    left = place.LeftWatch("databox-edge-2", "shop-counter", "Deploy shop-counter to databox-edge-2", False, since)
    place.keep("lab", place.Place(2, "databox-edge-2", False, {"modules": "shop"}, left))
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.session is not None and app.main.modules.look == "ready" and app.watches, 60)
        assert app.main.current is app.main.modules and app.main.device == "databox-edge-2"
        await until(pilot, lambda: [row.module.name for row in app.main.modules.table.rows.records] == ["shop-counter"])
        await until(pilot, lambda: app.watches[0].steps)
        assert (app.watches[0].module, app.watches[0].steps) == ("shop-counter", list(steps))
        await pilot.press("w")
        await until(pilot, lambda: "The host answers" in text_of(app))
    app.end()


async def test_a_key_that_was_quicker_than_the_context_is_kept(lab_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import Event

    from console.tui import saved_state as place

    pressed = Event()
    monkeypatch.setattr(place, "load_place", lambda context: place.Place(3, models=pressed.wait(60)))
    app = ConsoleApp()
    async with app.run_test(size=(120, 36)) as pilot:
        assert app.focused is app.main.images, "a pane holds the focus before it has anything to show"
        await pilot.press("2")
        assert app.session is None and app.focused is app.main.modules
        pressed.set()
        await until(pilot, lambda: app.session is not None and app.main.images.showing == "models")
        await until(pilot, lambda: app.main.modules.look == "ready")
        assert app.main.current is app.main.modules and app.main.modules in app.focused.ancestors_with_self
    app.end()


async def test_keys_that_come_in_one_packet_each_meet_what_the_one_before_has_made(lab_home: Path) -> None:
    from textual.events import Key

    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "accel-resnet50" in text_of(app))
        for key in ("slash", "b", "r", "d", "x", "enter", "2", "slash", "h", "u", "b", "enter", "question_mark"):
            app.post_message(Key(key, {"slash": "/", "question_mark": "?"}.get(key, key if len(key) == 1 else None)))
        await until(pilot, lambda: "Help · Modules" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "edgeHub" in text_of(app) and "edgeAgent" not in text_of(app))
        await pilot.press("1")
        await until(pilot, lambda: "none of 9 matches the filter" in text_of(app))
        assert "brdx" in text_of(app)


async def test_a_pane_has_the_screen_alone_and_escape_goes_back_step_by_step(nowhere: Path) -> None:
    app = ConsoleApp()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.session is not None and app.main.modules.look == "failed")
        await pilot.press("2", "z")
        await until(pilot, lambda: app.main.modules.region.width == 120)
        shown = [pane for pane in app.main.panes if pane.region.height]
        assert shown == [app.main.modules] and app.main.banner.region.height == 1
        await pilot.press("1")  # another pane, zoomed as well
        await until(pilot, lambda: app.main.images.region.width == 120)
        app.main.images.restore_filter("cat")
        app.main.refresh_bindings()
        await pilot.press("escape")
        await until(pilot, lambda: not app.main.images.filter_now)
        assert app.main.zoomed
        await pilot.press("escape")
        await until(pilot, lambda: all(pane.region.height for pane in app.main.panes))
        await pilot.press("escape")  # nothing is left to go back from
        assert not app.main.zoomed
        await pilot.resize_terminal(80, 24)
        await pilot.press("z")
        await until(pilot, lambda: app.main.images.region.height == 23)
    app.end()


async def test_panes_have_the_lines_that_they_need_and_the_rest_goes_to_the_one_below(nowhere: Path) -> None:
    app = ConsoleApp()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.session is not None and app.main.modules.look == "failed")
        images = app.main.images
        images.show_images([WorkspaceImage(f"eye:{n}", "eye", n, "AccelContainer", "Succeeded", f"r/eye:{n}") for n in range(9)])
        modules = tuple(Module(name, True, None, ReportedModule("running")) for name in ("edgeAgent", "edgeHub"))
        app.main.modules.show_state(DeviceState(Device("edge", True), modules), {})
        await until(pilot, lambda: images.table.rows.size.height == 9, "nine rows are seen, and no line is empty")
        await pilot.press("2")
        await pilot.pause()
        assert images.table.rows.size.height == 9, "the focus takes no line from rows while it has empty ones"
        assert app.main.modules.outer_size.height + images.outer_size.height == app.main.query_one("#left").size.height
        await pilot.resize_terminal(80, 24)
        await pilot.press("1")
        await until(pilot, lambda: images.outer_size.height == 21)
    app.end()
