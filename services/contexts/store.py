"""Named contexts in ``config_folder()/contexts.toml`` (mode 0600; one that others can read is refused).

The format, whole (only what differs from the defaults of ``model.py`` need be written; keys are the records' field names)::

    current = "edge"

    [contexts.edge]
    device = "databox-edge-1"
    device_address = "10.0.0.5"           # where the device's compute network is reached from here
    device_ports = { "80" = 8080 }        # host ports that are reached there under another number: by a tunnel, say
    proxy = ""                            # http://[user:password@]host:port, in place of HTTPS_PROXY
    bell = false
    production = false
    read_only = false
    lab = false
    trusted_hosts = ["registry.example.com=auth.example.com"]  # may be given the first one's credentials

    [contexts.edge.hub]
    host = "my-hub.azure-devices.net"     # HOST[:PORT], as in HostName=
    connection = "file:/home/me/hub.txt"  # env:NAME, file:PATH (0600), command:ARGV… or keyring:NAME; never the string itself
    resource_id = "/subscriptions/…/providers/Microsoft.Devices/IotHubs/my-hub"
    ca_file = ""

    [contexts.edge.workspace]
    subscription = "…"
    resource_group = "…"
    name = "…"
    registry = ""
    ca_file = ""

    [contexts.edge.cloud]
    resource_manager = "https://management.azure.com"
    authority = "https://login.microsoftonline.com"
    ca_file = ""

    [contexts.edge.sign_in]
    method = "az"                         # az, device-code, service-principal, workload-identity, managed-identity
    tenant = ""
    client_id = ""
    secret = "keyring:edge-principal"
    certificate = ""                      # in place of a secret: a PEM file with the key, mode 0600
    token_file = ""                       # workload identity's federated token

    [contexts.edge.events]
    consumer_group = "$Default"
    connection = "env:EDGE_EVENTS"        # an Event Hub-compatible string with EntityPath; not needed when the hub's finds it
    namespace = ""                        # of an Event Hub that the hub routes to, read with the sign-in's token
    event_hub = ""
    transport = "amqp"                    # or websocket
    proxy = ""
    ca_file = ""

    [contexts.edge.limits]
    modules_every = 30
    images_every = 300
    journal_rows = 5000000
    journal_days = 30
    journal_bytes = 4294967296

Relative paths are taken from the folder of the file, ``~`` from the home folder.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from services.contexts.codec import TableError, context_from, to_table
from services.contexts.model import Context
from services.contexts.paths import config_folder
from services.contexts.proxies import use_proxy
from services.errors import OperatorError
from services.files import FileError, check_owner, private_folder, write
from services.names import did_you_mean
from services.text import one_line

tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")  # the same parser

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def dump(contexts: Mapping[str, Context], current: str = "") -> str:
    """Return the TOML text of ``contexts``."""
    document: dict[str, Any] = {"current": current} if current else {}
    tables = {}
    for name, context in contexts.items():
        table = to_table(context)
        table.pop("name", None)
        tables[name] = table
    return tomli_w.dumps({**document, "contexts": tables})


def keep_private(path: Path, text: str, what: str) -> None:
    """Put ``text`` in the place of a file of our own, mode 0600. ``what`` names it in errors: "the context file"."""
    try:
        private_folder(path.parent)
        write(path, text)
    except FileError as error:
        raise FileError(
            f"{what[:1].upper()}{what[1:]} {path} cannot be written.",
            cause=error.cause,
            remedy=f"{error.remedy} DBE_CONSOLE_HOME names another place for all of them.",
            code="context.file-unwritable",
        ) from None


def read_private(path: Path, what: str) -> str:
    """Return the text of ``path``, refused when others can read or replace it. ``what`` names it in errors: "the context file"."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise IsADirectoryError("It is a folder, or no file at all.")
        if mode & 0o077:
            raise OperatorError(
                f"Others can read {what} {path} (mode {mode & 0o777:04o}).",
                cause="It is kept for its owner alone, because it leads to secrets.",
                remedy=f"Run: chmod 600 {path}",
                code="context.file-mode",
            )
        check_owner(path, what)
        return path.read_text(encoding="utf-8-sig")  # Notepad puts a mark before the text
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"{what[:1].upper()}{what[1:]} {path} cannot be read.",
            cause=one_line(error),
            remedy="Check its owner and mode, and that it is plain UTF-8 text.",
            code="context.file-unreadable",
        ) from error


def read_only_environment() -> bool:
    """Return whether DBE_CONSOLE_READ_ONLY makes every context read-only."""
    return os.environ.get("DBE_CONSOLE_READ_ONLY", "").strip().lower() not in ("", "0", "false", "no")


class ContextStore:
    """The contexts of one file; every call reads it anew, so that two consoles agree."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or config_folder() / "contexts.toml"

    def names(self) -> tuple[str, ...]:
        """Return the names of all contexts, in the file's order."""
        return tuple(self._load()[0])

    @property
    def current(self) -> str:
        """The name of the current context; empty where none was chosen."""
        return self._load()[1]

    def all(self) -> dict[str, Context]:
        """Return every context by its name."""
        return self._load()[0]

    def resolve(self, name: str | None = None, read_only: bool = False) -> Context:
        """Return the context ``name``, else DBE_CONSOLE_CONTEXT's, else the current one (or the only one); its proxy is used from here on.

        ``read_only`` or DBE_CONSOLE_READ_ONLY makes it read-only, whatever the file says. OperatorError where there is none.
        """
        contexts, current = self._load()
        chosen_name = (
            name or os.environ.get("DBE_CONSOLE_CONTEXT") or current or (next(iter(contexts)) if len(contexts) == 1 else "")
        )
        if not contexts:
            raise OperatorError(
                "There is no context yet.",
                cause=f"{self.path} names none.",
                remedy="Run: dbe-console context add — or try the embedded lab: dbe-console --lab",
                code="context.none",
            )
        if not chosen_name:
            raise OperatorError(
                "No context is chosen.",
                cause=f"There are {len(contexts)}: {', '.join(contexts)}.",
                remedy="Run: dbe-console context use NAME, or give --context NAME.",
                code="context.none-chosen",
            )
        context = self._find(contexts, chosen_name)
        use_proxy(context.proxy)
        return dataclasses.replace(context, read_only=context.read_only or read_only or read_only_environment())

    def add(self, context: Context, replace: bool = False) -> None:
        """Keep ``context``; the first one becomes the current one. One of that name is only replaced when ``replace`` says so."""
        self.check_name(context.name, replace)
        try:
            context_from(context.name, {key: value for key, value in to_table(context).items() if key != "name"})
        except TableError as error:  # what could not be read again is not written
            raise OperatorError(
                f"The context {context.name} cannot be kept: {one_line(error.what)}.", remedy=error.remedy, code="context.setting"
            ) from None
        contexts, current = self._load()
        contexts[context.name] = context
        self._save(contexts, current or context.name)

    def check_name(self, name: str, replace: bool = False) -> None:
        """Refuse a name that a new context cannot have, or that another has who shall not be replaced. Raises OperatorError."""
        if not _NAME.fullmatch(name):
            raise OperatorError(
                f"{one_line(name, 80)!r} cannot name a context.",
                cause="A name has letters, digits, dot, dash and underscore, up to 64, and starts with a letter or digit.",
                remedy="Choose another name.",
                code="context.name",
            )
        if name in self.names() and not replace:
            raise OperatorError(
                f"There is a context {name} already.",
                cause="",
                remedy="Choose another name, or replace it: `dbe-console context add NAME --replace`.",
                code="context.exists",
            )

    def use(self, name: str) -> None:
        """Make ``name`` the current context."""
        contexts, _ = self._load()
        self._find(contexts, name)
        self._save(contexts, name)

    def trust(self, name: str, pair: str) -> Context:
        """Keep that the first host of ``pair`` ("SERVICE=HOST") may lead to the second, with its credentials."""
        context = self._find(self._load()[0], name)
        extended = dataclasses.replace(context, trusted_hosts=tuple(dict.fromkeys((*context.trusted_hosts, pair))))
        self.add(extended, replace=True)
        return extended

    def remove(self, name: str) -> None:
        """Forget ``name``; journals and history stay."""
        contexts, current = self._load()
        self._find(contexts, name)
        del contexts[name]
        self._save(contexts, "" if current == name else current)

    def _find(self, contexts: Mapping[str, Context], name: str) -> Context:
        if name in contexts:
            return contexts[name]
        raise OperatorError(
            f"There is no context {one_line(name, 80)!r}.",
            cause=f"{self.path} has: {', '.join(contexts) or 'none'}.",
            remedy=f"{did_you_mean(name, contexts)}Choose one of them, or add it: dbe-console context add",
            code="context.unknown",
        )

    def _load(self) -> tuple[dict[str, Context], str]:
        try:
            text = read_private(self.path, "the context file")
        except FileNotFoundError:
            return {}, ""
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"line (\d+)", str(error))
            # At the document's end: a half-written file.
            line = int(place.group(1)) if place else len(text.splitlines())
            raise self._broken(text, line, one_line(error), "Correct that line; the file is left as it is.") from error
        unknown = [key for key in document if key not in ("current", "contexts")]
        tables = document.get("contexts", {})
        current = document.get("current", "")
        if unknown or not isinstance(tables, dict) or not isinstance(current, str):
            fault = unknown[0] if unknown else "contexts" if not isinstance(tables, dict) else "current"
            remedy = 'The file holds current = "NAME" and tables [contexts.NAME].'
            raise self._broken(text, _line_of(text, (fault,)), f"{one_line(fault, 80)} does not belong there", remedy)
        try:
            return {name: context_from(name, table) for name, table in tables.items()}, current
        except TableError as error:
            raise self._broken(
                text, _line_of(text, ("contexts", *error.path)), one_line(error.what), one_line(error.remedy)
            ) from error

    def _broken(self, text: str, line: int, what: str, remedy: str) -> OperatorError:
        lines = text.splitlines()
        # A value may be a secret that was pasted where its source belongs: only the key is shown.
        key = lines[line - 1].partition("=")[0].strip() if 0 < line <= len(lines) else ""
        return OperatorError(
            f"{self.path}, line {line}: {what}.",
            cause=f"The line begins: {one_line(key, 60)}" if key else "The file ends too early.",
            remedy=remedy,
            code="context.file-broken",
        )

    def _save(self, contexts: Mapping[str, Context], current: str) -> None:
        keep_private(self.path, dump(contexts, current), "the context file")


def _line_of(text: str, path: tuple[str, ...]) -> int:
    """Return the line where the key or table ``path`` stands; the nearest table above it where it is written otherwise; 1 at worst."""
    best = 1
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            table = tuple(part.strip().strip("\"'") for part in stripped.strip("[]").split("."))
            if table == path:
                return number
            if table == path[:-1]:
                best = number
            continue
        key = stripped.partition("=")[0].strip().strip("\"'")
        if (*table, key) == path:
            return number
    return best
