"""``dbe-console deploy IMAGE``: a host or a client module, by the hub's route or Azure ML's."""

from __future__ import annotations

import argparse
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from console.call import Call
from console.verbs._asked_for import client_location, client_options, create_options, environment, located
from console.verbs._names import ImageName, ModelName, ModuleName, ServiceName

if TYPE_CHECKING:
    from services.deployment.changes import Change
    from services.deployment.presets import Preset
    from services.records import RegistryCredentials, WorkspaceImage
    from services.workspace.client import Workspace

HELP = "deploy an image as a module"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IMAGE and what goes with it."""
    from console.verbs._confirming import add_change_arguments
    from services.deployment.default_names import CLIENT

    parser.add_argument(
        "image", nargs="?", action=ImageName, default=None, help="a workspace image (NAME or NAME:VERSION), or REGISTRY/NAME:TAG"
    )
    parser.add_argument(
        "--model",
        action=ModelName,
        default="",
        metavar="ID",
        help="instead of IMAGE: a registered model; it is converted and packed where needed",
    )
    parser.add_argument("--input", metavar="TENSOR", help="the model's input, where it is converted")
    parser.add_argument("--output", metavar="TENSOR", action="append", help="an output of the model, where it is converted")
    parser.add_argument(
        "--module",
        action=ModuleName,
        default="",
        help="the module's name; needed with --options and for images of no workspace (default azureml-host; azureml-client for "
        "a client preset; a CPU image's own name)",
    )
    parser.add_argument("--preset", default="", help="create options by a preset: dbe-console options list")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="a field of the preset")
    parser.add_argument("--options", default="", metavar="FILE", help="create options from a file (- is standard input)")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="an environment variable; NAME= removes it"
    )
    parser.add_argument("--env-file", default="", metavar="FILE", help="environment variables with secrets, NAME=VALUE a line")
    parser.add_argument("--status", choices=("running", "stopped"), default="running", help="default: running")
    parser.add_argument(
        "--restart-policy", choices=("never", "on-failure", "on-unhealthy", "always"), help="when the edge agent starts it again"
    )
    parser.add_argument("--pull-policy", choices=("on-create", "never"), help="when the edge agent pulls the image")
    parser.add_argument("--startup-order", type=int, metavar="N", help="modules with a lower number start before it")
    parser.add_argument(
        "--client",
        action=ImageName,
        default="",
        metavar="IMAGE",
        help="deploy this client image beside the host: REGISTRY/NAME:TAG, or NAME:TAG in the workspace's registry",
    )
    parser.add_argument(
        "--client-module",
        action=ModuleName,
        default=CLIENT,
        metavar="NAME",
        help="the client module's name (default: azureml-client)",
    )
    parser.add_argument("--client-preset", default="", metavar="PRESET", help="without it the one that the image's name tells")
    parser.add_argument(
        "--client-set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="a field of the client's preset: wait=0, suppress=on …",
    )
    parser.add_argument("--registry-user", default="", help="who signs in to the image's registry; the password is asked for")
    parser.add_argument("--registry-password-file", default="", metavar="FILE", help="the password, in a file of mode 0600")
    parser.add_argument("--no-registry", action="store_true", help="take no credentials from the workspace")
    parser.add_argument("--route", choices=("hub", "azureml"), default="hub", help="who sets the deployment (default: hub)")
    parser.add_argument(
        "--service", action=ServiceName, default="", help="the service's name on Azure ML's route (default: the module's)"
    )
    parser.add_argument("--redeploy", action="store_true", help="on Azure ML's route: delete a service of that name first")
    add_change_arguments(parser)


def run(call: Call) -> int:
    """Put the changes together, plan, show, confirm, apply."""
    from console.verbs._confirming import device_of, may_change
    from console.verbs._deploying import carry_out
    from services.deployment.hub_route import plan
    from services.errors import UsageError
    from services.hub.client import Hub
    from services.workspace.client import Workspace

    if bool(call.options.image) == bool(call.options.model):
        raise UsageError("Either an image or --model is needed.", remedy="For example: deploy accel-resnet50", code="usage.image")
    context = call.context()
    if not call.options.dry_run or call.options.model:
        may_change(context)
    device = device_of(call, context)
    with ExitStack() as held:
        # Its process starts with the first call.
        workspace = held.enter_context(closing(Workspace(context))) if context.workspace else None
        if call.options.route == "azureml":
            from console.verbs._deploying_azureml import deploy_by_azureml

            return deploy_by_azureml(call, context, device, workspace)
        changes, modules = changes_of(call, workspace)
    hub = Hub.open(context)
    return carry_out(call, context, hub, plan(hub, device, changes), modules)


def changes_of(call: Call, workspace: Workspace | None) -> tuple[list[Change], list[str]]:
    """What is to be changed, and the modules to be watched."""
    from services.deployment.changes import SendUpstream, SetModule, SetRegistry
    from services.deployment.default_names import module_for

    options = call.options
    image = located(call, workspace)
    chosen = _preset(call, image)
    name = module_for(options.module, image, chosen, own_options=bool(options.options))
    changes: list[Change] = [
        SetModule(
            name,
            image=image.location,
            create_options=create_options(call, chosen),
            status=options.status,
            restart_policy=options.restart_policy,
            env=environment(call),
            pull_policy=options.pull_policy,
            startup_order=options.startup_order,
        )
    ]
    if chosen and chosen.kind == "client":
        changes.append(SendUpstream(name))
    modules, images = [name], [image.location]
    if options.client:
        client = client_location(options.client, workspace)
        text = client_options(call, image, name)
        changes += [
            SetModule(options.client_module, image=client, create_options=text, status=options.status),
            SendUpstream(options.client_module),
        ]
        modules.append(options.client_module)
        images.append(client)
    changes += [SetRegistry(credentials) for credentials in _credentials(call, workspace, images)]
    return changes, modules


def _credentials(call: Call, workspace: Workspace | None, images: list[str]) -> list[RegistryCredentials]:
    by_server = {image.partition("/")[0].lower(): image for image in images}
    found = [_registry(call, workspace, image) for image in by_server.values()]
    return [credentials for credentials in found if credentials is not None]


def _registry(call: Call, workspace: Workspace | None, image: str) -> RegistryCredentials | None:
    """Credentials for the registry of ``image``: given (``--registry-user``, the password asked for or in a 0600 file), else
    the workspace's own where the image is of its registry, else none."""
    from console.files import from_here
    from console.verbs._confirming import ask_secret
    from services.contexts.model import SecretSource
    from services.contexts.secrets import reveal
    from services.records import RegistryCredentials, Secret

    server = image.partition("/")[0]
    if "." not in server and ":" not in server:
        return None
    if call.options.registry_user:
        file = call.options.registry_password_file
        password = (
            reveal(SecretSource("file", str(from_here(file))))  # of the working folder, not of the contexts
            if file
            else Secret(ask_secret(f"password of {call.options.registry_user} at {server}"))
        )
        return RegistryCredentials(server, call.options.registry_user, password)
    if workspace is None or call.options.no_registry:
        return None
    found = workspace.registry_credentials()
    return found if found.serve(image) else None


def _preset(call: Call, image: WorkspaceImage) -> Preset | None:
    """The preset asked for; an accelerated image without one gets the FPGA host's, one for CPU the CPU host's."""
    from services.deployment.presets import preset

    if call.options.preset:
        return preset(call.options.preset)
    if call.options.options or not image.flavour:
        return None
    return preset("fpga-host" if image.accelerated else "cpu-host-80")
