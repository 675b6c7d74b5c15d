"""The console with a context and nothing that reads by itself."""

from still_console import still_console  # noqa: F401
