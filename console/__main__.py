"""The command ``dbe-console``."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and give its exit status."""
    try:
        from services.contexts.children import forbid_core_dumps

        forbid_core_dumps()
        from console.cli.main import run
        from console.terminal.charset import configure_streams

        configure_streams()
        return run(sys.argv[1:])
    except KeyboardInterrupt:  # while its modules were read
        return 130


if __name__ == "__main__":
    sys.exit(main())
