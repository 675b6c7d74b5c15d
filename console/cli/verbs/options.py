"""``dbe-console options list | show PRESET | check FILE | move FILE | draft``: create options, presets, and the console's drafts."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from console.cli.output import Call
from console.cli.verbs._names import DeviceName, ModuleName
from console.files import read_text
from services.errors import UsageError
from services.operations.drafts import drop_draft, find_draft, list_drafts
from services.operations.options import check_options, import_preset, list_presets, migrate_options, remove_preset, render_preset
from services.records import DraftKey
from services.text import counted

HELP = "list presets of create options, write one out, check a file, move it off the FPGA; list what was typed and not deployed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = subs.add_parser("list", help="the presets")
    listed.add_argument("--json", action="store_true", help="one JSON list")
    listed.add_argument("--names", action="store_true", help="their names alone, one a line")
    show = subs.add_parser("show", help="a preset's create options")
    show.add_argument("preset", help="its name: dbe-console options list")
    show.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="a form field; a flag is on or off")
    moved = subs.add_parser("move", help="move create options off the FPGA, and say what is different")
    moved.add_argument("file", help="the create options (- is standard input)")
    moved.add_argument("--to", metavar="PRESET", default="gpu-host", help="the preset they go to (default gpu-host)")
    moved.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="a form field of that preset")
    checked = subs.add_parser("check", help="check create options")
    checked.add_argument("file", help="the create options (- is standard input)")
    checked.add_argument(
        "--device", action=DeviceName, default="", help="check against what this device has, ports and FPGA among it"
    )
    checked.add_argument(
        "--module", action=ModuleName, default="", help="the module they are for, where the device has it already"
    )
    checked.add_argument("--json", action="store_true", help="one JSON object")
    for action, text in (("save", "keep a file's create options as an own preset"), ("remove", "remove an own preset")):
        sub = subs.add_parser(action, help=text)
        sub.add_argument("name", help="the preset's name")
        if action == "save":
            sub.add_argument("file", help="create options, or a preset somebody shared (- is standard input)")
    draft = subs.add_parser("draft", help="what was changed in the console and not deployed")
    drafts = draft.add_subparsers(dest="draft_action", metavar="ACTION", required=True)
    of_all = drafts.add_parser("list", help="the drafts of all hubs and devices")
    of_all.add_argument("--json", action="store_true", help="one JSON list")
    for action, text in (("show", "a draft's create options, masks in the place of secrets"), ("drop", "remove a draft")):
        sub = drafts.add_parser(action, help=text)
        sub.add_argument("module", action=ModuleName, help="the module it is for")
        sub.add_argument("--device", action=DeviceName, default="", help="the device; the context's by default")


def run(call: Call) -> int:
    """Run the sub-verb."""
    actions = {
        "list": _list, "show": _show, "move": _move, "check": _check, "save": _save, "remove": _remove, "draft": _draft,
    }  # fmt: skip
    return actions[call.options.action](call)


def _list(call: Call) -> int:
    if call.options.names:
        for each in list_presets():
            call.out(each.name)
        return 0
    rows = [
        {
            "name": preset.name,
            "kind": preset.kind,
            "own": preset.own,
            "title": preset.title,
            "fields": [asdict(field) for field in preset.fields],
        }
        for preset in list_presets()
    ]
    call.table(("name", "title", "fields"), rows)
    return 0


def values_of(pairs: list[str]) -> dict[str, str]:
    """Return ``FIELD=VALUE`` arguments as a mapping."""
    for pair in pairs:
        if "=" not in pair:
            raise UsageError(f"{pair!r} is not FIELD=VALUE.", remedy="For example --set port=50052.", code="usage.set")
    return dict((name, value) for name, _, value in (pair.partition("=") for pair in pairs))


def lines_of(name: str) -> dict[str, str]:
    """Return the ``NAME=VALUE`` lines of a file, without comments; none where no file is named.

    Secrets come so: a command line can be read by others.
    """
    lines = (line.strip() for line in read_text(name).splitlines()) if name else ()
    return values_of([line for line in lines if line and not line.startswith("#")])


def _show(call: Call) -> int:
    call.out(render_preset(call.options.preset, values_of(call.options.set)))
    return 0


def _move(call: Call) -> int:
    migration = migrate_options(read_text(call.options.file), call.options.to, values_of(call.options.set))
    for line in migration.diff:
        call.progress(line.text if line.sign == "@" else f"{line.sign}{line.text}")
    for sentence in migration.sentences:
        call.progress(sentence)
    call.out(migration.text)
    return 0


def _check(call: Call) -> int:
    state = None
    if call.options.device:
        with call.session() as session:
            state = session.hub.device_state(call.options.device)
    report = check_options(read_text(call.options.file), state, call.options.module)
    if call.as_json:
        call.out_json(
            {
                "valid": not report.errors,
                "problems": [asdict(problem) for problem in report.problems],
                "normalised": report.normalised,
                "size": report.size,
                "chunks": report.chunks,
                "room": report.room,
            }
        )
    else:
        for problem in report.problems:
            call.out(
                f"{call.options.file}:{problem.line}:{problem.column}: {problem.severity}: {problem.message}. {problem.remedy}"
            )
        room = "" if report.room is None else f", {report.room} bytes left in the device's twin"
        call.progress(
            f"{counted(report.size, 'byte')} in {counted(report.chunks, 'chunk')}{room}; {counted(len(report.errors), 'error')}"
        )
    return 1 if report.errors else 0


def _save(call: Call) -> int:
    call.out(str(import_preset(call.options.name, Path(call.options.file), read_text(call.options.file))))
    return 0


def _remove(call: Call) -> int:
    remove_preset(call.options.name)
    return 0


def _draft(call: Call) -> int:
    if call.options.draft_action == "list":
        return _list_drafts(call)
    with call.session() as session:
        hub = session.context.hub
        device = call.options.device or call.device or session.first_device()
    key = DraftKey(hub.host if hub is not None else "", device, call.options.module)
    if call.options.draft_action == "show":
        call.out(find_draft(key).text)
        return 0
    drop_draft(key)
    call.progress(f"The draft for {key.module} on {key.device} is dropped.")
    return 0


def _list_drafts(call: Call) -> int:
    stored, errors = list_drafts()
    rows = [{**draft.key._asdict(), "saved_at": draft.saved_at} for draft in stored]
    call.table(("module", "device", "hub", "saved_at"), rows)
    for error in errors:
        call.progress(str(error))
    return 0
