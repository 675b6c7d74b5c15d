"""``dbe-console doctor``: a checklist from here to the FPGA, with the cause and the remedy where something fails."""

from __future__ import annotations

import argparse
from pathlib import Path

from console.cli.output import Call
from console.cli.verbs._names import DeviceName
from console.cli.verbs._numbers import seconds
from services.errors import UsageError
from services.files import check_writable
from services.operations.doctor import report
from services.operations.doctor.capture import Capture
from services.operations.doctor.doctor import run_doctor
from services.operations.doctor.examination import Gathering, mark

HELP = "examine the whole way from here to the FPGA"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", action=DeviceName, default="", help="the device instead of the context's")
    parser.add_argument("--json", action="store_true", help="the whole examination as one JSON object")
    parser.add_argument("--report", metavar="PATH", type=Path, help="write PATH.md and PATH.json for support (secrets masked)")
    parser.add_argument(
        "--capture",
        metavar="FILE",
        type=Path,
        help="write the services' raw replies to FILE, a new one, as evidence for the project: keys, passwords, tokens and values "
        "of environments are masked, and nothing is sent",
    )
    parser.add_argument(
        "--replace-names", action="store_true", help="put stand-ins for the names of hub, devices and workspace in the capture"
    )
    parser.add_argument("--bodies", action="store_true", help="leave message bodies and picture names in report and capture")
    parser.add_argument(
        "--listen", metavar="SECONDS", type=seconds(3600), default=6.0, help="how long to wait for messages (default 6)"
    )


def run(call: Call) -> int:
    """Print the doctor's run and return 0 where no check failed, else 1."""
    options = call.options
    if options.replace_names and not options.capture:
        raise UsageError(
            "--replace-names changes nothing here.", cause="It is about a capture.", remedy="Give --capture FILE, too."
        )
    for path in report.report_paths(options.report) if options.report else ():
        check_writable(path)  # before a minute of checks, not after it
    context = call.context()
    gathering = Gathering(context, options.device)
    capture = None
    if options.capture:
        capture = Capture(context, options.capture, options.device, bodies=options.bodies, replace_names=options.replace_names)
    observe = capture.observe if capture else None
    for step in run_doctor(context, options.device, message_seconds=options.listen, observe=observe):
        gathering.add(step)
        if step.state not in ("waiting", "running"):
            seconds = f" ({step.seconds:.1f} s)" if step.seconds else ""
            call.progress(f"{mark(step)} {step.title}: {step.detail}{seconds}")
    examination = gathering.done()
    tree = report.as_dict(examination, context, options.bodies)
    if options.report:
        paths = report.write(options.report, examination, context, options.bodies)
        call.progress(f"written: {paths[0]} and {paths[1]}")
    if capture:
        summary = capture.write(examination)
        call.progress(f"written: {summary.text}")
        call.progress("Secrets are masked, and nothing was sent. Read it before you give it to anybody (docs/evidence.md).")
    if call.as_json:
        call.out_json(tree)
    elif tree["causes"]:
        for finding in examination.causes:
            likely = "likely: " if finding.likely else ""
            call.out(f"{finding.module + ': ' if finding.module else ''}{likely}{finding.reason} [{finding.state}]")
            for name, text in (("cause", finding.cause), ("remedy", finding.remedy), ("to settle it", finding.settle)):
                if text:
                    call.out(f"  {name}: {text}")
    else:
        call.out("Nothing is wrong from here to the messages.")
    if examination.passed and not call.as_json:
        call.out(f"✓ {examination.passed_title}")
    return 0 if examination.healthy else 1
