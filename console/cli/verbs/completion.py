"""``dbe-console completion SHELL``: the completion script of a shell."""

from __future__ import annotations

import argparse
from typing import Any

import shtab

from console.cli.main import parser
from console.cli.output import Call

HELP = "print the completion script for a shell"
_FILES = {"FILE", "PEM"}
_FOLDERS = {"DIR", "PATH"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "shell",
        choices=("bash", "zsh", "fish", "tcsh"),
        help="bash: source <(dbe-console completion bash); zsh: into a file _dbe-console of $fpath; fish: … | source",
    )


def run(call: Call) -> int:
    """Print the script."""
    whole = parser()
    _name_what_completes(whole)
    call.out(shtab.complete(whole, shell=call.options.shell).rstrip("\n"))
    return 0


def _name_what_completes(parser: argparse.ArgumentParser) -> None:
    """Have files and folders completed where they are meant, and the contexts that there are when Tab is pressed."""
    contexts, presets = _values_completion("context"), _values_completion("options")
    by_metavar = {
        **dict.fromkeys(_FILES, shtab.FILE),
        **dict.fromkeys(_FOLDERS, shtab.DIRECTORY),
        "PRESET": presets,
        "CONTEXT": contexts,
    }
    by_name = {"file": shtab.FILE, "preset": presets, "context": contexts}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                _name_what_completes(verb)
            continue
        complete = by_metavar.get(str(action.metavar)) or by_name.get(action.dest)
        if complete:
            action.complete = complete  # type: ignore[attr-defined]  # shtab reads it there


def _values_completion(verb: str) -> dict[str, Any]:
    """Return the names that ``VERB list`` has when Tab is pressed. ``shtab.cmd`` would ask in zsh at once, and for every verb."""
    command = f"dbe-console {verb} list --names 2>/dev/null"
    completion: dict[str, Any] = dict(shtab.cmd(command))
    function = f"_dbe_console_{verb}_names"
    preamble = {**completion["preamble"], "zsh": f"{function}() {{ compadd -- $({command}) }}"}
    return {**completion, "zsh": function, "preamble": preamble}
