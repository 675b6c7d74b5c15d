"""What an operator asks to be deployed where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.records.workspace import RegistryCredentials, WorkspaceImage

DiffSign = Literal["-", "+", " ", "@"]


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a difference: removed, added, unchanged around them, or the heading of a gap."""

    sign: DiffSign
    text: str


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A client to be deployed beside its host.

    ``image`` is NAME:TAG in the workspace's registry, or REGISTRY/NAME:TAG; ``values`` are fields of the preset. What is empty
    gets the sample's own image and name, and the preset that fits the host's image.
    """

    image: str = ""
    module: str = ""
    preset: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """An image to be deployed as a module. What is empty or None is decided by ``services.operations.deployer``.

    ``image`` of no workspace has a name and a location alone. ``options`` are create options as JSON text, in the place of what
    ``preset`` with its ``values`` gives. ``status``: what the module shall be then; None leaves it as it is. A None value in
    ``env`` removes the variable. ``credentials`` are given for their registries; for other registries the workspace's own are
    used, unless ``workspace_credentials`` is False. ``service`` and ``redeploy`` are for Azure ML's route alone; ``redeploy`` None
    asks with the plan.
    """

    image: WorkspaceImage
    device: str
    module: str = ""
    preset: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    options: str | None = None
    status: str | None = "running"
    restart_policy: str | None = None
    env: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    pull_policy: str | None = None
    startup_order: int | None = None
    client: ClientRequest | None = None
    route: str = "hub"
    credentials: tuple[RegistryCredentials, ...] = ()
    workspace_credentials: bool = True
    service: str = ""
    redeploy: bool | None = None
