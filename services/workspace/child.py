"""The process in which Azure ML's SDK lives: JSON lines in on standard input, JSON lines out on what was standard output.

In: first the settings; then ``{"id", "call", "arguments"}``, ``{"renew"}`` and answers to its questions, ``{"token", "expires"}``
or ``{"refused"}``. Out: ``{"ready"}``, ``{"ask": "token"}``, ``{"id", "result"}`` or ``{"id", "error"}``. It ends with its input.
"""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TextIO

from services.contexts.children import forbid_core_dumps
from services.contexts.hosts import check_leads
from services.contexts.model import Context
from services.errors import OperatorError
from services.replies.bounds import Bounds
from services.replies.process import guard_process
from services.replies.session import Service, origin_of
from services.text import clean

_REPLY_BYTES = 32 * 1024 * 1024  # lists of everything in a workspace, and build logs
_RENEW_BEFORE_SECONDS = 300
_STATUS = re.compile(r"(?:Response Code|status code|StatusCode)\W*(\d{3})\b", re.IGNORECASE)


class TokenRefused(Exception):
    """The parent could not sign in; ``error`` is its OperatorError as a dict."""

    def __init__(self, error: dict[str, str]) -> None:
        super().__init__(error.get("what", ""))
        self.error = error


class Parent:
    """The line to the parent."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._writing = threading.Lock()
        self._asking = threading.Lock()
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._token = ""
        self._expires = 0

    def send(self, message: dict[str, Any]) -> None:
        """Write one line to the parent."""
        line = json.dumps(message, default=str) + "\n"
        with self._writing:
            self._out.write(line)
            self._out.flush()

    def handle_answer(self, message: dict[str, Any]) -> None:
        """Take the parent's answer to a question for a token."""
        self._answers.put(message)

    def renew(self) -> None:
        """Ask for a new token next time: the service refused this one."""
        self._expires = 0

    def token(self) -> tuple[str, int]:
        """Return a token for the resource manager that still lives for minutes, and its expiry."""
        with self._asking:
            if self._expires - time.time() < _RENEW_BEFORE_SECONDS:
                self.send({"ask": "token"})
                answer = self._answers.get()
                if "refused" in answer:
                    raise TokenRefused(answer["refused"])
                self._token, self._expires = answer["token"], int(answer["expires"])
            return self._token, self._expires


def _failure(error: Exception) -> dict[str, Any]:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TokenRefused):
            return {"operator": cause.error}
        if isinstance(cause, OperatorError):
            return {"operator": cause.as_dict()}
        cause = cause.__cause__ or cause.__context__
    text = str(error)
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
    if not isinstance(status, int):
        match = _STATUS.search(text)
        status = int(match.group(1)) if match else None
    return {"kind": type(error).__name__, "status": status, "text": clean(text, 8000)}


def _service(settings: dict[str, Any]) -> Service:
    """Return Azure ML's part: the resource manager and the hosts that its discovery may lead to are given the token, and no others."""
    context = Context(settings["context"], trusted_hosts=tuple(settings["trusted_hosts"]))
    base = settings["resource_manager"]

    def check_host(host: str) -> None:
        check_leads(context, "resource manager", origin_of(base)[1], host)

    return Service("Azure ML", "workspace.reply", (base,), Bounds(bytes=_REPLY_BYTES), check_host=check_host)


def _serve(parent: Parent, settings: dict[str, Any], lines: TextIO) -> None:
    faults = guard_process(_service(settings))
    sdk: list[Any] = []
    starting = threading.Lock()

    def start() -> Any:
        with starting:
            if not sdk:
                from services.workspace.sdk import Sdk

                sdk.append(Sdk(settings, parent.token))
                parent.send({"ready": True})
            return sdk[0]

    def answer(request: dict[str, Any]) -> None:
        faults.note(None)
        try:
            result = start().call(request["call"], request["arguments"])
            if faults.last is not None:  # the SDK swallowed it: what it gave is no answer
                raise faults.last
        except Exception as error:  # noqa: BLE001 - the SDK raises bare Exception; whatever it is goes to the parent, which explains it
            parent.send({"id": request["id"], "error": _failure(error)})
        else:
            parent.send({"id": request["id"], "result": result})

    workers = ThreadPoolExecutor(6)
    for line in lines:
        message = json.loads(line)
        if "call" in message:
            workers.submit(answer, message)
        elif "renew" in message:
            parent.renew()
        else:
            parent.handle_answer(message)


def main() -> None:
    """Keep standard output for the parent alone: whatever the SDK prints goes to standard error."""
    forbid_core_dumps()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    settings = json.loads(sys.stdin.readline())
    _serve(Parent(out), settings, sys.stdin)
    shutil.rmtree(settings["home"], ignore_errors=True)  # a console that was killed could not
    os._exit(0)  # the parent has gone: a call that hangs in the SDK must not keep the process


if __name__ == "__main__":
    main()
