"""The command line: the console without a verb, else one of ``console.cli.verbs``."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from console.cli.output import Call, ReaderGone, error_lines
from console.cli.verb_parser import VerbParser
from console.cli.verbs import CHANGING, NAMES
from services.errors import OperatorError, UsageError


class _Version(argparse.Action):
    """``--version``. argparse's own would have the number looked up at every start."""

    def __init__(self, option_strings: Sequence[str], dest: str, **more: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, **more)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        sys.stdout.write(f"dbe-console {version('dbe-console')}\n")
        parser.exit()


def parser(names: Sequence[str] = NAMES) -> argparse.ArgumentParser:
    """Return the command line with the verbs of those names."""
    top = VerbParser(prog="dbe-console", description="A terminal console for Azure Data Box Edge.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--context", metavar="NAME", default=argparse.SUPPRESS, help="the context to use instead of the current one"
    )
    common.add_argument("--read-only", action="store_true", default=argparse.SUPPRESS, help="change nothing")
    for option in common._actions:
        top._add_action(option)
    top.add_argument("--lab", action="store_true", help="open the console on an embedded lab, without Azure")
    top.add_argument("--linear", action="store_true", help="a prompt and lines of text instead of a screen: for screen readers")
    top.add_argument("--slow-link", action="store_true", help="fewer and smaller frames for a bad line")
    top.add_argument("--version", action=_Version, help="say which version this is")
    top.set_defaults(verb=None)
    if not names:
        return top
    verbs = top.add_subparsers(dest="verb", metavar="VERB")
    for name in names:
        if find_spec(f"console.cli.verbs.{name}") is None:
            continue
        module = importlib.import_module(f"console.cli.verbs.{name}")
        sub = verbs.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
        _add_common_options(sub, common)
    return top


def _add_common_options(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Add ``--context`` and ``--read-only`` after a verb and after its action too: who types does not think of places.

    An action's own ``--help`` begins with what the verb's says of it.
    """
    for option in common._actions:
        parser._add_action(option)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for name, sub in action.choices.items():
                sub.description = sub.description or helps[name]
                _add_common_options(sub, common)


def run(arguments: Sequence[str], device: str = "") -> int:
    """Run one command, about ``device`` instead of the context's where that is given; 0 done, 1 failed, 2 wrong usage."""
    try:
        options = _parse(arguments)
    except UsageError as error:
        return _report_error(argparse.Namespace(json="--json" in arguments), error)
    try:
        if options.verb is None:
            return _start(options, arguments)
        return int(options.run(Call(options, device)))
    except OperatorError as error:
        return _report_error(options, error)
    except KeyboardInterrupt:
        return 130
    except ReaderGone:
        return 141  # what a shell gives for SIGPIPE
    except Exception as fault:  # noqa: BLE001  the outermost edge: written down without a trace on the screen
        from console.terminal.crash import write_down

        return _report_error(options, write_down(fault))


def _start(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    """Run the console: on a screen, or in lines."""
    if not options.linear:
        from console.tui.start import start

        return start(options)
    from console.cli.linear import LinearConsole
    from console.lab.process import LabProcess

    lab = LabProcess() if options.lab else None
    try:
        if lab is not None:
            lab.ready()
        verbs = {name: importlib.import_module(f"console.cli.verbs.{name}").HELP for name in _existing(arguments)}
        return LinearConsole(options, run, verbs).run()
    finally:
        if lab is not None:
            lab.close()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of the console or of the one verb that is called; raises UsageError."""
    # The console's first frame does not wait for two dozen verbs.
    if not {"-h", "--help", *NAMES} & set(arguments):
        options, rest = parser(()).parse_known_args(arguments)
        if not rest:
            return options
    names = _existing(arguments)
    verb_name = _first_word(arguments)
    if verb_name in NAMES and verb_name not in names:
        raise UsageError(
            f"{verb_name} does not exist in read-only mode.", remedy="See: dbe-console --help", code="context.read-only"
        )
    # One verb imports no other; all of them are needed for the list of verbs alone.
    alone = verb_name in names and arguments[0] not in ("-h", "--help")
    return parser([verb_name] if alone else names).parse_args(arguments)


def _first_word(arguments: Sequence[str]) -> str:
    """Return the first word that is neither an option of the whole command line nor the value of one: the verb."""
    _, rest = parser(()).parse_known_args([word for word in arguments if word not in ("-h", "--help")])
    return next((word for word in rest if not word.startswith("-")), "")


def _existing(arguments: Sequence[str]) -> Sequence[str]:
    """Return the verbs that exist: in read-only mode (flag, environment or context) none that does nothing but change something."""
    from services.contexts.store import ContextStore, read_only_environment

    options, _ = parser(()).parse_known_args([word for word in arguments if word not in ("-h", "--help")])
    read_only = bool(getattr(options, "read_only", False)) or read_only_environment()
    if not read_only:
        try:
            read_only = ContextStore().resolve(getattr(options, "context", None)).read_only
        except OperatorError:
            read_only = False  # the verb that needs the context says what is wrong with it
    return [name for name in NAMES if not (read_only and name in CHANGING)]


def _report_error(options: argparse.Namespace, error: OperatorError) -> int:
    """Say an error on standard error, and with ``--json`` as the result; gives the exit status."""
    if getattr(options, "json", False):
        with suppress(OperatorError, ReaderGone):  # where no result can be written, standard error has it
            Call(options).out_json({"error": error.as_dict()})
    sys.stderr.write("dbe-console: " + "\n".join(error_lines(error)) + "\n")
    return 2 if isinstance(error, UsageError) else 1
