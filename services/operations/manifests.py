"""Whole manifests as files, as ``az iot edge set-modules --content`` takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.deployment.manifest.file import load, secret_variables, variables, write_private


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A manifest's file.

    ``variables`` are the $NAMEs that its texts leave open, in order; ``secrets`` those among them whose values nobody may see
    typed.
    """

    content: Mapping[str, Any] = field(repr=False)
    variables: tuple[str, ...]
    secrets: frozenset[str]


def read_manifest(text: str) -> ManifestFile:
    """Read a manifest's text. Raises OperatorError that names the place where it is none."""
    content = load(text)
    return ManifestFile(content, tuple(variables(content)), frozenset(secret_variables(content)))


def write_manifest(path: Path, content: Mapping[str, Any]) -> None:
    """Write a whole manifest, secrets included, into a file that is the operator's alone. Raises OperatorError."""
    write_private(path, content)
