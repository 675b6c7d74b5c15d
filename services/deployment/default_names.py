"""The names that modules get where the operator gives none, in one place for screen and verbs."""

from __future__ import annotations

from services.errors import UsageError
from services.records import Preset, WorkspaceImage

HOST = "azureml-host"  # the sample's own names for its two modules
CLIENT = "azureml-client"
CLIENT_IMAGE = "sample-client:1.0"  # where the client's image is looked for in the workspace's registry


def default_module(image: WorkspaceImage | None, preset: Preset | None, *, own_options: bool = False) -> str:
    """Return the module's name by what is deployed; empty where only the operator can say it.

    Of an image that is not of the workspace nothing tells what it is, and create options of one's own may make anything of any:
    neither may take the FPGA host's place because nobody named it. A CPU image goes by its own name.
    """
    if own_options:
        return ""
    if preset is not None and preset.kind == "client":
        return CLIENT
    if image is not None and image.flavour:
        return HOST if image.accelerated else image.name
    return HOST if preset is not None and preset.kind == "host" else ""


def module_for(name: str | None, image: WorkspaceImage, preset: Preset | None, *, own_options: bool = False) -> str:
    """Return the name given, else the default one; UsageError where there is none."""
    module = name or default_module(image, preset, own_options=own_options)
    if not module:
        raise UsageError(
            "The module needs a name.",
            cause="With create options of one's own, an image may be any module."
            if own_options
            else f"{image.location} is not of the workspace: nothing tells whether it is a host, a client or another module.",
            remedy="Name it: --module NAME; azureml-host is the FPGA's host, which it would replace.",
            code="usage.module",
        )
    return module
