"""``dbe-console score FILE…``: what a host module says of a picture, and how long it takes."""

from __future__ import annotations

import argparse
from dataclasses import replace

from console.cli.output import Call
from console.cli.verbs._names import DeviceName, ModuleName
from console.cli.verbs._numbers import seconds, whole_number
from services.errors import OperatorError
from services.operations.score import Score, Scorer, find_host
from services.text import counted, one_line

HELP = "score pictures on a host module"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="a picture (JPEG, PNG, GIF or BMP)")
    parser.add_argument("--device", action=DeviceName, default="", help="the device instead of the context's")
    parser.add_argument("--module", action=ModuleName, default="", help="the host module; not needed where there is one")
    parser.add_argument(
        "--address", default="", help="where the device's compute network is reached, instead of the context's device_address"
    )
    parser.add_argument("--port", type=whole_number(1, 65535), help="instead of the HostPort in the module's create options")
    parser.add_argument("--input", default="", metavar="TENSOR", help="the input tensor instead of the client's")
    parser.add_argument("--output", action="append", default=[], metavar="TENSOR", help="an output tensor (may be repeated)")
    parser.add_argument(
        "-n",
        "--repeat",
        type=whole_number(1, 100_000),
        default=1,
        metavar="N",
        help="score each picture N times; p50 and p95 are shown",
    )
    parser.add_argument("--timeout", type=seconds(3600), default=10.0, metavar="SECONDS", help="for each attempt (default 10)")
    parser.add_argument("--json", action="store_true", help="one JSON object a picture")


def run(call: Call) -> int:
    """Score the pictures, one after a bad one too, and return 0 where every one was scored."""
    options = call.options
    context = call.context()
    with call.session() as session:
        endpoint = find_host(context, session.hub, options.device, options.module, options.address)
    if options.port:
        endpoint = replace(endpoint, port=options.port)
    if options.input:
        endpoint = replace(endpoint, input=options.input)
    if options.output:
        endpoint = replace(endpoint, outputs=tuple(options.output))
    failed = 0
    with Scorer(endpoint, options.timeout) as scorer:
        for file in options.files:
            try:
                score = scorer.score(file, options.repeat)
            except OperatorError as error:
                if len(options.files) == 1:
                    raise
                failed += 1
                _print_failure(call, file, error)
            else:
                _print(call, score)
    if failed:
        call.progress(f"{failed} of {counted(len(options.files), 'picture')} could not be scored.")
    return 1 if failed else 0


def _print_failure(call: Call, file: str, error: OperatorError) -> None:
    if call.as_json:
        call.out_json({"file": one_line(file, 400), "error": error.as_dict()})
    else:
        call.out(f"{one_line(file, 400)}: not scored. {error}")


def _print(call: Call, score: Score) -> None:
    if call.as_json:
        labels = [{"label": label.name, "confidence": label.confidence} for label in score.labels]
        times = {"p50_ms": score.p50, "p95_ms": score.p95, "milliseconds": list(score.milliseconds)}
        call.out_json({"file": score.file, "host": score.host, "labels": labels, **times, "raw": score.raw})
        return
    repeats = len(score.milliseconds)
    times_text = f"{score.p50:.1f} ms" if repeats == 1 else f"p50 {score.p50:.1f} ms, p95 {score.p95:.1f} ms of {repeats}"
    call.out(f"{score.file}: {times_text}")
    probabilities = all(0 <= label.confidence <= 1 for label in score.labels)
    for label in score.labels:
        bar = "█" * round(label.confidence * 30) if probabilities else ""
        figure = f"{label.confidence:7.1%}" if probabilities else f"{label.confidence:10.4f}"
        call.out(f"  {figure}  {label.name:<30} {bar}".rstrip())
    if score.raw:
        call.out(f"  {score.raw}")
