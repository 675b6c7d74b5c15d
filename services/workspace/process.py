"""The child process seen from here: calls with a bounded wait, tokens on request, a new child when one dies or hangs."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as WaitTimeout
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Any

from services.contexts.children import environment
from services.errors import OperatorError
from services.files import scratch_folder, write
from services.text import clean

_START_SECONDS = 120.0  # the SDK takes 5 s of CPU to import, and machines may be busy


class ChildDied(Exception):
    """The child ended before it answered; ``stderr`` is the end of its standard error."""

    def __init__(self, stderr: str) -> None:
        super().__init__("the process of Azure ML's SDK ended")
        self.stderr = stderr


class ChildHung(Exception):
    """The child gave no answer in time; it has been ended."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer in {seconds:.0f} s")
        self.seconds = seconds


class ChildFailed(Exception):
    """The SDK raised: the name of its exception, the HTTP status if one is known, and its text."""

    def __init__(self, kind: str, status: int | None, text: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.status = status
        self.text = text


class _Running:
    """One life of the child."""

    def __init__(self, settings: dict[str, Any], ca_files: list[str], token: Callable[[], tuple[str, int]]) -> None:
        self._folders = ExitStack()
        self.home = self._folders.enter_context(scratch_folder("workspace"))
        self.started = time.monotonic()
        self.ready_at: float | None = None
        self.signing_in = 0
        self.signed_in_at = 0.0
        self.waiting: dict[int, Future[Any]] = {}
        self._token = token
        self._lock = threading.Lock()
        self._ended = threading.Event()  # set at the end of its output, which comes before its status
        self._stderr: deque[str] = deque(maxlen=40)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.workspace.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=_environment(self.home, ca_files),
            start_new_session=True,  # keys of the terminal (ctrl+c, ctrl+z) are the console's
        )
        self._threads = [threading.Thread(target=self._read, daemon=True), threading.Thread(target=self._listen, daemon=True)]
        for thread in self._threads:
            thread.start()
        self.write({**settings, "home": str(self.home)})

    def write(self, message: dict[str, Any]) -> None:
        """Write one line to the child; a child that has gone is noticed by the reader."""
        line = json.dumps(message) + "\n"
        with self._lock:
            try:
                _pipe(self.process.stdin).write(line)
                _pipe(self.process.stdin).flush()
            except (BrokenPipeError, ValueError):
                return

    @property
    def alive(self) -> bool:
        """Whether it can still answer."""
        return not self._ended.is_set() and self.process.poll() is None

    def end(self) -> None:
        """Kill it and remove its home."""
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(5)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                _pipe(pipe).close()
            except BrokenPipeError:
                continue  # closing flushes what nobody will read
        self._folders.close()

    def _read(self) -> None:
        try:
            for line in _pipe(self.process.stdout):
                if not line.endswith("\n"):
                    break  # killed in the middle of a word
                message = json.loads(line)
                if "ready" in message:
                    self.ready_at = time.monotonic()
                elif "ask" in message:
                    # Signing in may wait for a person; answers to other calls must not wait with it.
                    threading.Thread(target=self._give_token, daemon=True).start()
                else:
                    self._answer(message)
        except (ValueError, KeyError, TypeError) as error:
            self._stderr.append(f"it said what is no answer: {type(error).__name__}")
        self._ended.set()
        died = ChildDied("\n".join(self._stderr))
        for future in list(self.waiting.values()):
            _settle(partial(future.set_exception, died))

    def _listen(self) -> None:
        for line in _pipe(self.process.stderr):
            self._stderr.append(clean(line.rstrip("\n"), 400))

    def _answer(self, message: dict[str, Any]) -> None:
        future = self.waiting.pop(message["id"], None)
        if future is None:
            return
        error = message.get("error")
        if error is None:
            _settle(lambda: future.set_result(message.get("result")))
        elif "operator" in error:
            _settle(lambda: future.set_exception(OperatorError(**error["operator"])))
        else:
            _settle(lambda: future.set_exception(ChildFailed(error["kind"], error["status"], error["text"])))

    def _give_token(self) -> None:
        self.signing_in += 1
        try:
            value, expires = self._token()
            self.write({"token": value, "expires": expires})
        except OperatorError as error:
            self.write({"refused": error.as_dict()})
        except Exception as error:  # noqa: BLE001 - the child waits for an answer, whatever went wrong
            what = f"Signing in failed ({type(error).__name__})."
            refusal = OperatorError(
                what, cause="This is a fault of dbe-console itself.", remedy="Try again.", code="sign-in.fault"
            )
            self.write({"refused": refusal.as_dict()})
        finally:
            self.signing_in -= 1
            self.signed_in_at = time.monotonic()


class ChildProcess:
    """The child, whichever life it is in. Thread-safe."""

    def __init__(self, settings: dict[str, Any], ca_files: list[str], token: Callable[[], tuple[str, int]]) -> None:
        self._settings = settings
        self._ca_files = ca_files
        self._token = token
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._closed = False
        self._ids = itertools.count(1)

    @property
    def pid(self) -> int | None:
        """The process id of the child that runs now."""
        running = self._running
        return running.process.pid if running and running.alive else None

    def call(self, name: str, seconds: float, /, **arguments: Any) -> Any:
        """Return the result of ``Sdk.name(**arguments)``.

        Raises ChildFailed, ChildHung, ChildDied, or OperatorError where signing in failed. ``seconds`` run from when the SDK is
        imported; waiting for somebody to sign in does not count.
        """
        running = self._start()
        number = next(self._ids)
        future: Future[Any] = Future()
        running.waiting[number] = future
        sent_at = time.monotonic()
        running.write({"id": number, "call": name, "arguments": arguments})
        while True:
            now = time.monotonic()
            if not running.alive and not running._threads[0].is_alive():
                _settle(lambda: future.set_exception(ChildDied("")))
            if running.ready_at is None:
                remaining = running.started + _START_SECONDS - now
            else:
                remaining = max(sent_at, running.ready_at, running.signed_in_at) + seconds - now
            if remaining <= 0 and not running.signing_in:
                running.waiting.pop(number, None)
                self._discard(running)
                raise ChildHung(seconds)
            try:
                return future.result(min(max(remaining, 0.05), 0.5))
            except WaitTimeout:
                continue

    def renew(self) -> None:
        """Ask for a new token at the next call: the service refused this one."""
        running = self._running
        if running:
            running.write({"renew": True})

    def close(self) -> None:
        """End the child; later calls fail."""
        with self._lock:
            self._closed = True
            running, self._running = self._running, None
        if running:
            running.end()

    def _start(self) -> _Running:
        with self._lock:
            if self._closed:
                raise ChildDied("closed")
            if self._running is not None and not self._running.alive:
                self._running.end()
                self._running = None
            if self._running is None:
                self._running = _Running(self._settings, self._ca_files, self._token)
            return self._running

    def _discard(self, running: _Running) -> None:
        with self._lock:
            if self._running is running:
                self._running = None
        running.end()


def _settle(action: Callable[[], None]) -> None:
    try:
        action()
    except InvalidStateError:
        return  # settled already, by whoever noticed first


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise RuntimeError("the child was started with pipes")
    return pipe


def _environment(home: Path, ca_files: list[str]) -> dict[str, str]:
    passed = environment()
    passed |= {
        "HOME": str(home),
        "TMPDIR": str(home),  # what the SDK leaves there goes with it
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        # By default a 429 costs 224 s and a 503 70 s; the console's own retries are visible instead.
        "AZUREML_DEFAULT_RETRIES": "1",
        "AZUREML_DEFAULT_500_BACKOFF": "1",
        "AZUREML_DEFAULT_503_BACKOFF": "1",
    }
    if ca_files:
        # Not `from requests.utils`: another thread that imports requests at the same moment would get half of it.
        from requests import utils

        bundle = home / "ca.pem"
        parts = [
            Path(passed.get("REQUESTS_CA_BUNDLE") or utils.DEFAULT_CA_BUNDLE_PATH),
            *(Path(name) for name in dict.fromkeys(ca_files)),
        ]
        write(bundle, "\n".join(part.read_text(encoding="utf-8") for part in parts))
        passed["REQUESTS_CA_BUNDLE"] = str(bundle)
    return passed
