"""Where a journal lies, and the lock and status files beside it.

SQLite's WAL needs shared memory, which network file systems do not give: on such a home the journal goes to a local disk.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from services.contexts.paths import state_folder
from services.errors import OperatorError
from services.files import FileError, private_folder

_NETWORK = re.compile(
    r"^(nfs\d?|cifs|smb\d?|smbfs|afs|9p|ceph|glusterfs|lustre|ncpfs|gpfs|beegfs|davfs|fuse\.(sshfs|s3fs|glusterfs|ceph.*|rclone|davfs2?))$"
)


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one endpoint's journal. ``local_instead_of`` names the network folder that was avoided, if one was."""

    journal: Path
    local_instead_of: str = ""

    @property
    def recorder_lock(self) -> Path:
        """Held exclusively by the one recorder."""
        return self.journal.with_suffix(".recorder.lock")

    @property
    def consoles_lock(self) -> Path:
        """Held shared by every attached console; the recorder ends once it can have it exclusively."""
        return self.journal.with_suffix(".consoles.lock")

    @property
    def suspicion(self) -> Path:
        """Made by who met with damage when reading: the recorder then looks the whole journal through."""
        return self.journal.with_suffix(".suspicion")

    @property
    def status(self) -> Path:
        """What the recorder says of itself: one JSON object, replaced as a whole."""
        return self.journal.with_suffix(".status.json")

    @property
    def log(self) -> Path:
        """The recorder's standard error."""
        return self.journal.with_suffix(".recorder.log")


def journal_place(namespace: str, entity: str, folder: Path | None = None, mounts: str | None = None) -> Place:
    """Return the place of the endpoint's journal under ``folder`` (the state folder); ``mounts`` is the text of /proc/self/mounts."""
    folder = folder or state_folder() / "journals"
    avoided = ""
    if on_network_disk(folder, mounts):
        avoided = str(folder)
        folder = _local_folder()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{namespace.split('.')[0]}-{entity}")[:80]
    digest = hashlib.sha256(f"{namespace.lower()}/{entity.lower()}".encode()).hexdigest()[:10]
    try:
        private_folder(folder)
    except FileError as error:
        raise OperatorError(
            f"The journal's folder {folder} cannot be made.",
            cause=error.cause,
            remedy="Make room or give rights there, or set DBE_CONSOLE_HOME to a folder on a local disk.",
            code="journal.folder",
        ) from error
    return Place(folder / f"{name}-{digest}.journal", avoided)


def on_network_disk(folder: Path, mounts: str | None = None) -> bool:
    """Return whether ``folder`` lies on a network file system, by the longest mount point above it."""
    if mounts is None:
        table = Path("/proc/self/mounts")
        if not table.exists():
            return False
        mounts = table.read_text(errors="replace")
    path = str(folder.resolve())
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
            best, kind = point, fields[2]
    return bool(_NETWORK.match(kind))


def _local_folder() -> Path:
    folder = Path("/var") / "tmp" / f"dbe-console-{os.getuid()}"
    private_folder(folder)
    status = folder.lstat()
    # Anyone may make a folder of that name in a shared place: it has to be ours, and closed to others.
    if folder.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise OperatorError(
            f"{folder} belongs to someone else or is open to others.",
            cause="The home is on a network disk, so that the journal has to go to a local one.",
            remedy="Remove that folder, or set DBE_CONSOLE_HOME to a private folder on a local disk.",
            code="journal.folder",
        )
    return folder / "journals" if private_folder(folder / "journals") else folder
