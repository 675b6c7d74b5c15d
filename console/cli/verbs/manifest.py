"""``dbe-console manifest export | import | diff``: whole manifests, as ``az iot edge set-modules --content`` takes them."""

from __future__ import annotations

import argparse
from pathlib import Path

from console.cli.output import Call
from console.cli.verbs._confirmation import add_change_arguments, device_of, may_change
from console.cli.verbs._deployment import carry_out
from console.cli.verbs._names import DeviceName
from console.cli.verbs.options import lines_of, values_of
from console.files import read_text
from services.operations.manifests import read_manifest, write_manifest

HELP = "write out a device's manifest, bring one in, or compare"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    export = subs.add_parser("export", help="the device's manifest; with its secrets only into a file that is yours alone")
    export.add_argument(
        "file", nargs="?", help="write it there (mode 0600), secrets included; without it they are masked on standard output"
    )
    export.add_argument("--device", action=DeviceName, default="", help="the device instead of the context's")
    import_parser = subs.add_parser("import", help="merge a manifest's file into what the device has")
    import_parser.add_argument("file", help="the manifest (- is standard input)")
    import_parser.add_argument(
        "--replace", action="store_true", help="replace everything: modules that the file does not name are removed"
    )
    import_parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="fill in $NAME in the manifest's texts"
    )
    add_change_arguments(import_parser)
    diff_parser = subs.add_parser("diff", help="what a manifest's file would change")
    diff_parser.add_argument("file", help="the manifest (- is standard input)")
    diff_parser.add_argument("--replace", action="store_true", help="as if everything were replaced")
    diff_parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="fill in $NAME in the manifest's texts"
    )
    add_change_arguments(diff_parser, wait=False)
    for sub in (import_parser, diff_parser):
        sub.add_argument("--set-file", default="", metavar="FILE", help="the same for secrets: NAME=VALUE a line, in a 0600 file")


def run(call: Call) -> int:
    """Run the sub-verb."""
    context = call.context()
    device = device_of(call, context)
    options = call.options
    with call.session() as session:
        if options.action == "export":
            if options.file:
                write_manifest(Path(options.file), session.manifest(device))
                call.progress(f"written to {options.file}; it holds the device's secrets")
            else:
                call.out_json(session.masked_manifest(device), 2)
            return 0
        if options.action == "import":
            may_change(context)
        else:
            options.dry_run = True
        values = {**lines_of(options.set_file), **values_of(options.set)}
        content = read_manifest(read_text(options.file)).content
        return carry_out(
            call,
            session,
            lambda deployer: deployer.import_manifest(
                device, content, values, whole=options.replace, name=Path(options.file).name
            ),
        )
