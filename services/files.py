"""Files that an operator asks for: private, written whole or not at all, never in the place of another."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from services.errors import OperatorError
from services.text import one_line


def check_new(path: Path) -> None:
    """Raise OperatorError where ``write_new`` could not write ``path``: before the work that is to be written."""
    if path.is_symlink() or path.exists():
        raise _exists(path)
    try:
        descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:60]}.")
    except OSError as error:
        raise _unwritable(path, error) from None
    os.close(descriptor)
    Path(scratch).unlink()


def write_new(path: Path, text: str) -> None:
    """Write ``path`` with mode 0600, whole or not at all; a file or link that is there already stays. Raises OperatorError."""
    scratch = ""
    try:
        descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:60]}.")  # mkstemp makes 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _give_name(scratch, path)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        if scratch:
            Path(scratch).unlink(missing_ok=True)


def _give_name(scratch: str, path: Path) -> None:
    """Name a written file ``path``; raises FileExistsError where the name is taken, which a rename would not tell."""
    try:
        os.link(scratch, path)
    except OSError as error:
        # FAT, as sticks have it, knows no second names: there a look before the rename must do.
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS) or path.is_symlink():
            raise
        if path.exists():
            raise FileExistsError from None
        Path(scratch).rename(path)


def _exists(path: Path) -> OperatorError:
    return OperatorError(
        f"{one_line(str(path), 200)} exists already.",
        cause="A file that is there is never written over.",
        remedy="Name another, or remove it first.",
        code="file.exists",
    )


def _unwritable(path: Path, error: OSError) -> OperatorError:
    return OperatorError(
        f"{one_line(str(path), 200)} cannot be written.",
        cause=f"{error.strerror or type(error).__name__}.",
        remedy="Name a folder that exists, that you may write in, and that has room.",
        code="file.unwritable",
    )
