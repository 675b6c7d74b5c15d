"""What an Azure ML workspace holds: images, models, compute targets, services, registry credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.records.secret import Secret


@dataclass(frozen=True, slots=True)
class WorkspaceImage:
    """A container image, of the workspace or of a registry's catalogue.

    ``state`` is creationState as the service says it (Succeeded, Failed, Creating…). One that only the registry knows has no
    ``id``, and a ``tag`` for its version; ``digest`` and ``platforms`` (os/architecture) are the registry's words, too.
    """

    id: str
    name: str
    version: int
    flavour: str  # imageFlavor: AccelContainer, WebApiContainer, …
    state: str
    location: str  # imageLocation: REGISTRY/NAME:TAG
    created: datetime | None = None
    model_ids: tuple[str, ...] = ()
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    tag: str = ""
    digest: str = ""
    platforms: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name that no other image of a list has: its id, NAME:TAG, or where it lies."""
        return self.id or (f"{self.name}:{self.tag}" if self.tag else self.location)

    @property
    def version_text(self) -> str:
        """The version of the workspace, or the tag."""
        return self.tag if self.tag and not self.id else str(self.version)

    @property
    def runs_on(self) -> str:
        """FPGA, CPU, or what the service says; of an image that only the registry knows its processors."""
        if self.accelerated:
            return "FPGA"
        return {"WebApiContainer": "CPU", "": ", ".join(self.platforms)}.get(self.flavour, self.flavour)

    @property
    def accelerated(self) -> bool:
        """Whether it serves gRPC from an FPGA."""
        return self.flavour.startswith("Accel")

    @property
    def deployable(self) -> bool:
        """Whether its build succeeded."""
        return self.state == "Succeeded"


@dataclass(frozen=True, slots=True)
class WorkspaceModel:
    """A registered model.

    ``parent_id`` names the model that it was converted from; ``converted_id`` the accelerated one made from it. Both are known by
    the v1 service alone (``conversions_known``).
    """

    id: str
    name: str
    version: int
    framework: str = ""
    created: datetime | None = None
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    parent_id: str = ""
    converted_id: str = ""
    conversions_known: bool = True


@dataclass(frozen=True, slots=True)
class WorkspaceCompute:
    """A compute target; for an attached IoT Hub ``resource_id`` is the hub's ARM id."""

    name: str
    kind: str
    state: str
    resource_id: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class EdgeService:
    """An IotWebservice."""

    name: str
    state: str
    compute_name: str = ""
    device_id: str = ""
    image_id: str = ""
    modules: tuple[str, ...] = ()
    created: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class RegistryCredentials:
    """How to sign in to a container registry."""

    server: str
    username: str
    password: Secret

    def serve(self, image: str) -> bool:
        """Return whether ``image`` lies in this registry: names of servers know no letter case."""
        return image.partition("/")[0].lower() == self.server.lower()


@dataclass(frozen=True, slots=True)
class ImagePacking:
    """What an image made of a model is called, and the tensors that a conversion keeps."""

    name: str
    input: str
    outputs: tuple[str, ...]
