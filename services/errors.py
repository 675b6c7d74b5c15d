"""The one error that an operator meets: what happened, the likely cause, the remedy, and the raw reply for experts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.records import PendingOperation


class OperatorError(Exception):
    """Something an operator can understand and act on.

    ``what`` is one sentence, ``cause`` and ``remedy`` one sentence each (may be empty only where truly unknown), ``code`` a short stable
    name for scripts (``hub.unauthorized``), ``raw`` the reply as it came, sanitised and free of secrets.
    """

    def __init__(self, what: str, *, cause: str = "", remedy: str = "", code: str = "", raw: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.cause = cause
        self.remedy = remedy
        self.code = code
        self.raw = raw

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.cause, self.remedy) if part)

    @property
    def state(self) -> str:
        """The named state of a code SERVICE.STATE (services.records.states)."""
        return self.code.rpartition(".")[2]

    def as_dict(self) -> dict[str, str]:
        """Return the error for ``--json``: what, cause, remedy, code, raw."""
        return {"what": self.what, "cause": self.cause, "remedy": self.remedy, "code": self.code, "raw": self.raw}


class UsageError(OperatorError):
    """The command was called wrongly: exit status 2."""


class Stopped(OperatorError):
    """The operator stopped waiting; the service works on, and the same call takes it up again.

    ``pending`` is what it works at, where that is kept.
    """

    pending: PendingOperation | None = None
