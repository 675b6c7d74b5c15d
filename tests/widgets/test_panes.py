"""The panes' looks, words and keys, with real records."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import pytest
from piloting import text_of
from textual.app import App, ComposeResult
from textual.widgets import Input, Static

from services.errors import OperatorError
from services.records import DesiredModule, Device, DeviceState, Finding, Module, RecorderFigures, ReportedModule, WorkspaceImage
from services.text import indented_json
from widgets.images import ImagesPane
from widgets.messages import MessagesPane
from widgets.module_row import Row, module_state, reason, wanted_status
from widgets.modules import ModulesPane
from widgets.options import OptionsPane
from widgets.pane import Pane

NOW = datetime.now(timezone.utc)


class Bare(App[None]):
    def __init__(self, pane: Pane) -> None:
        super().__init__()
        self.pane = pane

    def compose(self) -> ComposeResult:
        yield self.pane

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"dim": "#808080"}


def image(name: str, state: str = "Succeeded", flavour: str = "AccelContainer") -> WorkspaceImage:
    return WorkspaceImage(f"{name}:1", name, 1, flavour, state, f"registry.azurecr.io/{name}:1", NOW - timedelta(minutes=5))


def module(name: str, status: str, **reported: object) -> Module:
    return Module(name, False, DesiredModule(f"r.io/{name}:1"), ReportedModule(status, f"r.io/{name}:1", **reported))


async def test_loading_empty_and_failed_are_three_looks() -> None:
    app = Bare(ImagesPane(id="images"))
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.pane
        assert isinstance(pane, ImagesPane)
        pane.waiting("Reading images of the workspace")
        await pilot.pause()
        assert "Reading images" in text_of(app)
        pane.show_images([])
        await pilot.pause()
        assert "hold no images" in text_of(app) and "Reading" not in text_of(app)
        fresh = ImagesPane(id="other")
        await app.mount(fresh)
        fresh.failed(OperatorError("The workspace does not answer.", cause="It is asleep.", remedy="Wake it."))
        await pilot.pause()
        shown = text_of(app)
        assert "does not answer" in shown and "It is asleep." in shown and "Wake it." in shown


async def test_what_was_read_stays_when_a_refresh_fails() -> None:
    app = Bare(ImagesPane(id="images"))
    async with app.run_test(size=(80, 24)) as pilot:
        assert isinstance(app.pane, ImagesPane)
        app.pane.show_images([image("resnet")])
        app.pane.failed(OperatorError("The workspace does not answer.", remedy="Wake it."))
        await pilot.pause()
        assert "resnet" in text_of(app) and "does not answer" in text_of(app)
        app.pane.show_images([image("resnet")])
        await pilot.pause()
        assert "does not answer" not in text_of(app)


async def test_deployable_images_come_first() -> None:
    app = Bare(ImagesPane(id="images"))
    async with app.run_test(size=(80, 24)) as pilot:
        assert isinstance(app.pane, ImagesPane)
        app.pane.show_images([image("broken", "Failed"), image("cpu", flavour="WebApiContainer"), image("fpga")])
        app.pane.focus_content()
        await pilot.pause()
        assert [record.name for record in app.pane.table.rows.records] == ["fpga", "cpu", "broken"]
        assert "✗ failed" in text_of(app) and "✓ ready" in text_of(app)


def test_a_module_is_one_word_and_one_reason() -> None:
    finding = Finding("port-taken", "error", "port", "port 50051 is taken", "cause", "remedy", likely=True)
    row = Row(module("host", "backoff", restart_count=3, exit_code=139), finding)
    assert module_state(row) == ("✗ port", "bad")
    assert reason(row)[0] == "likely: port 50051 is taken"
    assert wanted_status(row)[0] == "running → backoff"
    assert module_state(Row(module("host", "running"), None))[0] == "✓ running"
    assert module_state(Row(module("host", "something-new"), None))[0] == "? something-new"
    assert module_state(Row(Module("host", desired=DesiredModule("i")), None))[0] == "· not reported"


async def test_the_worst_module_is_the_panes_word() -> None:
    app = Bare(ModulesPane(id="modules"))
    async with app.run_test(size=(80, 24)):
        pane = app.pane
        assert isinstance(pane, ModulesPane)
        modules = (module("a", "running"), module("b", "failed"), module("c", "backoff"))
        pane.show_state(DeviceState(Device("d", True), modules), {})
        assert (pane.word, pane.role) == ("✗ b failed +1", "bad")


@dataclass(frozen=True)
class Problem:
    line: int = 2
    column: int = 7
    severity: str = "error"
    message: str = "no JSON here"
    remedy: str = "mend it"


@dataclass(frozen=True)
class Report:
    problems: tuple[Problem, ...] = (Problem(),)
    size: int = 600
    chunks: int = 2
    room: int | None = 30_000


@dataclass(frozen=True)
class PresetField:
    name: str = "port"
    label: str = "Port"
    default: str = "50051"
    kind: str = "port"


@dataclass(frozen=True)
class Preset:
    name: str = "fpga"
    title: str = "FPGA host"
    fields: tuple[PresetField, ...] = field(default=(PresetField(),))


def test_indented_json_stays_escaped() -> None:
    """What was cleaned as text is not unescaped afterwards."""
    text = r'{"a": "\u009b31m \u202e \u007f \u001b", "\u2066": "é"}'
    assert indented_json(text) == text.replace("{", "{\n  ").replace(", ", ",\n  ").replace("}", "\n}")


async def test_options_form_text_and_problems() -> None:
    pane = OptionsPane(id="options")
    chosen: list[tuple[str, dict[str, str]]] = []

    class Listening(Bare):
        def on_options_pane_preset_chosen(self, event: OptionsPane.PresetChosen) -> None:
            chosen.append((event.name, dict(event.values)))

    app = Listening(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        pane.set_presets([Preset()])
        await pane.use_preset("fpga", {})
        assert pane.chosen == "fpga" and pane.values == {"port": "50051"}
        await pane.use_preset("fpga", {"port": "50052"})
        await pilot.pause()
        assert pane.values == {"port": "50052"} and not chosen
        pane.query_one(".fields Input", Input).value = "50053"
        await pilot.pause()
        assert chosen == [("fpga", {"port": "50053"})]
        pane.show_report(Report())
        await pilot.pause()
        shown = text_of(app)
        assert "2:7 no JSON here" in shown and "600 bytes · 2 chunks · 30,000 bytes of room" in shown
        assert pane.word == "✗ 1 error"
        warnings = tuple(Problem(line, severity="warning", message="a remark") for line in range(1, 6))
        pane.show_report(Report((*warnings, Problem(9))))
        await pilot.pause()
        assert "9:7 no JSON here" in text_of(app), "the error stands before remarks of earlier lines"
        pane.action_edit()
        await pilot.press("escape")
        await pilot.pause()
        assert app.focused is pane.content()


@pytest.mark.parametrize(
    ("intake", "word"),
    [
        (RecorderFigures("receiving", 12.0, stored=5), "12/s"),
        (RecorderFigures("reconnecting", trouble="cut"), "✗ reconnecting"),
        (RecorderFigures("receiving", 3.0, gaps=2, dropped=7), "! 3.0/s 7 lost in 2 gaps"),
    ],
)
async def test_the_intake_is_always_told(intake: RecorderFigures, word: str) -> None:
    pane = MessagesPane(id="messages")
    app = Bare(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        pane.show_window([])
        await pilot.pause()
        assert "No messages yet" in text_of(app)
        pane.show_intake(intake, 0)
        assert pane.word == word
        assert app.query(Static)
