"""Every screen as it looks: at 80×24 and wide, in two themes and more where they differ. ``--snapshot-update`` takes them anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot

from console.lab.faults import Fault, LabFaults
from console.tui.app import ConsoleApp
from console.tui.flows.watches import Watch
from console.tui.screens.doctor import DoctorScreen
from console.tui.screens.faults import FaultsScreen
from console.tui.screens.health import HealthScreen
from console.tui.screens.help import help_dialog
from console.tui.screens.history import HistoryScreen
from console.tui.screens.logs import LogsScreen
from console.tui.screens.module import ModuleScreen
from console.tui.screens.new_context import NewContext, Trying
from console.tui.screens.overview import OverviewScreen
from console.tui.screens.rollout import RolloutScreen
from console.tui.screens.score import ScoreScreen
from console.tui.screens.signing_in import DeviceCodeDialog
from console.tui.screens.twin import DesiredEditor, TwinScreen
from services.contexts.draft import Draft
from services.contexts.model import Context, HubSettings, WorkspaceSettings
from services.contexts.sign_in import DeviceCode
from services.deployment.manifest.diff import diff
from services.deployment.options.check import check
from services.deployment.options.presets import presets, render
from services.diagnosis import diagnose_state
from services.errors import OperatorError
from services.messages.health.statistics import Change, Counts, Health, Point, Sender
from services.operations.overview import DeviceRow
from services.operations.score import Label, Score
from services.operations.session import Session
from services.records import (
    DesiredModule,
    Device,
    DeviceState,
    Finding,
    HistoryEntry,
    InferenceMessage,
    LifeSigns,
    Liveness,
    LogLine,
    Module,
    RecorderFigures,
    ReportedModule,
    Step,
    WorkspaceImage,
)
from widgets.deploy_form import DeployForm
from widgets.details import message_details
from widgets.dialogs import Choose, Confirm, ErrorDialog, Reader
from widgets.diff import DiffConfirm
from widgets.symbols import ascii_only

CONTEXT = Context(
    "plant-7",
    HubSettings("plant-hub.azure-devices.net"),
    WorkspaceSettings("s", "plant", "plant-models"),
    device="databox-edge-1",
)
SIZES = {"80x24": (80, 24), "160x48": (160, 48)}
THEMES = ("dark", "light")
Ago = Callable[..., datetime]


class Still(ConsoleApp):
    """The console with a context, and nothing that reads by itself."""

    def __init__(self, theme: str = "dark", context: Context = CONTEXT) -> None:
        super().__init__(read_only=context.read_only)
        self.theme = theme
        self.still = context

    async def _open(self) -> None:
        self.session = self.main.session = Session(self.still)
        for pane in self.main.panes:
            pane.read_only = self.still.read_only
        self.refresh_bindings()
        self.main.look_at_place(self.still.device)
        self.main.banner.show_spent(214)

    def remember(self) -> None:
        """Nowhere to be remembered."""


def images(ago: Ago) -> list[WorkspaceImage]:
    def image(name: str, state: str, flavour: str, age: datetime, models: tuple[str, ...]) -> WorkspaceImage:
        return WorkspaceImage(f"{name}:1", name, 1, flavour, state, f"plant.azurecr.io/{name}:1", age, model_ids=models)

    return [
        image("accel-resnet50", "Succeeded", "AccelContainer", ago(hours=5), ("resnet50.accel.onnx:1",)),
        image("accel-ssd-vgg", "Succeeded", "AccelContainer", ago(days=12), ("ssd-vgg.accel.onnx:1",)),
        image("cpu-classifier", "Succeeded", "WebApiContainer", ago(days=90), ("sklearn-digits:1",)),
        image("accel-densenet", "Creating", "AccelContainer", ago(minutes=2), ("densenet121.accel.onnx:1",)),
        image("accel-broken", "Failed", "AccelContainer", ago(days=1), ("resnet50.accel.onnx:1",)),
    ]


def state(ago: Ago) -> DeviceState:
    def module(name: str, status: str, image: str, system: bool = False, **reported: Any) -> Module:
        return Module(name, system, DesiredModule(image), ReportedModule(status, image, **reported))

    device = Device("databox-edge-1", False)
    return DeviceState(
        device,
        (
            module("edgeAgent", "running", "mcr.microsoft.com/azureiotedge-agent:1.4", True, last_start=ago(days=3)),
            module("edgeHub", "running", "mcr.microsoft.com/azureiotedge-hub:1.4", True, last_start=ago(days=3)),
            module("azureml-host", "running", "plant.azurecr.io/accel-resnet50:1", last_start=ago(hours=4), restart_count=1),
            module(
                "azureml-client",
                "backoff",
                "plant.azurecr.io/sample-client:1.0",
                last_start=ago(minutes=2),
                last_exit=ago(minutes=1),
                exit_code=1,
                restart_count=5,
            ),
        ),
        desired_version=17,
        last_desired_version=17,
        last_desired_code=200,
        reported_at=ago(seconds=40),
        liveness=Liveness("alive", "$edgeHub connected", False, LifeSigns(device)),
    )


def messages(ago: Ago) -> list[InferenceMessage]:
    labels = (("golden retriever", 0.93), ("tabby cat", 0.71), ("space shuttle", 0.99), ("great white shark", 0.88))
    made = []
    for row in range(1, 31):
        label, confidence = labels[row % 4]
        common = (row, "1", 400 + row, str(row * 512), ago(seconds=(31 - row) * 2), "databox-edge-1", "azureml-client")
        if row == 9:
            made.append(InferenceMessage(*common, "flashing", "the FPGA is being flashed: UNAVAILABLE"))
        else:
            made.append(
                InferenceMessage(
                    *common,
                    "result",
                    f"{label} {confidence}",
                    picture=f"snail-{row:02}.jpg",
                    label=label,
                    confidence=confidence,
                    milliseconds=14.0 + row % 5 if row != 10 else 1840.0,
                )
            )
    return made


def hold(app: ConsoleApp) -> None:
    """A blinking cursor is in a picture or not by the moment: it stands still."""
    for editor in app.screen.query("Input, TextArea"):
        editor.cursor_blink = False


async def filled(pilot: Pilot[None], ago: Ago, number: int = 1) -> None:
    """Records in all four panes; the pane of that number is the current one."""
    while pilot.app.session is None:
        await pilot.pause()
    main = pilot.app.main
    main.images.show_images(images(ago))
    main.modules.state = state(ago)
    main.modules.findings = diagnose_state(main.modules.state)
    main.modules.show_state(main.modules.state, main.modules.findings)
    main.options.set_presets(presets())
    host = next(preset for preset in presets() if preset.kind == "host")
    text = render(host, {})
    main.options.set_text(text)
    main.options.show_report(check(text))
    main.messages.show_window(messages(ago))
    main.messages.show_intake(RecorderFigures("receiving", 0.5, stored=1_284_301), 0)
    main.go_to(number)
    await pilot.pause()
    await pilot.pause()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("pane", [1, 2, 3, 4])
def test_pane(snap_compare: Any, ago: Ago, theme: str, pane: int) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await filled(pilot, ago, pane)

    assert snap_compare(Still(theme), terminal_size=(80, 24), run_before=run)


@pytest.mark.parametrize(
    ("theme", "size"), [("dark", (160, 48)), ("light", (160, 48)), ("high-contrast", (120, 36)), ("dark", (40, 12))]
)
def test_sizes(snap_compare: Any, ago: Ago, theme: str, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await filled(pilot, ago, 2)

    assert snap_compare(Still(theme), terminal_size=size, run_before=run)


def test_a_low_screen_shows_what_is_to_be_answered(snap_compare: Any, ago: Ago) -> None:
    app = Still()

    async def run(pilot: Pilot[None]) -> None:
        await filled(pilot, ago, 2)
        app.push_screen(screen_of("confirm", app, ago))
        await pilot.pause()
        hold(app)
        await pilot.pause()

    assert snap_compare(app, terminal_size=(40, 12), run_before=run)


def test_sixteen_colours_in_ascii(snap_compare: Any, ago: Ago, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.tui.themes.unicode_missing", lambda: True)

    async def run(pilot: Pilot[None]) -> None:
        await filled(pilot, ago, 2)

    try:
        assert snap_compare(Still("ansi-dark"), terminal_size=(80, 24), run_before=run)
    finally:
        ascii_only(False)


REFUSED = OperatorError(
    "The hub refuses the key (401).", cause="It was renewed.", remedy="Copy the connection string anew.", raw="401"
)


def test_what_is_not_there(snap_compare: Any, ago: Ago) -> None:
    """Failed, loading and empty are three looks."""

    async def run(pilot: Pilot[None]) -> None:
        while pilot.app.session is None:
            await pilot.pause()
        pilot.app.main.images.failed(REFUSED)
        pilot.app.main.modules.waiting("Reading the modules of databox-edge-1")
        pilot.app.main.messages.show_window([])
        await pilot.pause()

    assert snap_compare(Still(), terminal_size=(120, 36), run_before=run)


def test_production_read_only(snap_compare: Any, ago: Ago) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await filled(pilot, ago, 1)

    context = replace(CONTEXT, production=True, read_only=True)
    assert snap_compare(Still(context=context), terminal_size=(80, 24), run_before=run)


STEPS = (
    Step("accepted", "The hub has taken the deployment", "done", "version 17", 0.4),
    Step("agent", "The edge agent has it", "done", "", 3.1),
    Step("pulling", "Images are pulled", "done", "plant.azurecr.io/accel-resnet50:1", 41.0),
    Step(
        "created",
        "Containers are created",
        "failed",
        "Bind for 0.0.0.0:50051 failed: port is already allocated",
        2.0,
        "Give the module another host port, or stop the one that has it.",
        Finding("port-taken", "error", "port", "port 50051 is taken", "Another module binds it.", "Choose another host port."),
    ),
    Step("running", "Modules run", "waiting"),
)


class StillDoctor(DoctorScreen):
    """The doctor with checks that have been made."""

    def action_again(self) -> None:
        """They stand."""
        from widgets.steps import StepList

        self.query_one(StepList).show_steps(STEPS)
        self.say("✗ 1 failed, first: Containers are created. Enter on it tells more.", "bad")


class StillSession(Session):
    """A session whose answers are always the same."""

    def __init__(self, ago: Ago) -> None:
        super().__init__(CONTEXT)
        self.ago = ago
        self.messages.health = lambda seconds, device: self.health(seconds)

    def spent(self) -> int:
        return 214

    @property
    def deployer(self) -> Any:
        return SimpleNamespace(settle=list)

    @property
    def history(self) -> Any:
        def entry(number: int, age: datetime, summary: str, outcome: Any, detail: str = "") -> HistoryEntry:
            place = ("anna", "10.1.2.3", "plant-7", "plant-hub.azure-devices.net", "databox-edge-1", "hub")
            return HistoryEntry(number, age, *place, summary, outcome, detail)

        made = [
            entry(12, self.ago(minutes=4), "azureml-host from accel-resnet50:1", "applied"),
            entry(11, self.ago(hours=3), "azureml-client from sample-client:1.0", "failed", "the hub refused it (429)"),
            entry(9, self.ago(days=6), "remove shop-counter", "overridden"),
        ]
        return SimpleNamespace(entries=lambda host, device: made)

    @property
    def hub(self) -> Any:
        twin = {
            "deviceId": "databox-edge-1",
            "moduleId": "azureml-client",
            "etag": "AAAAAAAAAAc=",
            "tags": {"plant": 7},
            "properties": {
                "desired": {"wait": 0.5, "suppress": 1, "token": "•••", "$version": 7},
                "reported": {"state": "streaming", "pictures": 1214, "$version": 40},
            },
        }
        return SimpleNamespace(module_twin=lambda device, module: twin)

    def overview(self) -> list[DeviceRow]:
        trouble = state(self.ago)
        findings = diagnose_state(trouble)
        unknown = Liveness("unknown", "no identity has ever connected; not pinged yet", True, LifeSigns(trouble.device))
        doubtful = replace(trouble, liveness=unknown)
        offline = Finding(
            "offline", "error", "offline", "not connected to the hub", "No power or no way out.", "Look at its cable."
        )
        return [
            DeviceRow(trouble.device, trouble, findings["azureml-client"], findings, "", self.ago(seconds=40)),
            DeviceRow(Device("databox-edge-4", False), None, offline, {}, "fleet-2025"),
            DeviceRow(Device("databox-edge-2", False), doubtful, None, {}, "", self.ago(hours=2)),
        ]

    def score(self, device: str, module: str, file: str, repeat: int) -> Score:
        labels = (
            Label("snail", 0.912),
            Label("slug", 0.051),
            Label("conch", 0.012),
            Label("hermit crab", 0.004),
            Label("isopod", 0.001),
        )
        return Score("snail.jpg", "10.1.2.9:50051", labels, (12.1, 12.4, 12.2, 14.9, 12.3))

    def health(self, seconds: float) -> Health:
        senders = (
            Sender("databox-edge-1", "azureml-client", 570, 6, 15.2),
            Sender("databox-edge-2", "azureml-client", 30, 0, 16.0),
        )
        classes = (("golden retriever", 310), ("tabby cat", 204), ("space shuttle", 80))
        kinds = {"result": 594, "unavailable": 6}
        now = Counts(0, 300_000, 600, 594, 6, {50: 14.0, 95: 18.0, 99: 22.0}, classes, 3, kinds, 0.87, senders)
        points = tuple(
            Point(at * 5000, 8 + at % 5, int(at == 30), 14.0, {50: 14.0 + at % 3, 95: 18.0, 99: 22.0 + at % 7})
            for at in range(60)
        )
        return Health(
            now,
            Counts(-300_000, 0, 580, 580, 0, {50: 13.0, 95: 17.0, 99: 19.0}),
            (Change("errors", "6 errors, none before", True),),
            points,
        )


class StillLogs(LogsScreen):
    """Logs that were read."""

    def action_again(self) -> None:
        """Lines of every level."""
        ago: Ago = self.session.ago
        texts = (("the FPGA is being flashed", 6), ("listening on 0.0.0.0:50051", 6), ("slow: 1840 ms", 4), ("socket closed", 3))
        self.view.add([LogLine(text, level, ago(seconds=60 - at)) for at, (text, level) in enumerate(texts * 6)])
        self.say("following · 24 lines · all levels")


def screen_of(name: str, app: Still, ago: Ago) -> Any:
    """A screen over the panes."""
    session = StillSession(ago)
    place = (session, "databox-edge-1")
    before = {"modulesContent": {"$edgeAgent": {"properties.desired": {"modules": {}}}}}
    module = {"type": "docker", "status": "running", "restartPolicy": "always"}
    after = {"modulesContent": {"$edgeAgent": {"properties.desired": {"modules": {"azureml-host": module}}}}}
    options = before["modulesContent"]["$edgeAgent"]
    faults = [
        Fault("hub-slow", "hub", "Every answer of the hub is late."),
        Fault("crash", "agent", "A module crashes.", (("", ""),)),
    ]
    code = DeviceCode("https://microsoft.com/devicelogin", "D7KX3M9QP", datetime(2026, 1, 31, 14, 45, tzinfo=timezone.utc))
    title = "Deploy azureml-host to databox-edge-1"
    return {
        "history": lambda: HistoryScreen(*place),
        "overview": lambda: OverviewScreen(session),
        "health": lambda: HealthScreen(session, "databox-edge-1"),
        "twin": lambda: TwinScreen(*place, "azureml-client"),
        "desired": lambda: DesiredEditor("Desired properties · azureml-client on databox-edge-1", json.dumps(options)),
        "score": lambda: ScoreScreen(*place, "azureml-host"),
        "logs": lambda: StillLogs(*place, "azureml-host"),
        "doctor": lambda: StillDoctor(*place),
        "faults": lambda: FaultsScreen(cast(LabFaults, SimpleNamespace(faults=lambda: faults)), "databox-edge-1", "azureml-host"),
        "rollout": lambda: RolloutScreen(
            Watch(*place[1:], "azureml-host", title, False, lambda: iter(()), list(STEPS), ended=True)
        ),
        "first-run": lambda: NewContext(first=True),
        "trying": lambda: Trying(Draft("edge")),
        "code": lambda: DeviceCodeDialog(code),
        "choose": lambda: Choose(
            "Device",
            [("a", "databox-edge-1", "✓ alive: $edgeHub connected"), ("b", "databox-edge-2", "✗ offline: disabled in the hub")],
        ),
        "confirm": lambda: Confirm(
            "Restart azureml-host",
            "azureml-host on databox-edge-1 stops and starts again.",
            "Restart",
            command="az iot hub invoke-module-method --method-name RestartModule …",
            type_to_confirm="databox-edge-1",
        ),
        "error": lambda: ErrorDialog(REFUSED),
        "module": lambda: ModuleScreen(
            "azureml-client on databox-edge-1",
            lambda: app.main.modules.details_of(app.main.modules.row),
            lambda action: None,
        ),
        "message": lambda: Reader("Message", message_details(messages(ago)[-1])),
        "deploy": lambda: DeployForm(
            WorkspaceImage("", "", 0, "", "", "plant.azurecr.io/accel-resnet50:1"),
            client=False,
            devices=[("databox-edge-1", "databox-edge-1")],
            device="databox-edge-1",
            module="azureml-host",
            presets=[(preset.name, preset.title) for preset in presets() if preset.kind == "host"],
            preset="fpga-host",
        ),
        "diff": lambda: DiffConfirm(
            title,
            diff(before, after),
            ("az iot edge set-modules --hub-name plant-hub --device-id databox-edge-1 --content deployment.json",),
            (("warning", "A deployment at scale has a higher priority."),),
        ),
        "help": lambda: help_dialog(app),
        "palette": lambda: CommandPalette(placeholder="a command or what it does"),
    }[name]()


SCREENS = (
    *("history", "overview", "health", "twin", "desired", "score", "logs", "doctor", "faults", "rollout", "first-run", "trying"),
    *("code", "choose", "confirm", "error", "module", "message", "deploy", "diff", "help", "palette"),
)


@pytest.mark.parametrize(("size", "theme"), [((80, 24), "dark"), ((160, 48), "light")], ids=["80x24-dark", "160x48-light"])
@pytest.mark.parametrize("name", SCREENS)
def test_screen(snap_compare: Any, ago: Ago, name: str, size: tuple[int, int], theme: str) -> None:
    app = Still(theme)

    async def run(pilot: Pilot[None]) -> None:
        await filled(pilot, ago, 2)
        app.push_screen(screen_of(name, app, ago))
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        hold(app)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=run)
