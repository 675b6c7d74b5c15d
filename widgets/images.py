"""The images pane; ``m`` toggles to the models and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from services.text import counted
from services.times import age
from widgets.pane import Pane
from widgets.table import Cell, Column, Table

if TYPE_CHECKING:
    from services.records import WorkspaceImage, WorkspaceModel
    from widgets.symbols import Role

IMAGE_STATES: dict[str, tuple[str, Role]] = {
    "succeeded": ("✓ ready", "good"),
    "failed": ("✗ failed", "bad"),
    "creating": ("▸ building", "accent"),
    "running": ("▸ building", "accent"),
    "notstarted": ("· queued", "dim"),
}


def image_state(image: WorkspaceImage) -> Cell:
    """Sign and word of a build."""
    return IMAGE_STATES.get(image.state.lower(), (f"? {image.state}", "warn"))


def model_state(model: WorkspaceModel) -> Cell:
    """Return whether an accelerated model was made from it."""
    if model.parent_id:
        return "✓ accelerated", "good"
    if not model.conversions_known:
        return "· registered", "dim"
    return ("✓ converted", "good") if model.converted_id else ("· not converted", "dim")


IMAGES: tuple[Column[WorkspaceImage], ...] = (
    Column("STATE", image_state, order=lambda image: image.state),
    Column("NAME", lambda image: (image.name, "strong"), grow=2, order=lambda image: image.name.lower()),
    Column("VER", lambda image: (image.version_text, "plain"), right=True),
    Column("RUNS ON", lambda image: (image.runs_on, "plain"), spare=True),
    Column(
        "AGE",
        lambda image: (age(image.created), "dim"),
        right=True,
        order=lambda image: -(image.created.timestamp() if image.created else 0),
    ),
    Column("MODELS", lambda image: (", ".join(image.model_ids) or "—", "dim"), grow=2, spare=True),
    Column("LOCATION", lambda image: (image.location or "—", "dim"), grow=3, spare=True, keep_end=True),
)
MODELS: tuple[Column[WorkspaceModel], ...] = (
    Column("STATE", model_state, order=lambda model: model_state(model)[0]),
    Column("NAME", lambda model: (model.name, "strong"), grow=2, order=lambda model: model.name.lower()),
    Column("VER", lambda model: (str(model.version), "plain"), right=True),
    Column("FRAMEWORK", lambda model: (model.framework or "—", "dim"), grow=1, spare=True),
    Column(
        "AGE",
        lambda model: (age(model.created), "dim"),
        right=True,
        spare=True,
        order=lambda model: -(model.created.timestamp() if model.created else 0),
    ),
)


class ImagesPane(Pane):
    """Images of the workspace, and its models."""

    NUMBER = 1
    NAME = "Images"
    HELP = """Container images of the Azure ML workspace and of the registry. An image that is ✓ ready can be deployed to a device: Enter asks for the
device, the module's name and a preset of create options. FPGA images answer over gRPC on port 50051, CPU images over HTTP.

m shows the workspace's models instead; there, Enter makes an image of a model: it is converted for the FPGA where it is not yet."""

    class Highlighted(Message):
        """The cursor stands on another image or model."""

        def __init__(self, image: WorkspaceImage | None, model: WorkspaceModel | None) -> None:
            super().__init__()
            self.image = image
            self.model = model

    def compose_content(self) -> ComposeResult:
        with ContentSwitcher(initial="image-table") as switcher:
            switcher.styles.height = "1fr"
            yield Table(
                IMAGES,
                lambda image: image.key,
                lambda image: f"{image.name} {image.state} {image.location} {image.runs_on}",
                id="image-table",
            )
            yield Table(
                MODELS,
                lambda model: model.id,
                lambda model: f"{model.name} {model_state(model)[0]} {model.framework}",
                id="model-table",
            )
        self.switcher = switcher

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.showing: Literal["images", "models"] = "images"
        self.images: Sequence[WorkspaceImage] | None = None
        self.models: Sequence[WorkspaceModel] | None = None
        self._notes: dict[str, Sequence[str]] = {}

    @property
    def table(self) -> Table[WorkspaceImage] | Table[WorkspaceModel]:
        """The table that is seen."""
        return self.query_one("#image-table" if self.showing == "images" else "#model-table", Table)

    @property
    def image(self) -> WorkspaceImage | None:
        """The image under the cursor."""
        return self.query_one("#image-table", Table).current if self.showing == "images" else None

    @property
    def model(self) -> WorkspaceModel | None:
        """The model under the cursor."""
        return self.query_one("#model-table", Table).current if self.showing == "models" else None

    def show_images(self, images: Sequence[WorkspaceImage], notes: Sequence[str] = ()) -> None:
        """Show images; ``notes`` say what a source did not give."""
        self.images, self._notes["images"] = images, notes
        # What can be deployed first, the FPGA's before the CPU's.
        order = sorted(images, key=lambda image: (not image.deployable, not image.accelerated))
        self.query_one("#image-table", Table).show(order)
        if self.showing == "images":
            self._appear()

    def show_models(self, models: Sequence[WorkspaceModel], notes: Sequence[str] = ()) -> None:
        """Show models; ``notes`` say what a source did not give."""
        self.models, self._notes["models"] = models, notes
        self.query_one("#model-table", Table).show(models)
        if self.showing == "models":
            self._appear()

    def _appear(self) -> None:
        """Show content or emptiness, by what is shown."""
        if self.showing == "images" and self.images is not None:
            if not self.images:
                self.empty(
                    "Workspace and registry hold no images.", "m shows the models: an image is made from a converted model."
                )
                return
            self.ready()
            self._say_notes()
            ready = sum(image.deployable for image in self.images)
            self.say(f"{ready} of {len(self.images)} ready", "dim")
        elif self.showing == "models" and self.models is not None:
            if not self.models:
                self.empty("The workspace holds no models.", "Register one with azureml-core's Model.register, then press r.")
                return
            self.ready()
            self._say_notes()
            self.say(counted(len(self.models), "model"), "dim")

    def _say_notes(self) -> None:
        """Say in a line above the rows what a source did not give."""
        notes = self._notes.get(self.showing, ())
        if notes:
            self.remark("! " + notes[0] + (f" (+{len(notes) - 1}; images --json has all)" if len(notes) > 1 else ""))

    def action_models(self) -> None:
        self._switch_to("models")

    def action_images(self) -> None:
        self._switch_to("images")

    def _switch_to(self, what: Literal["images", "models"]) -> None:
        self.showing = what
        self.switcher.current = "image-table" if self.showing == "images" else "model-table"
        self.border_title = f"{self.NUMBER} {self.showing.capitalize()}"
        if (self.images if self.showing == "images" else self.models) is None:
            self.look = "loading"
            self.waiting(f"Reading {self.showing} of the workspace")
            self.post_message(self.Reload(self))
        else:
            self._appear()
        self.restore_filter(self.table.filter)
        self.focus_content()
        self.refresh_bindings()

    def content(self) -> Widget:
        return self.table.rows

    def needed_height(self) -> int | None:
        return self.table.needed_height(self) if self.look == "ready" else None

    def filtered(self, text: str) -> None:
        self.table.set_filter(text)

    def action_sort(self) -> None:
        """Take the next order."""
        self.notify(f"{self.showing} sorted: {self.table.next_sort()}", timeout=2)

    def on_table_highlighted(self, event: Table.Highlighted) -> None:
        event.stop()
        self.post_message(self.Highlighted(self.image, self.model))
