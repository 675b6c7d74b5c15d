"""``dbe-console completion SHELL``: the completion script of a shell."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import shtab

from console.cli.main import parser
from console.cli.output import Call
from services.errors import OperatorError

HELP = "print the completion script for a shell"
_FILES = {"FILE", "PEM"}
_FOLDERS = {"DIR", "PATH"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "shell",
        choices=("bash", "zsh", "fish", "tcsh"),
        help="bash: source <(dbe-console completion bash); zsh: into a file _dbe-console of $fpath; fish: … | source",
    )
    parser.add_argument("--install", action="store_true", help="put it where bash-completion and fish look for it by themselves")


def run(call: Call) -> int:
    """Print the script, or write it to the place of this user's shell."""
    whole = parser()
    _name_what_completes(whole)
    shell = call.options.shell
    script = shtab.complete(whole, shell=shell).rstrip("\n")
    if not call.options.install:
        call.out(script)
        return 0
    path = _place(shell)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script + "\n", encoding="utf-8")
    except OSError as error:
        raise OperatorError(
            f"The completions cannot be written to {path}.",
            cause=f"{error.strerror}.",
            remedy=f"Mend the folder, or write them elsewhere: dbe-console completion {shell} > FILE.",
            code="completion.unwritable",
        ) from error
    call.out(f"{path} written; a new {shell} finds it.")
    return 0


def _place(shell: str) -> Path:
    """Return the file that ``shell`` reads by itself. Sources: bash-completion's README (user directory), fish's docs (completions)."""
    if shell == "bash":
        data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        return Path(data) / "bash-completion" / "completions" / "dbe-console"
    if shell == "fish":
        configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(configuration) / "fish" / "completions" / "dbe-console.fish"
    raise OperatorError(
        f"{shell} has no folder of this user's own that it searches by itself.",
        cause="Only bash (with the package bash-completion) and fish have one.",
        remedy=f"Put the output of `dbe-console completion {shell}` into a folder of $fpath (zsh) or your ~/.tcshrc (tcsh).",
        code="completion.no-place",
    )


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
