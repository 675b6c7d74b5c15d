"""Where secrets come from, and where a pasted one is kept: never in an error, an argument or a file that others can read."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from services.contexts.model import SecretSource
from services.contexts.paths import config_folder
from services.contexts.store import keep_private, read_private
from services.errors import OperatorError
from services.files import file_name, remove
from services.records import Secret
from services.text import one_line

_KEYRING_SERVICE = "dbe-console"
_COMMAND_SECONDS = 60  # a vault may ask for a finger on a key first


def reveal(source: SecretSource) -> Secret:
    """Return the secret of ``source``, read anew at every call. Raises OperatorError naming the source, never the secret."""
    value = {"env": _from_environment, "file": _from_file, "command": _from_command, "keyring": _from_keyring}[source.kind](
        source.value
    )
    if not value:
        raise _failed(source.kind, source.value, "It is empty.", "Put the secret there, or name another source.")
    return Secret(value)


def keep_in_file(name: str, secret: Secret) -> SecretSource:
    """Keep ``secret`` in a file of mode 0600 beside contexts.toml."""
    path = config_folder() / "secrets" / file_name(name)
    keep_private(path, secret.reveal() + "\n", "the secret's file")
    return SecretSource("file", str(path))


def keep_in_keyring(name: str, secret: Secret) -> SecretSource:
    """Keep ``secret`` in the desktop's keyring."""
    import keyring
    import keyring.errors

    try:
        keyring.set_password(_KEYRING_SERVICE, name, secret.reveal())
    except keyring.errors.KeyringError as error:
        raise _failed("keyring", name, one_line(error), "Unlock the keyring, or keep the secret in a file instead.") from error
    return SecretSource("keyring", name)


def forget(source: SecretSource) -> None:
    """Remove a secret that ``keep_in_file`` or ``keep_in_keyring`` kept; others belong to the operator and stay."""
    if source.kind == "file":
        path = Path(source.value)
        if path.parent == config_folder() / "secrets":
            remove(path)
    elif source.kind == "keyring":
        import keyring
        import keyring.errors

        try:
            keyring.delete_password(_KEYRING_SERVICE, source.value)
        except keyring.errors.PasswordDeleteError:
            return  # gone already


def resolve_path(text: str) -> Path:
    """Return a path of the context file: ``~`` from the home folder, a relative one from the file's folder."""
    return config_folder() / Path(text).expanduser()


def ca_path(text: str) -> str:
    """Return the PEM file that a ``ca_file`` of the context file names.

    Raises OperatorError where it is not there: each SDK would fail in a way of its own.
    """
    path = resolve_path(text)
    if not path.is_file():
        raise OperatorError(
            f"There is no CA file {path}.",
            cause="The context names it as the certificate authority to trust.",
            remedy="Put the PEM file there, or correct ca_file in the context.",
            code="context.ca-missing",
        )
    return str(path)


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise _failed("env", name, f"The environment has no {one_line(name, 80)}.", "Set it before the console starts.")
    return os.environ[name].strip()


def _from_file(text: str) -> str:
    path = resolve_path(text)
    try:
        return read_private(path, "the secret's file").strip()
    except FileNotFoundError as error:
        raise _failed(
            "file", text, f"There is no file {path}.", "Write the secret there (chmod 600), or name another source."
        ) from error


def _from_command(text: str) -> str:
    try:
        argv = shlex.split(text)
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_SECONDS,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except (OSError, ValueError, IndexError) as error:
        raise _failed("command", text, one_line(error), "Check the command; it runs without a shell.") from error
    except subprocess.TimeoutExpired:  # its output may hold the secret, so it does not travel along
        raise _failed("command", text, f"It gave no answer in {_COMMAND_SECONDS} s.", "It must not ask for input.") from None
    if done.returncode:
        last_line = one_line(done.stderr.strip().rpartition("\n")[2], 200)
        raise _failed("command", text, f"It ended with status {done.returncode}: {last_line}", "Run it by hand and mend it.")
    lines = done.stdout.strip().splitlines()
    if lines and lines[0].lstrip().startswith(("{", "[")):
        remedy = "Let it print the value alone; with az: --query connectionString -o tsv"
        raise _failed("command", text, "It printed JSON, not the secret alone.", remedy)
    return lines[0].strip().strip('"') if lines else ""  # `az` quotes, `pass` adds lines


def _from_keyring(name: str) -> str:
    import keyring
    import keyring.errors

    try:
        value = keyring.get_password(_KEYRING_SERVICE, name)
    except keyring.errors.KeyringError as error:
        raise _failed("keyring", name, one_line(error), "Unlock the keyring, or name another source.") from error
    if value is None:
        remedy = f"Run: keyring set {_KEYRING_SERVICE} {one_line(name, 80)}"
        raise _failed("keyring", name, f"The keyring has nothing for {_KEYRING_SERVICE}.", remedy)
    return str(value).strip()


def _failed(kind: str, value: str, cause: str, remedy: str) -> OperatorError:
    program = value.split()[0] if kind == "command" else value  # arguments may hold more than the name of the secret
    return OperatorError(
        f"The secret from {kind}:{one_line(program, 120)} cannot be had.", cause=cause, remedy=remedy, code=f"secret.{kind}"
    )
