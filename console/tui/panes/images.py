"""Images and models of the workspace: read, looked at, deployed, converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.timer import Timer

from console.tui.actions import ACTIONS, Action, bindings
from console.tui.background import for_dialog, go, in_thread
from console.tui.panes.pane_scope import PaneScope
from services.errors import OperatorError
from services.records import WorkspaceImage, WorkspaceModel
from widgets.copy import Copy
from widgets.details import image_details, model_details
from widgets.dialogs import Reader
from widgets.images import ImagesPane
from widgets.pane import Pane
from widgets.table import Table

if TYPE_CHECKING:
    from services.operations.session import Session


class Images(PaneScope, ImagesPane):
    """The images pane at work."""

    SCOPES = ("workspace", "images", "models", "pane")
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.session: Session | None = None
        self._timer: Timer | None = None

    def begin(self, session: Session) -> None:
        """Read workspace and registry now, and again every few minutes."""
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
            self.waiting(f"Reading {what}")
        try:
            if what == "images":
                images = await in_thread(lambda: session.sources.images())
                self.show_images(images.items, images.headlines)
            else:
                models = await in_thread(lambda: session.sources.models())
                self.show_models(models.items, models.headlines)
        except OperatorError as error:
            self.failed(error)

    @on(ImagesPane.Highlighted)
    def _highlighted(self, event: ImagesPane.Highlighted) -> None:
        if self.main.current is self:
            self.action_panel()

    def action_panel(self) -> None:
        if self.image is not None:
            self.main.show_details(image_details(self.image))
        elif self.model is not None:
            self.main.show_details(model_details(self.model))

    def offers(self, action: Action) -> bool | None:
        """Offer for a model only what can be done with one."""
        if action.scope in ("images", "models") and action.scope != self.showing:
            return False
        return super().offers(action)

    def row_word(self) -> str:
        return self.showing.removesuffix("s")

    def current_row(self) -> WorkspaceImage | WorkspaceModel | None:
        """Return the image or model under the cursor."""
        return self.image or self.model

    def go_to_row(self, name: str) -> bool:
        """Put the cursor on the image of a name or ID."""
        return self.table.go_to(next((image.key for image in self.images or () if name in (image.key, image.name)), name))

    def row_names(self) -> list[str]:
        """Return the names of the images."""
        return [image.key for image in self.images or ()]

    def prepare(self, action: Action) -> None:
        """Show images for what is done with an image."""
        if action.scope == "images" and action.needs_row:
            self.action_images()

    @on(Table.Chosen)
    def _on_row_chosen(self, event: Table.Chosen) -> None:
        """Enter deploys, or makes an image; where nothing may change it shows details."""
        event.stop()
        changing = ACTIONS["images.deploy" if self.showing == "images" else "models.make-image"]
        self.act(changing.id if self.offers(changing) else "images.details")

    def action_deploy(self, image: WorkspaceImage) -> None:
        """Deploy the image."""
        from console.tui.flows import deploy

        if self.session is not None:
            go(self.app, deploy.deploy_image(self.main, self.session, image), "deploy")

    def action_make_image(self, model: WorkspaceModel) -> None:
        """Make an image of the model, converted where it is not yet."""
        from console.tui.flows import models

        if self.session is not None:
            go(self.app, models.make_image(self.main, self.session, model), "convert")

    def action_client(self) -> None:
        """Deploy the client module."""
        from console.tui.flows import deploy

        if self.session is not None:
            go(self.app, deploy.deploy_client(self.main, self.session), "deploy")

    def action_details(self, row: WorkspaceImage | WorkspaceModel) -> None:
        """Show all that is known of it."""
        if isinstance(row, WorkspaceImage):
            self.app.push_screen(Reader("Image", image_details(row), wide=False))
        else:
            self.app.push_screen(Reader("Model", model_details(row), wide=False))

    def action_build_log(self, image: WorkspaceImage) -> None:
        """Show the image's build log."""
        if not image.id:
            self.notify("a registry keeps no build logs", timeout=4)
        elif self.session is not None:
            go(self, self._build_log(self.session, image), "log")

    def action_yank(self, image: WorkspaceImage) -> None:
        """Copy the image's location."""
        self.post_message(Copy(image.location, image.location))

    async def _build_log(self, session: Session, image: WorkspaceImage) -> None:
        self.notify("reading the build log", timeout=2)
        text = await for_dialog(self, session.workspace.build_log, image)
        self.app.push_screen(Reader(f"Build log of {image.name}:{image.version}", text))
