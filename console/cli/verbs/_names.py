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
        name = module_name(str(values)) if self.kind == "module" else checked_name(str(values), self.kind)
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), name] if isinstance(self.default, list) else name)


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
