"""What is to be deployed where: the first step of a deployment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Label, Select, Static

from services.records import ClientRequest, DeployRequest, WorkspaceImage
from widgets.dialogs import Dialog
from widgets.footer import KeyLine
from widgets.symbols import STYLES, drawn


class DeployForm(Dialog[DeployRequest | None]):
    """Device, module name, preset; for the client the host module too. Enter goes on to the create options."""

    DEFAULT_CSS = """
    DeployForm {
        .line { height: 1; margin: 1 0 0 0; }
        .line Label { width: 14; padding: 0 1; color: $dim; }
        .line Select { width: 1fr; }
        .line Input { width: 1fr; margin: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f8", "go", "Go on to create options", id="deploy-form.go", priority=True)]

    def __init__(
        self,
        image: WorkspaceImage,
        *,
        client: bool,
        devices: Sequence[tuple[str, str]],
        device: str,
        module: str,
        presets: Sequence[tuple[str, str]],
        preset: str,
        hosts: Sequence[str] = (),
        no_azureml: str = "",
        clients: Sequence[tuple[str, str]] = (),
        beside: str = "",
    ) -> None:
        super().__init__("Deploy the client" if client else "Deploy an image")
        self.no_azureml = no_azureml
        self.clients = clients
        self.beside = beside
        self.image = image
        self.client = client
        self.devices = devices
        self.device = device
        self.module = module
        self.presets = presets
        self.preset = preset
        self.hosts = hosts

    def compose_content(self) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Label("image")
            yield Input(self.image.location, id="image", compact=True, disabled=not self.client)
        with Horizontal(classes="line"):
            yield Label("device")
            yield Select(
                [(Content(drawn(text)), name) for name, text in self.devices],
                value=self.device,
                allow_blank=False,
                compact=True,
                id="device",
            )
        with Horizontal(classes="line"):
            yield Label("module name")
            yield Input(self.module, id="module", compact=True)
        with Horizontal(classes="line"):
            yield Label("preset")
            yield Select(
                [(Content(title), name) for name, title in self.presets],
                value=self.preset,
                allow_blank=False,
                compact=True,
                id="preset",
            )
        if self.client:
            with Horizontal(classes="line"):
                yield Label("asks host")
                if self.hosts:
                    yield Select(
                        [(host, host) for host in self.hosts], value=self.hosts[0], allow_blank=False, compact=True, id="host"
                    )
                else:
                    yield Input("azureml-host", id="host", compact=True)
        if self.image.id:
            routes = [("IoT Hub: merged into the device's deployment", "hub")]
            routes += [] if self.no_azureml else [("Azure ML: as a service of the workspace", "azureml")]
            with Horizontal(classes="line"):
                yield Label("route")
                yield Select(routes, value="hub", allow_blank=False, compact=True, id="route", disabled=bool(self.no_azureml))
            if self.no_azureml:
                yield Static(Content.assemble((f"Azure ML's route: {self.no_azureml}", STYLES["dim"])), classes="text")
            with Horizontal(classes="line", id="beside-line"):
                yield Label("with client")
                yield Select(
                    [("none", ""), *((Content(title), name) for name, title in self.clients)],
                    value="",
                    allow_blank=False,
                    compact=True,
                    id="beside",
                )
        yield Static("", classes="text", id="hint")
        with Horizontal(classes="buttons"):
            yield Button("Cancel", id="cancel", compact=True)
            yield Button(drawn("Create options…"), id="go", variant="primary", compact=True)
        yield KeyLine()

    def on_mount(self) -> None:
        """Rest on going on: nothing is sent yet."""
        self.query_one("#go" if self.module else "#module").focus()
        about = "" if self.module else "Nothing tells what this image is: give its module a name. "
        self._say(f"{about}Nothing is sent yet: the create options come next, then the diff.")
        if self.image.id:
            self.query_one("#beside-line").display = False

    @on(Select.Changed, "#route")
    def _route(self, event: Select.Changed) -> None:
        azureml = event.value == "azureml"
        self.query_one("#beside-line").display = azureml
        self.query_one("#beside", Select).value = self.beside if azureml else ""

    def _say(self, text: str, style: str = STYLES["dim"]) -> None:
        self.query_one("#hint", Static).update(Content.assemble((text, style)))

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#go")
    @on(Input.Submitted)
    def _go(self) -> None:
        self.action_go()

    def action_go(self) -> None:
        module = self.query_one("#module", Input).value.strip()
        if not module or not all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in module):
            self._say("✗ A module's name is made of letters, digits, - and _.", STYLES["bad"])
            self.query_one("#module").focus()
            return
        image = self.query_one("#image", Input).value.strip()
        if not image:
            self._say("✗ An image is needed: REGISTRY/NAME:TAG.", STYLES["bad"])
            self.query_one("#image").focus()
            return
        of_workspace = bool(self.image.id)
        beside = self._selection("beside") if of_workspace else ""
        self.dismiss(
            DeployRequest(
                self.image if image == self.image.location else replace(self.image, id="", location=image),
                self._selection("device"),
                module,
                self._selection("preset"),
                {"host": self._host()} if self.client else {},
                client=ClientRequest("", "", beside) if beside else None,
                route=self._selection("route") if of_workspace else "hub",
            )
        )

    def _host(self) -> str:
        """Return the module that the client asks, chosen or typed."""
        widget = self.query_one("#host")
        return str(widget.value).strip() if isinstance(widget, (Select, Input)) else ""

    def _selection(self, name: str) -> str:
        return str(self.query_one(f"#{name}", Select).value)
