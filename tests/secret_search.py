"""A search for secrets in whatever a run leaves: files, rows of databases, bytes of a terminal, arguments and environments."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote


class Search:
    """Looks for secrets: as they are, quoted for a URL, in base64 beside a user's name, in pieces; and for the shapes of derived ones."""

    # Signatures, keys and tokens that are made from secrets, so that no list can name them.
    SHAPES = re.compile(
        rb"sig=[A-Za-z0-9%+/=]{20,}|SharedAccessKey=[A-Za-z0-9+/]{10,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}|AccountKey=[A-Za-z0-9+/]{10,}"
        rb"|(?:Bearer|Basic) [A-Za-z0-9._~+/=-]{16,}"
    )
    PIECE = 14  # what a line's end leaves of a secret that is broken there, and what a cell cuts off

    def __init__(self, secrets: Iterable[str], users: Iterable[str] = ()) -> None:
        forms: set[bytes] = set()
        self.secrets = sorted({secret for secret in secrets if secret})
        for secret in self.secrets:
            for form in (secret, quote(secret, safe=""), secret.replace("/", "\\/")):
                forms |= {form[at : at + self.PIECE].encode() for at in range(0, max(len(form) - self.PIECE, 1), self.PIECE)}
            forms.add(base64.b64encode(secret.encode()).rstrip(b"=")[:40])
            for user in users:
                for pair in (f"{user}:{secret}", f"\0{user}\0{secret}"):
                    forms.add(base64.b64encode(pair.encode()).rstrip(b"="))
        self._forms = re.compile(b"|".join(sorted(map(re.escape, forms))))

    def find(self, where: str, data: bytes | str) -> list[str]:
        """What is found in ``data``, in words for an assertion."""
        raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        found = []
        for pattern in (self._forms, self.SHAPES):
            for hit in pattern.finditer(raw):
                about = raw[max(hit.start() - 60, 0) : hit.end() + 20]
                found.append(f"{where}: {about!r}")
        return found

    def files(self, folder: Path, allowed: Callable[[Path], bool] = lambda path: False) -> list[str]:
        """The same in every file below ``folder`` and in every value of its databases; also files that others can read."""
        found = []
        for path in folder.rglob("*"):
            if path.is_symlink() or not path.is_file():
                continue
            try:
                mode, data = path.stat().st_mode & 0o777, path.read_bytes()
            except FileNotFoundError:
                continue  # a scratch file, gone by now
            hits = self.find(str(path), data)
            if data.startswith(b"SQLite format 3"):
                hits += self.find(f"{path} (rows)", _rows(path))
            if hits and not allowed(path):
                found += hits
            if hits and mode & 0o077:
                found.append(f"{path}: others can read it (mode {mode:04o})")
        return found


def _rows(path: Path) -> str:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
        tables = [name for (name,) in base.execute("select name from sqlite_master where type = 'table'")]
        return "\n".join(str(row) for name in tables for row in base.execute(f'select * from "{name}"'))
