"""Read-only contexts: the services that write refuse, whoever calls them; verbs and keys that change something are not there at all."""

from __future__ import annotations

from services.contexts.model import Context
from services.errors import UsageError


def may_change(context: Context, what: str = "change anything") -> None:
    """Raise UsageError where ``context`` is read-only. ``what`` completes "nothing can …": "convert a model"."""
    if context.read_only:
        raise UsageError(
            f"The context {context.name} is read-only: nobody can {what} through it.",
            remedy="Use another context, or leave out --read-only and DBE_CONSOLE_READ_ONLY.",
            code="context.read-only",
        )
