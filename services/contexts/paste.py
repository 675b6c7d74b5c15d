"""What an operator has, as it is pasted or lies in a file: told apart and freed of what mails, shells and ``az`` put around it.

A thing is a connection string, a workspace's config.json, an id of Azure Resource Manager (or a portal's address that holds one), a
subscription's id, or a path.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

from services.contexts.model import WorkspaceSettings
from services.errors import OperatorError
from services.json_reader import read_json
from services.text import one_line

_MOST = 100_000  # characters of a clipboard or a file that are looked at
_STRING = re.compile(r"(?:^[^;\n]*?|(?<![\w;]))(HostName=|Endpoint=(?:sb|https?)://)", re.MULTILINE | re.IGNORECASE)
_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_SUBSCRIPTION = re.compile(_GUID)
_IN_SUBSCRIPTION = re.compile(rf"/subscriptions/({_GUID})")
_WORKSPACE = re.compile(  # the SDK's own project files name it so, under "Scope"
    rf"/subscriptions/({_GUID})/resourceGroups/([^/\s\"']+)/providers/Microsoft\.MachineLearningServices/workspaces/([^/?&\s\"']+)",
    re.IGNORECASE,
)
_LIKE_OURS = str.maketrans("\u201c\u201d\u2018\u2019\u00a0", "\"\"'' ", "\u200b\u200c\u200d\u2060\ufeff")


def split_paste(text: str) -> list[str]:
    """Return the things in ``text``. A connection string goes on over line breaks (terminals and mails wrap it), up to a quote or the next."""
    lines = (line.strip() for line in text[:_MOST].translate(_LIKE_OURS).splitlines())
    text = "\n".join(line for line in lines if line and not line.startswith(("#", "//")))
    things: list[str] = []
    while text:
        read = _json(text)
        begins = _STRING.match(text)
        if read:
            things += _within(read[0])
            end = read[1]
        elif begins:
            following = _STRING.search(text, begins.end())
            whole = text[begins.start(1) : following.start() if following else len(text)]
            first, *others = re.split(r"[\"'`<>{\[]", whole, maxsplit=1)[0].split("\n")
            thing = "\n".join([first, *takewhile(_goes_on, others)])
            things.append(thing.strip())
            end = begins.start(1) + len(thing)
        elif text[0] == "{":  # of JSON that is cut short all is one thing
            things.append(text)
            break
        else:
            line = text.partition("\n")[0]
            things.append(_unquoted(line))
            end = len(line)
        text = text[end:].lstrip("\"'`>,;)]} \n")
    return things


def subscription_in(thing: str) -> str:
    """Return the subscription that ``thing`` is, or that an id or address in it lies in; empty where there is none."""
    if _SUBSCRIPTION.fullmatch(thing):
        return thing
    match = _IN_SUBSCRIPTION.search(thing)
    return match.group(1) if match else ""


def workspace_in(thing: str) -> WorkspaceSettings | None:
    """Return the workspace that a config.json's text, its id or its portal's address names; None where ``thing`` is none of these.

    Raises OperatorError for JSON that is no config.json.
    """
    if match := _WORKSPACE.search(thing):
        return WorkspaceSettings(*match.groups())
    if not thing.startswith("{"):
        return None
    try:
        raw = read_json(thing)
        place = {
            key: str(raw[key] or "").replace("\n", "").strip() for key in ("subscription_id", "resource_group", "workspace_name")
        }
    except ValueError as error:
        raise _no_config(str(error).rstrip(".")) from error
    except KeyError as error:
        raise _no_config(f"{error} is missing") from error
    for key, value in place.items():
        if not value or "<" in value or (key == "subscription_id" and not _SUBSCRIPTION.fullmatch(value)):
            raise _no_config(f"{key} is {one_line(repr(value), 80) if value else 'empty'}")
    return WorkspaceSettings(*place.values())


def file_of(thing: str) -> Path | None:
    """Return the file whose path ``thing`` is."""
    path = Path(thing).expanduser() if 0 < len(thing) < 1000 and "\n" not in thing and "\0" not in thing else None
    try:
        return path if path and path.is_file() else None
    except OSError:  # a name that no file system takes
        return None


def read_file(path: Path) -> list[str]:
    """Return the things in the file ``path``; PowerShell writes them as UTF-16."""
    try:
        raw = path.read_bytes()[: 2 * _MOST]
        text = raw.decode("utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"{path} cannot be read.",
            cause=one_line(error),
            remedy="Check its owner and mode, and that it is plain text.",
            code="context.not-understood",
        ) from error
    return split_paste(text)


def _goes_on(line: str) -> bool:
    return not (subscription_in(line) or file_of(line))


def _json(text: str) -> tuple[Any, int] | None:
    """Return the object or list that ``text`` begins with, and where it ends; line breaks that a terminal put into strings are allowed."""
    try:
        return json.JSONDecoder(strict=False).raw_decode(text) if text[0] in "{[" else None
    except (ValueError, RecursionError):
        return None


def _within(value: Any) -> list[str]:
    """Return the connection strings in what ``az`` answers; without any it is one thing, a config.json perhaps."""
    return [string for string in _strings(value) if _STRING.match(string)] or [json.dumps(value)]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(inner)


def _unquoted(line: str) -> str:
    """Take a shell's or a file manager's quotes around a path or id off."""
    quoted = len(line) > 1 and line[0] == line[-1] and line[0] in "\"'"
    plain = line[1:-1] if quoted else line
    return plain if quoted or file_of(plain) else plain.replace("\\ ", " ")


def _no_config(cause: str) -> OperatorError:
    return OperatorError(
        "That is not a workspace's config.json.",
        cause=f"{cause}.",
        remedy="Download it from the portal: the workspace → Overview → Download config.json.",
        code="context.config-json",
    )
