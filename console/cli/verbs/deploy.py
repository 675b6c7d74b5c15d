"""``dbe-console deploy IMAGE``: a host or a client module, by the hub's route or Azure ML's."""

from __future__ import annotations

import argparse
from dataclasses import replace

from console.cli.output import Call
from console.cli.verbs._confirmation import add_change_arguments, ask_secret, device_of, may_change
from console.cli.verbs._deployment import carry_out
from console.cli.verbs._names import ImageName, ModelName, ModuleName, ServiceName
from console.cli.verbs._numbers import whole_number
from console.cli.verbs.options import lines_of, values_of
from console.files import from_here, read_text
from services.contexts.model import SecretSource
from services.contexts.secrets import reveal
from services.deployment.plan import Plan
from services.errors import UsageError
from services.operations.deployer import CLIENT, Deployer
from services.operations.images import find_image
from services.operations.models import make_image
from services.operations.session import Session
from services.records import ClientRequest, DeployRequest, RegistryCredentials, Secret, WorkspaceImage

HELP = "deploy an image as a module"


def add_arguments(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument(
        "--startup-order",
        type=whole_number(0, 2**32 - 1),
        metavar="N",
        help="modules with a lower number start before it",
    )
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
    """Put the request together, then plan, show, confirm, apply."""
    if bool(call.options.image) == bool(call.options.model):
        raise UsageError("Either an image or --model is needed.", remedy="For example: deploy accel-resnet50", code="usage.image")
    context = call.context()
    if not call.options.dry_run or call.options.model:
        may_change(context)
    device = device_of(call, context)
    with call.session() as session:
        request = request_of(call, session, device)

        def planning(deployer: Deployer) -> Plan:
            return deployer.plan(replace(request, credentials=_credentials(call, deployer, request)))

        return carry_out(call, session, planning)


def request_of(call: Call, session: Session, device: str) -> DeployRequest:
    """Return what the options ask for; the image is looked up in the workspace, or made of ``--model``."""
    options = call.options
    image = _image(call, session)
    client = None
    if options.client:
        client = ClientRequest(options.client, options.client_module, options.client_preset, values_of(options.client_set))
    return DeployRequest(
        image,
        device,
        options.module,
        options.preset,
        values_of(options.set),
        _own_options(call),
        options.status,
        options.restart_policy,
        _environment(call),
        options.pull_policy,
        options.startup_order,
        client,
        options.route,
        workspace_credentials=not options.no_registry,
        service=options.service,
        redeploy=options.redeploy,
    )


def _image(call: Call, session: Session) -> WorkspaceImage:
    if not call.options.model:
        image = find_image(session, call.options.image)
        if image.id:
            call.progress(f"{image.name}:{image.version} is {image.location}")
        return image

    return make_image(
        session,
        call.options.model,
        lambda progress: call.progress(progress.text),
        input_node=call.options.input or "",
        output_nodes=call.options.output or (),
    )


def _own_options(call: Call) -> str | None:
    """Return the create options of ``--options``; None where a preset gives them."""
    if not call.options.options:
        return None
    if call.options.preset:
        raise UsageError("--preset and --options exclude each other.", remedy="Keep the one that is meant.", code="usage.options")
    return read_text(call.options.options)


def _environment(call: Call) -> dict[str, str | None]:
    """Return the environment asked for; None removes a variable."""
    environment: dict[str, str | None] = dict(lines_of(call.options.env_file))
    environment.update({name: value or None for name, value in values_of(call.options.env).items()})
    return environment


def _credentials(call: Call, deployer: Deployer, request: DeployRequest) -> tuple[RegistryCredentials, ...]:
    """Return the credentials of ``--registry-user`` for each registry of the request.

    The password is asked for or in a 0600 file.
    """
    user, file = call.options.registry_user, call.options.registry_password_file
    if not user:
        return ()
    servers = deployer.registries(request)
    if len(servers) > 1:  # a password is for the registry that it was meant for, and for no other
        raise UsageError(
            f"The images are of {len(servers)} registries: {', '.join(servers)}; one --registry-user does not say of which.",
            remedy="Deploy the client by a command of its own, with its registry's user.",
            code="usage.registry",
        )
    if not servers:
        return ()
    password = (
        reveal(SecretSource("file", str(from_here(file))))  # of the working folder, not of the contexts
        if file
        else Secret(ask_secret(f"password of {user} at {servers[0]}"))
    )
    return (RegistryCredentials(servers[0], user, password),)
