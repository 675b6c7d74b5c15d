"""The one way to write a file: private, whole or not at all, through no link, and what the disk refuses said in words.

``write`` and ``write_new`` are for whole files, ``writing`` for what is too long to be held in memory. Logs, locks and SQLite's files,
which grow where they lie, begin with ``private_file`` or ``open_private``. All of them raise FileError.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from services.errors import OperatorError
from services.text import one_line

_NAME_LENGTH = 100  # characters of a name from outside; file systems take 255 bytes
# Windows and its shares keep these for devices, whatever ending follows (learn.microsoft.com, "Naming Files, Paths, and Namespaces").
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)

_NO_ROOM = "Make room there (df -h shows how much there is), or name a folder on another disk."
_NO_RIGHTS = "Correct the owner or mode of the folder, or name one that you may write in."
_OTHER_NAME = "Name another file."
_FAULTS = {
    errno.ENOSPC: ("The disk is full.", _NO_ROOM),
    errno.EDQUOT: (
        "Your quota on that disk is used up.",
        "Make room in it (quota -s shows it), or name a folder on another disk.",
    ),
    errno.EFBIG: ("A limit on the size of files is reached.", "Raise it (ulimit -f), or write less."),
    errno.EACCES: ("You have no rights there.", _NO_RIGHTS),
    errno.EPERM: ("You have no rights there.", _NO_RIGHTS),
    errno.EROFS: ("The disk is read-only.", "Mount it for writing, or name a folder on another disk."),
    errno.ENOENT: ("Its folder does not exist.", "Make the folder, or name another."),
    errno.ENOTDIR: ("What stands in the place of its folder is no folder.", "Move that file away, or name another folder."),
    errno.EISDIR: ("There is a folder of that name.", _OTHER_NAME),
    errno.ELOOP: (
        "There is a link of that name, and links are not followed.",
        "Remove the link, or name the file that it leads to.",
    ),
    errno.EINVAL: ("No file can have that name, or what has it is no plain file.", _OTHER_NAME),
    errno.ENAMETOOLONG: ("The name is too long.", _OTHER_NAME),
    errno.EIO: ("The disk reports an error.", "See the system's log (dmesg), and name a folder on another disk."),
}


class FileError(OperatorError):
    """A file that cannot be written; ``cause`` says why in one sentence."""


def write(path: Path, content: str | bytes, durable: bool = True) -> None:
    """Put ``content`` in the place of the file ``path``, mode 0600; a link, folder or device of that name stays as it is.

    Without ``durable`` it is not awaited that the disk has it: for what is written again soon.
    """
    with writing(path, replace=True, durable=durable) as file:
        file.write(_encoded(content))


def write_new(path: Path, content: str | bytes) -> None:
    """Write ``path``, mode 0600; whatever has that name already stays as it is, and is an error."""
    with writing(path) as file:
        file.write(_encoded(content))


def check_new(path: Path) -> None:
    """Raise FileError where ``write_new`` could not write ``path``: before the work that is to be written."""
    _check(path, replace=False)


def check_writable(path: Path) -> None:
    """Raise FileError where ``write`` could not write ``path``: before the work that is to be written."""
    _check(path, replace=True)


def _check(path: Path, replace: bool) -> None:
    try:
        if replace:
            _check_replaceable(path)
        elif _status(path) is not None:
            raise _exists(path)
        descriptor, scratch = _scratch(path)
        os.close(descriptor)
        Path(scratch).unlink()
    except (OSError, ValueError) as error:
        raise file_error(path, error) from None


@contextlib.contextmanager
def writing(path: Path, replace: bool = False, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file to write into, which gets the name ``path`` when the block ends well, and is gone when it does not."""
    try:
        if replace:
            _check_replaceable(path)
        descriptor, scratch = _scratch(path)
    except (OSError, ValueError) as error:
        raise file_error(path, error) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if replace:
            Path(scratch).replace(path)
        else:
            _give_name(scratch, path)
        if durable:
            _sync_folder(path.parent)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise file_error(path, error) from None
    finally:
        with contextlib.suppress(OSError):  # on a disk that just became read-only it stays
            Path(scratch).unlink(missing_ok=True)


def private_folder(path: Path) -> Path:
    """Return ``path``, made with mode 0700 where it did not exist, and what lies above it too."""
    try:
        if not path.parent.exists():  # mkdir would make what lies between for everybody to read
            private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise file_error(path, OSError(errno.ENOTDIR, "")) from None
    except (OSError, ValueError) as error:
        raise file_error(path, error) from None
    return path


def private_file(path: Path) -> Path:
    """Return ``path``, made empty with mode 0600 where it did not exist; of one that is there the mode is corrected.

    An existing file is not opened: closing it would let go of the locks that SQLite holds on it in this process.
    """
    try:
        status = _status(path)
        if status is None:
            with contextlib.suppress(FileExistsError):  # another process was quicker
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
            status = path.lstat()
        _check_plain(status)
        if stat.S_IMODE(status.st_mode) & 0o077 and status.st_uid == os.geteuid():
            path.chmod(0o600)
    except (OSError, ValueError) as error:
        raise file_error(path, error) from None
    return path


def open_private(path: Path, mode: str = "a") -> IO[str]:
    """Open a file of our own, made with mode 0600, to append to ("a") or from its beginning ("w")."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if mode == "w" else os.O_APPEND)
    try:
        private_file(path)
        return os.fdopen(os.open(path, flags, 0o600), mode, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise file_error(path, error) from None


def remove(path: Path) -> None:
    """Remove a file, if it is there."""
    try:
        path.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise file_error(path, error, "removed") from None


@contextlib.contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """Make a folder of mode 0700 that is gone with all that is in it when the block ends."""
    folder = Path(tempfile.gettempdir())
    try:
        scratch = tempfile.TemporaryDirectory(prefix=f"dbe-console-{purpose}-", ignore_cleanup_errors=True)
    except OSError as error:
        raise file_error(folder, error) from None
    with scratch as name:
        yield Path(name)


def file_name(text: str) -> str:
    """Return a name from outside as one that is a file's on every system and lies in no other folder; unlike names stay unlike."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")
    if name and name == text and len(name) <= _NAME_LENGTH and not _RESERVED.fullmatch(name):
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: _NAME_LENGTH - 9].replace('.', '-') or 'name'}-{digest}"


def check_owner(path: Path, what: str) -> None:
    """Raise OperatorError where ``path`` is somebody else's, or may be replaced by others; OSError where it is not there.

    ``what`` names it: "the context file". A file that names commands to run and hosts to trust is believed as its owner is.
    """
    status = path.stat()
    others = next((place for place in {path.absolute().parent, path.resolve().parent} if _open_to_others(place)), None)
    if status.st_uid not in (os.geteuid(), 0):
        fault, cause = f"{what[:1].upper()}{what[1:]} {path} belongs to somebody else (user id {status.st_uid}).", ""
        remedy = f"Work as that user; or look into the file, and make it yours: chown {os.geteuid()} {path}"
    elif status.st_mode & 0o022:
        fault, cause, remedy = f"Others can write in {what} {path}.", "", f"Look into the file, then run: chmod go-w {path}"
    elif others is not None:
        fault, cause = f"Others can replace {what} {path}.", f"They can write in its folder {others}, or own it."
        remedy = f"Look into the file, then run: chmod go-w {others}"
    else:
        return
    raise OperatorError(
        fault,
        cause=cause or "What stands in it is done in your name, commands among it.",
        remedy=remedy,
        code="file.owner",
    )


def _open_to_others(folder: Path) -> bool:
    """Return whether others can put a file in the place of ours there; where the sticky bit is set they cannot."""
    status = folder.stat()
    if status.st_uid not in (os.geteuid(), 0):
        return True
    return bool(status.st_mode & 0o022) and not status.st_mode & stat.S_ISVTX


def file_error(path: Path, error: Exception, done: str = "written") -> FileError:
    """Return what the system's error means for who asked for ``path`` to be written."""
    number = error.errno if isinstance(error, OSError) else errno.EINVAL  # ValueError: a NUL, or half a character
    cause, remedy = _FAULTS.get(
        number or 0, (f"{one_line(getattr(error, 'strerror', '') or error, 200)}.", "Name another folder, or free this one.")
    )
    if number == errno.ENOSPC and _lacks_inodes(path.parent):
        cause, remedy = (
            "The disk takes no more files: its inodes are used up.",
            "Remove files there (df -i shows how many there are).",
        )
    return FileError(f"{one_line(str(path), 200)} cannot be {done}.", cause=cause, remedy=remedy, code="file.unwritable")


def _lacks_inodes(folder: Path) -> bool:
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return bool(disk.f_files) and not disk.f_favail


def _encoded(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")  # halves of characters


def _scratch(path: Path) -> tuple[int, str]:
    """Open a file of mode 0600 beside ``path`` under a name that nobody can guess; return it and that name."""
    return tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _check_plain(status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, "")
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, "")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "")


def _check_replaceable(path: Path) -> None:
    status = _status(path)
    if status is not None:
        _check_plain(status)


def _give_name(scratch: str, path: Path) -> None:
    """Name a written file ``path``; raises FileExistsError where the name is taken, which a rename would not tell."""
    try:
        os.link(scratch, path)
    except FileExistsError:
        raise
    except OSError as error:
        # FAT, as sticks have it, knows no second names: there a look before the rename must do.
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        if _status(path) is not None:
            raise FileExistsError from None
        Path(scratch).rename(path)


def _sync_folder(folder: Path) -> None:
    """Have the new name on the disk too; some file systems know no such thing of folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _exists(path: Path) -> FileError:
    return FileError(
        f"{one_line(str(path), 200)} exists already.",
        cause="A file that is there is never written over.",
        remedy="Name another, or remove it first.",
        code="file.exists",
    )
