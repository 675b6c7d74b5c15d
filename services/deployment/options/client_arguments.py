"""Check the sample client's arguments in ``Cmd`` as its argparse reads them.

Unknown ones, missing values, and a host that is no module of the device are problems.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.deployment.options.located_json import Finding, Node
from services.deployment.options.networks import is_address
from services.deployment.options.placement import Placement

# Option and what its value is ("" is a flag), as run.py of the sample has them.
OPTIONS: dict[str, tuple[str, str]] = {
    "--help": ("-h", ""),
    "--image-dir": ("-d", "text"),
    "--input-tensors": ("-i", "text"),
    "--output-tensors": ("-o", "text"),
    "--address": ("-a", "host"),
    "--port": ("-p", "port"),
    "--wait": ("-w", "number"),
    "--suppress-messages": ("-s", ""),
}
DEFAULTS = {
    "--image-dir": "./assets/",
    "--input-tensors": "Placeholder:0",
    "--output-tensors": "classifier/resnet_v1_50/predictions/Softmax:0",
    "--address": "azureml-host",
    "--port": "50051",
    "--wait": "10",
}
_SHORT = {short: long for long, (short, _) in OPTIONS.items()}
_OWN = frozenset({"-a", "-i", "-o", "-d", "-s", "-w"})  # -p alone, and -h, are anybody's
_NAMES = re.compile(r"(?:sample|azureml|aml)[-_]?client(?:[-_].*)?\Z")  # the repositories that the client's image is pushed to
_TENSOR = re.compile(r"[A-Za-z0-9_.\\/-]+:[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class ClientRole:
    """What a sample client is told by its command line: the host that it asks, and whether it sends its results."""

    host: str
    sends: bool


def client_role(options: str, image: str = "") -> ClientRole | None:
    """Return a module's part as a sample client, by its create options (JSON text) and image; None where it is none.

    A client is known by two arguments of its own, by one that only it has, or, without a command line, by its image's name.
    """
    try:
        arguments = client_arguments(json.loads(options or "{}"))
    except (ValueError, RecursionError):
        arguments = {}
    program = re.split("[:@]", image.rpartition("/")[2])[0].lower()
    own = _OWN & arguments.keys()
    if not (len(own) > 1 or own & {"-a", "-i", "-o"} or _NAMES.match(program)):
        return None
    return ClientRole(arguments.get("-a", "") or DEFAULTS["--address"], "-s" not in arguments)


def client_arguments(options: Any) -> dict[str, str]:
    """Return the sample client's options in ``Cmd``, by their short names; empty where there is no command line of that kind."""
    command = options.get("Cmd") if isinstance(options, dict) else None
    if isinstance(command, str):
        try:
            command = shlex.split(command)
        except ValueError:
            return {}
    words = [str(word) for word in command] if isinstance(command, list) else []
    arguments: dict[str, str] = {}
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        long = next((long for short, long in _SHORT.items() if name == short or (len(name) > 3 and long.startswith(name))), "")
        if long:
            arguments[OPTIONS[long][0]] = value if equals else words[index + 1] if index + 1 < len(words) else ""
    return arguments


def is_client(root: Node, around: Placement) -> bool:
    """Return whether these options are a sample client's: by an argument of its own, misspelt or cut short too, or by the image's name."""
    command = root.get("Cmd")
    words = {item.value.partition("=")[0] for item in (command.items() if command else ()) if item.kind == "string"}
    own = ["--input-tensors", "--output-tensors", "--image-dir", "--suppress-messages"]
    long = [word for word in words if word.startswith("--")]
    return (
        any(difflib.get_close_matches(word, own, 1, 0.8) for word in long) or "client" in around.image.rpartition("/")[2].lower()
    )


def cmd_rules(root: Node, around: Placement) -> Iterator[Finding]:
    """Yield the findings about a client's Cmd; nothing for other modules."""
    command = root.get("Cmd")
    if not is_client(root, around) or (command is not None and command.kind != "array"):
        return
    items = [item for item in (command.items() if command else ()) if item.kind == "string"]
    place = command.offset if command else root.offset
    address: Node | None = None
    index = 0
    while index < len(items):
        item = items[index]
        index += 1
        option, value, problem = _option(item)
        if problem:
            yield problem
            # What follows a misspelt option is its value, not an argument of its own.
            follows = index < len(items) and item.value.startswith("-") and not items[index].value.startswith("-")
            index += 1 if follows and "=" not in item.value else 0
            continue
        kind = OPTIONS[option][1]
        if not kind:
            if value is not None:
                yield item.offset, "error", f"{option} takes no value", f"Write {option} alone."
            continue
        if value is None:
            if index >= len(items) or (
                items[index].value.startswith("-") and len(items[index].value) > 1 and not _number(items[index].value)
            ):
                yield (
                    item.offset,
                    "error",
                    f"{option} lacks its value",
                    f"Put it behind, as a text of its own: {DEFAULTS.get(option, '…')}.",
                )
                continue
            item, value = items[index], items[index].value
            index += 1
        if option == "--address":
            address = Node("string", value, item.offset)
        yield from _value(option, kind, value, item.offset)
    yield from _reaches(address or Node("string", DEFAULTS["--address"], place), around, given=address is not None)


def _option(item: Node) -> tuple[str, str | None, Finding | None]:
    """Return the long option of an argument, its value where that is in the same word, or what is wrong."""
    word = item.value
    if word in _SHORT:
        return _SHORT[word], None, None
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        matches = [name] if name in OPTIONS else [option for option in OPTIONS if option.startswith(name) and len(name) > 2]
        if len(matches) == 1:
            return matches[0], value if equals else None, None
    elif word[:2] in _SHORT and word[0] == "-":
        long = _SHORT[word[:2]]
        return long, (word[2:].removeprefix("=") if OPTIONS[long][1] else word[2:]), None
    if " " in word.strip() and word.split()[0] in {*OPTIONS, *_SHORT}:
        return "", None, (item.offset, "error", f'"{word}" is one argument', "Write option and value as two texts of the list.")
    close = difflib.get_close_matches(word.partition("=")[0], [*OPTIONS], 1, 0.6)
    remedy = (
        f"Did you mean {close[0]}?" if close else f"It knows {', '.join(option for option in OPTIONS if option != '--help')}."
    )
    return "", None, (item.offset, "error", f'the client knows no argument "{word}" and would end at once', remedy)


def _number(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) is not None


def _value(option: str, kind: str, value: str, offset: int) -> Iterator[Finding]:
    if kind == "port" and not (re.fullmatch(r"[0-9]{1,5}", value) and 1 <= int(value) <= 65535):
        yield offset, "error", f'{option} "{value}" is no port', "A number from 1 to 65535."
    elif kind == "number" and not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        yield offset, "error", f'{option} "{value}" is no number of seconds', "For example 10, or 0 for no pause."
    elif option in ("--input-tensors", "--output-tensors"):
        for name in value.split(","):
            if not _TENSOR.match(name.strip()):
                yield (
                    offset,
                    "warning",
                    f'"{name.strip()}" does not look like a tensor',
                    "A tensor's name ends in its number: Placeholder:0.",
                )


def _reaches(address: Node, around: Placement, *, given: bool) -> Iterator[Finding]:
    """Yield a finding where the host is no module of the device; addresses and dotted names are not judged."""
    host = str(address.value)
    if not around.others or host in around.others or "." in host or is_address(host):
        return
    own = [name for name in around.others if name not in around.system]
    close = difflib.get_close_matches(host, own, 1, 0.5) or (own if len(own) == 1 else [])
    what = f"the client asks {host}" if given else f"without --address the client asks {host}"
    remedy = f"Did you mean {close[0]}?" if close else "Deploy the host first, or name where it is."
    yield address.offset, "warning", f"{what}, and the device has no module of that name", remedy
