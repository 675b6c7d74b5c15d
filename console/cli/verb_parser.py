"""argparse, with wrong usage said as every other error: which word is wrong, what was likely meant, where to read on."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from services.errors import UsageError
from services.masking import mask
from services.names import did_you_mean
from services.text import one_line


class VerbParser(argparse.ArgumentParser):
    """Raises UsageError where argparse would print its usage and exit."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with argparse's message as a sentence."""
        self._refuse(f"{self.prog}: {one_line(mask(message), 400)}.")

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:
        """Parse all of ``args``; UsageError names the first word that has no place."""
        options, rest = self.parse_known_args(args, namespace)
        if rest:
            parser = self._of_verb(options)
            word = rest[0]
            takes = [name for name in parser._option_string_actions if name.startswith("--")]
            near = did_you_mean(word.partition("=")[0], takes) if word.startswith("-") else ""
            parser._refuse(f"{parser.prog} does not take {_quoted(word)}.", near)
        return options

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        what = str(action.metavar or (action.option_strings or [action.dest])[-1]).lower()
        self._refuse(
            f"There is no verb {_quoted(value)}." if what == "verb" else f"{_quoted(value)} is no {what} that {self.prog} takes.",
            did_you_mean(str(value), choices),
            "" if what == "verb" else f"It takes: {', '.join(choices)}.",
        )

    def _refuse(self, what: str, near: str = "", cause: str = "") -> NoReturn:
        raise UsageError(what, cause=cause, remedy=f"{near}See: {self.prog} --help", code="usage.words")

    def _of_verb(self, options: Any) -> VerbParser:
        """Return the parser of the verb, or action of a verb, that was called."""
        parser = self
        for parser in self._called(options):  # noqa: B007  the last one is meant
            pass
        return parser

    def _called(self, options: Any) -> Iterator[VerbParser]:
        parser: Any = self
        while parser is not None:
            yield parser
            groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
            parser = next((group.choices.get(str(getattr(options, group.dest, ""))) for group in groups), None)


def _quoted(word: object) -> str:
    return ascii(one_line(mask(str(word)), 80))
