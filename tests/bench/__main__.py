"""All figures, one after the other: ``python tests/bench [NAME …]``; each prints one JSON object, what fails goes to stderr."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HELPERS = {"__main__", "bench_lab", "pty_console"}


def main() -> int:
    """Run each in a process of its own; 0 when all gave their figure."""
    names = sys.argv[1:] or sorted(path.stem for path in HERE.glob("*.py") if path.stem not in HELPERS)
    failed = [name for name in names if subprocess.run([sys.executable, str(HERE / f"{name}.py")]).returncode]
    if failed:
        sys.stderr.write(f"no figure: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
