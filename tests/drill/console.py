"""The console under a pty as its operator has it, started again whenever it dies, with its recorder and its SDK child."""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

from tests.drill.home import Home
from tests.terminal import Processes, Terminal

_KEYS = ("1", "2", "3", "4", "j", "k", "down", "up", "tab", "H", "t", "l", "escape", "escape", "?", "escape")
CHILD = b"services.workspace.child"


class Console:
    """``screens`` is all that any console of the drill wrote; ``seen`` their processes, the recorder's among them."""

    def __init__(self, home: Home, environment: dict[str, str], folder: Path, chance: random.Random) -> None:
        self.screens: list[bytes] = []
        self.seen: list[Processes] = []
        self.ends: list[int] = []
        self._home, self._environment, self._folder, self._chance = home, environment, folder, chance
        self.start()

    def start(self) -> None:
        """Start one."""
        self.terminal = Terminal([sys.executable, "-m", "console"], self._environment, (100, 30), controlling=True, watched=False)
        self.seen.append(self.terminal.processes)

    def attend(self) -> None:
        """Look at its processes, type a key, and start another where it has ended by itself."""
        self.terminal.processes.look()
        if (code := self.terminal.process.poll()) is not None:
            self.ends.append(code)
            self.close()
            self.start()
        elif self._chance.random() < 0.5:
            self.terminal.press(self._chance.choice(_KEYS))

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Kill it and start another."""
        os.kill(self.terminal.process.pid, number)
        self.terminal.process.wait(60)
        self.close()
        self.start()

    def child(self) -> int | None:
        """Return the process of the workspace's SDK, where there is one."""
        for (pid, _), text in self.terminal.processes.seen.items():
            if CHILD in text.partition(b"\n")[0] and pid in self.terminal.processes.pids():
                return pid
        return None

    def recorder(self) -> int | None:
        """Return the recorder's process, where there is one."""
        status = self._home.recorder()
        if status is None or not status.pid:
            return None
        try:
            arguments = Path(f"/proc/{status.pid}/cmdline").read_bytes()
        except OSError:
            return None
        if b"services.messages.recorder" not in arguments:
            return None
        recorder = Processes(status.pid, watched=False)
        recorder.look()
        self.seen.append(recorder)
        return status.pid

    def close(self) -> None:
        """Leave the terminal; the recorder ends with its last console."""
        recorder = self.recorder()
        self.screens.append(bytes(self.terminal.bytes))
        for key in [key for key in self.terminal.processes.seen if key[0] == recorder]:
            del self.terminal.processes.seen[key]  # close() ends all that it saw, and the recorder is to outlive a console
        self.terminal.close()
