"""``dbe-console images``: the images of workspace and registry; one can be made from a model, and a build's log read."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from console.cli.output import Call
from console.cli.verbs._confirmation import confirmed
from console.cli.verbs._names import ImageName, ModelName
from console.cli.verbs._workspace import conversion_options, progress_printer, refuse_read_only
from services.errors import UsageError
from services.records import WorkspaceImage

HELP = "list the images of workspace and registry, show one's build log, or make one from a model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON list")
    parser.add_argument(
        "--cancel",
        action="store_true",
        help="what was begun here and left: wait for it and delete it, since Azure ML stops nothing",
    )
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    parser.add_argument(
        "--log", action=ImageName, metavar="IMAGE", help="print the build log of an image (NAME, or NAME:VERSION)"
    )
    parser.add_argument(
        "--create", action=ImageName, metavar="NAME", help="make an accelerated image of --model; converts it first where needed"
    )
    parser.add_argument(
        "--model", metavar="ID", action=ModelName, default=[], help="the model for --create (NAME, or NAME:VERSION)"
    )
    parser.add_argument("--input", metavar="TENSOR", help="the model's input, where it is converted")
    parser.add_argument("--output", metavar="TENSOR", action="append", help="an output of the model, where it is converted")


def run(call: Call) -> int:
    options = call.options
    if bool(options.create) != bool(options.model):
        raise UsageError("--create and --model belong together.", remedy="Give both.", code="usage.create")
    with call.session() as session:
        if not (options.log or options.create or options.cancel):
            listing = session.sources.images()
            _print(call, listing.items)
            for note in listing.notes:
                call.progress(note)
            return 0
        workspace = session.workspace
        if options.log:
            call.out(workspace.build_log(options.log).rstrip("\n"))
            return 0
        if options.create:
            refuse_read_only(call, "make an image")
            tell = progress_printer(call)
            models = [workspace.convert(model, tell, **conversion_options(options)).id for model in options.model]
            images = [workspace.create_image(options.create, models, tell)]
        else:
            if options.cancel:
                refuse_read_only(call, "delete an image")
                for pending in workspace.pending():
                    if not confirmed(call, f"{pending.subject}: delete what comes of it?"):
                        continue
                    deleted_name = workspace.throw_away(pending, progress_printer(call))
                    call.progress(f"{deleted_name} is deleted" if deleted_name else f"{pending.subject}: nothing is left of it")
            images = workspace.images()
    _print(call, images)
    return 0


def _print(call: Call, images: Sequence[WorkspaceImage]) -> None:
    rows = [
        {
            "id": image.key,
            "flavour": image.flavour,
            "state": image.state,
            "location": image.location,
            "created": image.created or "",
            "models": image.model_ids,
            "digest": image.digest,
            "platforms": image.platforms,
        }
        for image in images
    ]
    if not call.as_json:
        rows = [{**row, "runs_on": image.runs_on} for row, image in zip(rows, images, strict=True)]
    call.table(("id", "runs_on", "state", "created", "location"), rows)
