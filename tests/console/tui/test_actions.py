"""The one table of actions: what footer, help, commands, palette, keys.toml and read-only mode make of it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from piloting import text_of, until
from textual.binding import Binding

import console.tui.screens
from console.tui.actions import ACTIONS, PLACES, Action
from console.tui.app import ConsoleApp
from console.tui.commands import COMMANDS, run_command
from console.tui.keymap import conflicts, for_textual, load_keymap, split_keys, standard_keys
from console.tui.panes.images import Images
from console.tui.panes.modules import Modules
from console.tui.scope import Scope
from services.errors import OperatorError
from services.records import DesiredModule, Device, DeviceState, Module, ReportedModule, WorkspaceImage, WorkspaceModel


def scopes() -> Iterator[type[Scope]]:
    """Every class with a scope of its own, those of screens too."""
    for module in pkgutil.iter_modules(console.tui.screens.__path__, "console.tui.screens."):
        importlib.import_module(module.name)
    kinds: list[type[Scope]] = [Scope]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if "SCOPES" in vars(kind):
            yield kind


def state(*names: str) -> DeviceState:
    return DeviceState(
        Device("edge-1", True),
        tuple(Module(name, False, DesiredModule("r.io/x:1"), ReportedModule("running", "r.io/x:1")) for name in names),
    )


def notified(app: ConsoleApp) -> list[str]:
    return [notification.message for notification in app._notifications]


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.id)
def test_an_action_is_run_by_a_class_that_has_its_method_and_its_key(action: Action) -> None:
    kinds = [kind for kind in scopes() if action.scope in kind.SCOPES]
    assert kinds, "no class has this scope"
    for kind in kinds:
        assert callable(getattr(kind, action.method, None)), kind
        bound = [binding for binding in kind.BINDINGS if isinstance(binding, Binding) and binding.id == action.id]
        assert bool(bound) is bool(action.keys), kind
    assert action.keys or action.command, "nobody could ask for it"
    assert bool(action.about) is bool(action.command)


def test_no_key_is_bound_twice_in_one_place_and_none_that_a_multiplexer_eats() -> None:
    for place in PLACES[:4]:  # lists; elsewhere keys are shared on purpose (Esc leaves an editor before its screen)
        keys = [key for action in ACTIONS.values() if action.scope in place and action.keys for key in split_keys(action.keys)]
        assert len(keys) == len(set(keys)), [key for key in keys if keys.count(key) > 1]
    for keys in standard_keys().values():
        for key in split_keys(keys) if keys else ():
            assert key not in {"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m"} and "alt+" not in key


@pytest.mark.parametrize(
    ("keys", "pair"),
    [
        ({"modules.remove": "l"}, {"modules.remove", "modules.logs"}),  # a destructive action takes another's key
        ({"modules.logs": "R"}, {"modules.logs", "modules.restart"}),  # another takes a destructive action's
        ({"modules.remove": "d"}, {"modules.remove", "app.doctor"}),  # the app's key, which it would hide
        ({"app.doctor": "X"}, {"modules.remove", "app.doctor"}),  # or be hidden by
        ({"modules.restart": "enter"}, {"modules.restart", "lines.choose"}),
        ({"images.deploy": "/"}, {"images.deploy", "pane.filter"}),
        ({"messages.save": "f5, y"}, {"messages.save", "messages.yank"}),
        ({"options.deploy": "escape"}, {"options.deploy", "app.give-up"}),
        ({"logs.restart": "L"}, {"logs.restart", "logs.level"}),
        ({"progress.cancel": "escape"}, {"progress.cancel", "dialog.close"}),
        ({"history.rollback": "q"}, {"history.rollback", "screen.back"}),
        ({"modules.logs": "f5", "modules.restart": "f5"}, {"modules.logs", "modules.restart"}),
    ],
)
def test_a_conflict_of_keys_is_refused_by_name(tmp_path: Path, keys: dict[str, str], pair: set[str]) -> None:
    path = tmp_path / "keys.toml"
    path.write_text("[keys]\n" + "".join(f'"{name}" = "{value}"\n' for name, value in keys.items()))
    with pytest.raises(OperatorError) as caught:
        load_keymap(path)
    assert caught.value.code == "keys.conflict" and all(name in caught.value.what for name in pair)
    dangerous = [name for name in pair if name in ACTIONS and ACTIONS[name].changing]
    assert ("changes what runs" in caught.value.cause) is bool(dangerous)


@pytest.mark.parametrize("key", ["z", "/", "space", "delete", "F"])
def test_a_key_that_works_while_one_types_types_nothing(tmp_path: Path, key: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(f'[keys]\n"options.deploy" = "{key}"\n')
    with pytest.raises(OperatorError, match=r"to options\.deploy, which works while one types"):
        load_keymap(path)
    path.write_text('[keys]\n"options.deploy" = "ctrl+g,f7"\n')
    assert load_keymap(path) == {"options.deploy": "ctrl+g,f7"}


def test_every_scope_has_its_place() -> None:
    assert {action.scope for action in ACTIONS.values()} <= {scope for place in PLACES for scope in place}


@pytest.mark.parametrize(
    "keys",
    [
        {"modules.remove": "l", "modules.logs": "X"},  # exchanged
        {"images.deploy": "f5"},
        {"images.deploy": "f5", "models.make-image": "f5"},  # never on the screen together
        {"logs.wrap": "f5", "modules.logs": "f5"},
        {"modules.remove": "delete"},  # one of the keys it has
    ],
)
def test_keys_that_meet_nowhere_are_taken(tmp_path: Path, keys: dict[str, str]) -> None:
    path = tmp_path / "keys.toml"
    path.write_text("[keys]\n" + "".join(f'"{name}" = "{value}"\n' for name, value in keys.items()))
    assert load_keymap(path) == keys


def test_the_standard_keys_have_no_conflict() -> None:
    assert not list(conflicts({name: keys for name, keys in standard_keys().items() if keys}))


def test_a_key_that_is_given_up_stays_with_whoever_shares_it() -> None:
    """Textual would take D away from models, too."""
    assert for_textual({"images.deploy": "f5"}) == {"images.deploy": "f5", "models.make-image": "D"}
    assert for_textual({"modules.logs": "f5"}) == {"modules.logs": "f5"}


async def test_an_own_key_works_and_takes_nobody_else_s(nowhere: Path) -> None:
    (nowhere / "config" / "keys.toml").write_text('[keys]\n"images.deploy" = "f5"\n"modules.remove" = "f6"\n')
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.session is not None and app.main.modules.look == "failed")
        images = app.main.images
        images.show_images([WorkspaceImage("x:1", "x", 1, "AccelContainer", "Succeeded", "r.io/x:1")])
        await pilot.pause()

        def bound() -> dict[str, str]:
            return {key: active.binding.id or "" for key, active in app.screen.active_bindings.items()}

        assert bound()["f5"] == "images.deploy" and "D" not in bound()
        images.action_models()
        images.show_models([WorkspaceModel("m:1", "m", 1)])
        await pilot.pause()
        assert bound()["D"] == "models.make-image" and "f5" not in bound()
        await pilot.press("2")
        await pilot.pause()
        assert bound()["f6"] == "modules.remove" and not {"X", "delete"} & bound().keys()
        assert app.key_signs(ACTIONS["modules.remove"]) == "F6"
    app.end()


async def test_enter_and_a_key_do_the_action_with_the_row(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = ConsoleApp()
    done: list[tuple[str, object]] = []
    monkeypatch.setattr(Images, "action_deploy", lambda self, image: done.append(("deploy", image.id)))
    monkeypatch.setattr(Images, "action_details", lambda self, image: done.append(("details", image.id)))
    monkeypatch.setattr(Images, "action_client", lambda self: done.append(("client", "")))
    monkeypatch.setattr(Modules, "action_restart", lambda self, row: done.append(("restart", row.module.name)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.session is not None and app.main.modules.look == "failed")
        app.main.images.show_images([WorkspaceImage("x:1", "x", 1, "AccelContainer", "Succeeded", "r.io/x:1")])
        app.main.images.focus_content()
        await pilot.pause()
        await pilot.press("enter", "D", "i", "C")
        assert done == [("deploy", "x:1"), ("deploy", "x:1"), ("details", "x:1"), ("client", "")]
        app.main.modules.show_state(state("a", "b"), {})
        run_command(app, "restart", "b")
        await pilot.pause()
        assert done[-1] == ("restart", "b") and app.main.current is app.main.modules
        run_command(app, "restart", "c")
        await pilot.pause()
        assert len(done) == 5 and "no module 'c' is shown here" in notified(app)
    app.end()


async def test_what_needs_a_row_says_so_where_there_is_none(nowhere: Path) -> None:
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.session is not None and app.main.modules.look == "failed")
        await pilot.press("2", "l")
        await until(pilot, lambda: "Logs: no module chosen" in notified(app))
        app.main.modules.show_state(state("a"), {})
        app.main.modules.restore_filter("zzz")
        await until(pilot, lambda: app.main.modules.row is None)
        await pilot.press("R")
        await until(pilot, lambda: "Restart: no module chosen" in notified(app))
        run_command(app, "stop")
        await until(pilot, lambda: "Stop: no module chosen" in notified(app))
        await pilot.press("4", "E")
        await until(pilot, lambda: "Export: nothing is shown here yet" in notified(app))
        assert app.screen is app.main
    app.end()


async def test_a_device_that_is_still_read_lends_no_row_of_the_one_before(nowhere: Path) -> None:
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.session is not None and app.main.modules.look == "failed")
        modules = app.main.modules
        modules.show_state(state("a"), {})
        await pilot.pause()
        modules.look = "loading"
        assert modules.row is not None
        run_command(app, "restart")
        await until(pilot, lambda: "Restart: no module chosen" in notified(app))
    app.end()


async def test_palette_and_command_line_show_the_keys(nowhere: Path) -> None:
    app = ConsoleApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.session is not None)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "restart          R " in text_of(app))
        await pilot.press("escape")
        await pilot.press("colon", *"resta")
        await until(pilot, lambda: "R · Restart the module" in text_of(app))
        await pilot.press("escape")
    app.end()


async def test_enter_runs_the_completion_that_is_shown_and_up_brings_a_line_back(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, str]] = []
    monkeypatch.setattr("console.tui.commands.run_command", lambda _app, name, argument: ran.append((name, argument)))
    app = ConsoleApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.session is not None)
        for keys in ("over", "theme high", "theme"):  # shown, shown behind a word, and whole as it stands
            await pilot.press("colon", *keys, "enter")
            await pilot.pause()
        assert ran == [("overview", ""), ("theme", "high-contrast"), ("theme", "")]
        await pilot.press("colon", "up", "up", "enter")
        await until(pilot, lambda: ran[-1] == ("theme", "high-contrast") and len(ran) == 4)
        await pilot.press("colon", "up", "down", "enter")  # back to the empty line
        await pilot.pause()
        assert len(ran) == 4
        await pilot.press("colon", *"zzz", "enter")
        await until(pilot, lambda: any("there is no command 'zzz'" in text for text in notified(app)))
    app.end()


async def test_read_only_mode_has_no_changing_action_anywhere(nowhere: Path) -> None:
    app = ConsoleApp(read_only=True)
    changing = {action.id for action in ACTIONS.values() if action.changing}
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.session is not None and app.main.modules.look == "failed")
        app.main.modules.show_state(state("a"), {})
        for number in (1, 2, 3, 4):
            await pilot.press(str(number))
            await pilot.pause()
            assert not changing & {active.binding.id for active in app.screen.active_bindings.values()}
        await pilot.press("colon", *"resta")
        await pilot.pause()
        assert "Restart the module" not in text_of(app)
        await pilot.press("escape")
        run_command(app, "restart")
        await until(pilot, lambda: "restart does not exist in read-only mode" in notified(app))
        app.main.modules.act("modules.restart")
        await pilot.pause()
        assert app.screen is app.main
    app.end()


def test_a_command_has_one_action() -> None:
    names = [name for action in ACTIONS.values() for name in action.commands]
    assert len(names) == len(set(names)) == len(COMMANDS)
