"""``dbe-console client build|push``: the sample client's image, through a Docker-compatible engine."""

from __future__ import annotations

import argparse
from pathlib import Path

from console.cli.output import Call
from console.cli.verbs._names import ImageName
from console.cli.verbs._workspace import progress_printer, refuse_read_only
from services.contexts.codec import parse_source
from services.contexts.secrets import reveal
from services.errors import UsageError
from services.records import RegistryCredentials
from services.registry import parse_reference
from services.registry.client_image import BASE_PYTHON, build_client
from services.registry.engine import Engine

HELP = "build the sample client's image, or push it to the workspace's registry or another"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    sub = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = sub.add_parser("build", help="build the image")
    build.add_argument("--base", action=ImageName, default="", metavar="IMAGE", help="the base image instead of the Dockerfile's")
    build.add_argument("--python", default="", metavar="X.Y", help="the version of Python in the base image")
    build.add_argument("--packages", type=Path, metavar="DIR", help="a folder of installed packages (pip install --target)")
    push = sub.add_parser("push", help="push the image")
    push.add_argument("--username", default="", help="for another registry than the workspace's")
    push.add_argument("--password", default="", metavar="SOURCE", help="where its password is: env:, file:, command:, keyring:")
    for one in (build, push):
        one.add_argument(
            "--image",
            action=ImageName,
            metavar="REFERENCE",
            default="",
            help="SERVER/NAME:TAG; sample-client:1.0 in the workspace's registry otherwise",
        )
        one.add_argument("--engine", metavar="URL", default="", help="unix://SOCKET or tcp://HOST:PORT; DOCKER_HOST otherwise")
        one.add_argument("--json", action="store_true", help="the result as one JSON object")


def run(call: Call) -> int:
    options = call.options
    pushing = options.action == "push"
    if pushing:
        refuse_read_only(call, "push an image")
    credentials = None
    if pushing and options.username:
        try:
            password = reveal(parse_source(options.password))
        except ValueError as error:
            raise UsageError(
                "--password names where the password is.",
                cause=str(error),
                remedy="For example --password file:PATH, of mode 0600.",
                code="usage.secret-source",
            ) from None
        credentials = RegistryCredentials(parse_reference(options.image).server, options.username, password)
    elif pushing or not options.image:
        with call.session() as session:
            workspace = session.workspace
            credentials = workspace.registry_credentials()
    image = parse_reference(options.image or f"{credentials.server if credentials else ''}/sample-client:1.0")
    if credentials and not credentials.serve(str(image)):
        credentials = None  # the workspace's password is for its own registry alone
    engine = Engine(options.engine)
    try:
        if pushing:
            result = {"image": str(image), "digest": engine.push(image, credentials, progress_printer(call))}
        else:
            python = options.python or BASE_PYTHON
            built = build_client(
                engine, image, progress_printer(call), base=options.base, python=python, packages=options.packages
            )
            result = {"image": str(image), "id": built}
    finally:
        engine.close()
    if call.as_json:
        call.out_json(result)
    else:
        call.out(str(image))
    return 0
