"""Names on the command line: an empty one is refused before anything is asked, and the runtime's modules go by either name."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, ClassVar

from services.names import Kind, checked_name, module_name


class _Name(argparse.Action):
    """Take a name that was given; a list where the default is one. Defaults are not looked at."""

    kind: ClassVar[Kind]

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option: str | None = None,
    ) -> None:
        """Raise UsageError for an empty name."""
        if values is None:  # an argument that may be left out, and was
            return
        if isinstance(values, list):
            setattr(namespace, self.dest, [self._checked(str(value)) for value in values])
            return
        name = self._checked(str(values))
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), name] if isinstance(self.default, list) else name)

    def _checked(self, text: str) -> str:
        return module_name(text) if self.kind == "module" else checked_name(text, self.kind)


class ModuleName(_Name):
    """A module's name."""

    kind = "module"


class DeviceName(_Name):
    """A device's id."""

    kind = "device"


class ImageName(_Name):
    """An image's name or location."""

    kind = "image"


class ModelName(_Name):
    """A model's name."""

    kind = "model"


class ServiceName(_Name):
    """A service's name."""

    kind = "service"
