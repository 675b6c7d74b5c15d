"""Run a module that does nothing, says so now and then, and ends on SIGTERM; or dies with an exit code after a while.

python -I -S sleeper.py NAME [EXIT_CODE]
"""

import os
import signal
import sys
import time


def main() -> int:
    """Exit codes over 128 are deaths by that signal."""
    name, code = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.stdout.write(f"<6>{name} started\n")
    sys.stdout.flush()
    if code is not None:
        time.sleep(1)
        sys.stdout.write(f"<3>{name}: fatal error\n")
        sys.stdout.flush()
        if code > 128:
            signal.signal(code - 128, signal.SIG_DFL) if code - 128 != signal.SIGKILL else None
            os.kill(os.getpid(), code - 128)
        return code
    count = 0
    while True:
        time.sleep(60)
        count += 1
        sys.stdout.write(f"<6>{name}: minute {count}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
