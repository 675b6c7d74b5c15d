"""Images and models of the workspace: read, looked at, deployed, converted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.timer import Timer

from console.background import for_dialog, go, in_thread
from console.owner import main_of
from services.errors import OperatorError
from services.operations.session import Session
from services.records import WorkspaceImage
from widgets.details import image_details, model_details
from widgets.dialogs import Reader
from widgets.images import ImagesPane
from widgets.pane import Pane

if TYPE_CHECKING:
    from console.owner import MainScreen


class Images(ImagesPane):
    """The images pane at work."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.session: Session | None = None
        self._timer: Timer | None = None

    @property
    def main(self) -> MainScreen:
        """The screen it stands on."""
        return main_of(self)

    def begin(self, session: Session) -> None:
        """Read the workspace now, and again every few minutes."""
        self.session = session
        self.read()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_interval(session.context.limits.images_every, self.read)

    @on(Pane.Reload)
    def read(self) -> None:
        """Read what is shown, images or models."""
        if self.session is not None:
            go(self, self._read(self.session, self.showing), "read")

    async def _read(self, session: Session, what: str) -> None:
        if self.look != "ready":
            self.waiting(f"Reading {what} of the workspace")
        try:
            if what == "images":
                self.show_images(await in_thread(lambda: session.workspace.images()))
            else:
                self.show_models(await in_thread(lambda: session.workspace.models()))
        except OperatorError as error:
            self.failed(error)

    @on(ImagesPane.Highlighted)
    def _highlighted(self, event: ImagesPane.Highlighted) -> None:
        if self.main.current is self:
            self.action_panel()

    def action_panel(self) -> None:
        """Details of the image or model under the cursor."""
        if self.image is not None:
            self.main.show_details(image_details(self.image))
        elif self.model is not None:
            self.main.show_details(model_details(self.model))

    @on(ImagesPane.Ask)
    def _asked(self, event: ImagesPane.Ask) -> None:
        from console.jobs import deploy, models

        image, model, session = event.image, event.model, self.session
        if session is None:
            return
        if event.what == "client":
            go(self.app, deploy.deploy_client(self.main, session), "deploy")
        elif image is not None and event.what == "deploy":
            go(self.app, deploy.deploy_image(self.main, session, image), "deploy")
        elif image is not None and event.what == "details":
            self.app.push_screen(Reader("Image", image_details(image), wide=False))
        elif image is not None and event.what == "build-log":
            go(self, self._build_log(session, image), "log")
        elif image is not None and event.what == "yank":
            self.app.copy_to_clipboard(image.location)
            self.notify(f"{image.location} sent to the terminal's clipboard", timeout=3)
        elif model is not None and event.what == "convert":
            go(self.app, models.make_image(self.main, session, model), "convert")
        elif model is not None and event.what == "details":
            self.app.push_screen(Reader("Model", model_details(model), wide=False))

    async def _build_log(self, session: Session, image: WorkspaceImage) -> None:
        self.notify("reading the build log", timeout=2)
        text = await for_dialog(self, session.workspace.build_log, image)
        self.app.push_screen(Reader(f"Build log of {image.name}:{image.version}", text))
