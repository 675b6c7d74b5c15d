"""The linear mode: verbs typed at a prompt, and what changes said in lines. Nothing is drawn, moved or overwritten.

For screen readers and braille lines, which follow the terminal's own cursor; for terminals that cannot draw, and for sessions that
are recorded. A line is a verb as in a shell, without ``dbe-console`` before it; the prompt says which context and device it is about.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from console.cli.announcer import Announcer
from console.cli.output import error_lines
from services.contexts.store import ContextStore
from services.errors import OperatorError, UsageError
from services.names import did_you_mean
from services.operations.session import Session
from services.text import one_line
from services.times import clock, now

if TYPE_CHECKING:
    from services.contexts.model import Context

_OWN = {
    "device": "say which device the verbs are about, or choose it: device NAME",
    "help": "list the verbs, or the options of one: help VERB",
    "quit": "leave; Ctrl+D does it, too",
}
_ALIASES = {"?": "help", "q": "quit", "exit": "quit", ":q": "quit", "--help": "help", "-h": "help"}
_FOLLOWING = frozenset({"stream"})  # verbs that ask nothing and run until stopped: what changes is said between their lines


class LinearConsole:
    """One session at the prompt. ``run_verb`` runs a command line, about the device given; ``verbs`` have an explanation each."""

    def __init__(
        self, options: argparse.Namespace, run_verb: Callable[[Sequence[str], str], int], verbs: Mapping[str, str]
    ) -> None:
        self._named: str | None = getattr(options, "context", None)
        self._read_only = bool(getattr(options, "read_only", False))
        self._run_verb, self._verbs = run_verb, verbs
        self._context: Context | None = None
        self._session: Session | None = None
        self._announcer: Announcer | None = None
        self._device = ""
        self._error = ""  # why there is no context, as it was said
        self._lock = threading.Lock()
        self._prompt = ""  # while a line is read
        self._held: list[str] | None = None  # what is said when the verb that runs has ended; None: at once

    def run(self) -> int:
        """Read and run lines until the input ends, or ``quit``."""
        self._prepare_input()
        self._say("dbe-console, linear mode: type a verb, help, or quit.")
        try:
            while True:
                self._follow_context()
                if not self._obey(self._read_words()):
                    return 0
        except EOFError:
            self._say("")
            return 0
        finally:
            self._close()

    def _read_words(self) -> list[str]:
        """Return the words of the next line; Ctrl+C begins a new one. Raises EOFError at the end of the input."""
        while True:
            self._prompt = self._describe()
            try:
                line = input(self._prompt)
                if not sys.stdin.isatty():
                    self._say(one_line(line))  # nobody typed it on this terminal
                return shlex.split(line, comments=True)
            except KeyboardInterrupt:
                self._say("")
            except ValueError as error:
                self._say(f"This line cannot be read: {str(error).lower()}.")
            finally:
                self._prompt = ""

    def _describe(self) -> str:
        """Return the prompt: what the verbs are about."""
        if self._context is None:
            return "no context> "
        context = self._context
        mark = "PRODUCTION " if context.production else "LAB " if context.lab else ""
        place = "/".join(filter(None, (context.name, self._device)))
        return f"{mark}{place}{' read-only' if context.read_only else ''}> "

    def _obey(self, words: list[str]) -> bool:
        """Run one line; return whether another is read."""
        if words[:1] == ["dbe-console"]:  # as remedies write it
            del words[0]
        if not words:
            return True
        name, arguments = _ALIASES.get(words[0], words[0]), words[1:]
        if name == "quit":
            return False
        if name == "device":
            self._choose_device(arguments)
        elif name == "help" and (not arguments or arguments[0] in _OWN):
            self._say(*(f"{verb}: {about}" for verb, about in {**self._verbs, **_OWN}.items()))
        elif name.startswith("-"):
            self._say(f"A line begins with a verb, not with {one_line(name, 80)!a}. The verbs: help")
        else:
            self._run([arguments[0], "--help"] if name == "help" else words)
        return True

    def _run(self, words: list[str]) -> None:
        context = ["--context", self._context.name] if self._context is not None else []
        read_only = ["--read-only"] if self._read_only else []
        self._held = None if words[0] in _FOLLOWING else []
        try:
            with suppress(SystemExit):  # argparse's, after --help
                self._run_verb([*context, *read_only, *words], self._device)
        finally:
            held, self._held = self._held, None
            self._say(*(held or ()))

    def _choose_device(self, arguments: list[str]) -> None:
        if self._session is None or not arguments:
            self._say(self._device or "No device is chosen. The names: devices")
            return
        name = arguments[0]
        try:
            names = [device.id for device in self._session.hub.devices() if device.edge]
            if name not in names:
                raise UsageError(
                    f"The hub has no IoT Edge device {one_line(name, 80)!a}.",
                    remedy=f"{did_you_mean(name, names)}The names: devices",
                    code="usage.device",
                )
        except OperatorError as error:
            self._say(*error_lines(error))
            return
        self._watch(name)

    def _follow_context(self) -> None:
        """Open the context that is the current one now, where it is not the one that is open."""
        try:
            context = ContextStore().resolve(self._named, read_only=self._read_only)
            if context == self._context:
                return
            self._close()
            self._context, self._session, self._error = context, Session(context), ""
            self._watch(self._session.first_device())
        except OperatorError as error:
            if error.what != self._error:
                self._say(*error_lines(error))
            self._error = error.what

    def _watch(self, device: str) -> None:
        """Have verbs be about ``device``, and its changes said."""
        assert self._session is not None
        if self._announcer is not None:
            self._announcer.close()
        self._device = device
        self._announcer = Announcer(self._session, device, self._announce)

    def _close(self) -> None:
        if self._announcer is not None:
            self._announcer.close()
        if self._session is not None:
            self._session.close()
        self._announcer = self._session = self._context = None
        self._device = ""

    def _announce(self, sentences: Sequence[str]) -> None:
        """Say what changed: above a prompt, which is written again, but never between a verb's question and its answer."""
        lines = [f"{clock(now())} {one_line(sentence)}" for sentence in sentences]
        if self._held is not None:
            self._held += lines
        elif self._prompt:
            self._say("", *lines, end=self._prompt + _typed())
        else:
            self._say(*lines)

    def _say(self, *lines: str, end: str = "") -> None:
        with self._lock:
            sys.stdout.write("".join(f"{line}\n" for line in lines) + end)
            sys.stdout.flush()

    def _prepare_input(self) -> None:
        """Have lines edited, kept for the session, and completed by Tab, without any control sequence but the cursor's own."""
        if sys.stdin.isatty() and sys.stdout.isatty():
            import readline

            readline.parse_and_bind("set enable-bracketed-paste off")
            readline.parse_and_bind("tab: complete")
            readline.set_completer(self._complete)

    def _complete(self, text: str, number: int) -> str | None:
        import readline

        words = [*self._verbs, *_OWN] if not readline.get_line_buffer()[: readline.get_begidx()].strip() else []
        return dict(enumerate(word + " " for word in words if word.startswith(text))).get(number)


def _typed() -> str:
    """Return what stands behind the prompt."""
    readline = sys.modules.get("readline")
    return readline.get_line_buffer() if readline is not None else ""
