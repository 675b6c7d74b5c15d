"""The one rule of what is a secret. Twins, manifests, history, reports, captures and errors are masked by it and by nothing else."""

from __future__ import annotations

from services.masking.names import is_secret_name
from services.masking.text import MASK, MASKED
from services.masking.tree import Hide, Masking

__all__ = ["MASK", "MASKED", "Hide", "Masking", "is_secret_name", "mask", "mask_document"]

_PLAIN = Masking()


def mask(text: str) -> str:
    """Return ``text`` (a message, a description, a URL) without keys, signatures, tokens and passwords."""
    return _PLAIN.text(text)


def mask_document(text: str) -> str:
    """Return the create options, or another text that is JSON, without their secrets; what is torn is hidden whole."""
    return _PLAIN.document(text)
