"""``dbe-console models``: the registered models of the workspace; one can be converted."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from console.cli.output import Call
from console.cli.verbs._names import ModelName
from console.cli.verbs._workspace import conversion_options, progress_printer, refuse_read_only
from services.records import WorkspaceModel

HELP = "list the workspace's models, or convert one for the FPGA"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON list")
    parser.add_argument(
        "--convert", action=ModelName, metavar="ID", help="convert a model (NAME, or NAME:VERSION), or find the one made from it"
    )
    parser.add_argument("--input", metavar="TENSOR", help="the model's input (that of the sample's ResNet-50 otherwise)")
    parser.add_argument("--output", metavar="TENSOR", action="append", help="an output of the model; may be repeated")


def run(call: Call) -> int:
    options = call.options
    with call.session() as session:
        models: Sequence[WorkspaceModel]
        if options.convert:
            refuse_read_only(call, "convert a model")
            models = [session.workspace.convert(options.convert, progress_printer(call), **conversion_options(options))]
        else:
            listing = session.sources.models()
            models = listing.items
            for note in listing.notes:
                call.progress(note)
    call.table(
        ("id", "framework", "created", "converted_to"),
        [
            {
                "id": model.id,
                "framework": model.framework,
                "created": model.created or "",
                "converted_to": model.converted_id,
                "converted_from": model.parent_id,
            }
            for model in models
        ],
    )
    return 0
