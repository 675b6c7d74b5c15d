"""What a deployment's options ask for, the same on the hub's route and on Azure ML's: image, module, create options, environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.call import Call

if TYPE_CHECKING:
    from services.deployment.presets import Preset
    from services.records import WorkspaceImage
    from services.workspace.client import Workspace


def client_location(image: str, workspace: Workspace | None) -> str:
    """Where the client's image lies; one without a registry is in the workspace's."""
    if "/" in image or workspace is None:
        return image
    return f"{workspace.registry_credentials().server}/{image}"


def client_options(call: Call, image: WorkspaceImage, host: str) -> str:
    """The client's create options, by the preset asked for or the one that fits the host's image."""
    from console.verbs.options import values_of
    from services.deployment.presets import client_for, preset

    name = call.options.client_preset or client_for(f"{image.name} {' '.join(image.model_ids)}")
    return preset(name).render({"host": host, **values_of(call.options.client_set)})


def located(call: Call, workspace: Workspace | None) -> WorkspaceImage:
    """The image asked for: what has a slash is a location already, else it is looked up in the workspace, or made of --model."""
    from services.errors import OperatorError, UsageError
    from services.records import WorkspaceImage

    image = call.options.image
    if "/" in image:
        name = image.rpartition("/")[2].partition(":")[0]
        return WorkspaceImage("", name, 0, "", "Succeeded", image)
    if workspace is None:
        raise UsageError(
            "The context names no Azure ML workspace.", remedy="Give the image as REGISTRY/NAME:TAG.", code="usage.workspace"
        )
    if call.options.model:
        from services.workspace.making import image_from_model

        return image_from_model(
            workspace,
            call.options.model,
            lambda told: call.progress(told.text),
            input_node=call.options.input or "",
            output_nodes=call.options.output or (),
        )
    images = workspace.images()
    name, _, version = image.partition(":")
    known = [item for item in images if item.name == name and version in ("", str(item.version))]
    if not known:
        raise OperatorError(
            f"The workspace has no image {image}.",
            cause=f"It has {', '.join(f'{item.name}:{item.version}' for item in images[:12]) or 'none'}.",
            remedy="Choose one, or give another registry's or a client's image as REGISTRY/NAME:TAG.",
            code="image.unknown",
        )
    newest = max(known, key=lambda item: (item.deployable, item.version))
    if not newest.deployable:
        failed = newest.state == "Failed"
        raise OperatorError(
            f"{newest.name}:{newest.version} cannot be deployed: its build is {newest.state}.",
            cause=newest.error or "Only an image whose build has succeeded is in the registry.",
            remedy=f"Read why: dbe-console images --log {newest.id}" if failed else "Wait until it is built: dbe-console images.",
            code="image.state",
        )
    call.progress(f"{newest.name}:{newest.version} is {newest.location}")
    return newest


def create_options(call: Call, chosen: Preset | None) -> str | None:
    """The create options' text; None keeps those that the module has."""
    from console.files import read_text
    from console.verbs.options import values_of
    from services.errors import UsageError

    if call.options.options:
        if call.options.preset:
            raise UsageError(
                "--preset and --options exclude each other.", remedy="Keep the one that is meant.", code="usage.options"
            )
        return read_text(call.options.options)
    return chosen.render(values_of(call.options.set)) if chosen else None


def environment(call: Call) -> dict[str, str | None]:
    """The environment asked for; None removes a variable."""
    from console.verbs.options import lines_of, values_of

    found: dict[str, str | None] = dict(lines_of(call.options.env_file))
    found.update({name: value or None for name, value in values_of(call.options.env).items()})
    return found
