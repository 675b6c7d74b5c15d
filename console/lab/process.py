"""The embedded lab as a child of the console: started in the background, ended with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from services.contexts.paths import SAVED, state_folder
from services.errors import OperatorError
from services.text import clean


class LabProcess:
    """Run ``python -m services.lab`` as a child that removes its own folder.

    It ends when its standard input closes, so that neither can outlive the console, however that ends.
    """

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the lab)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.lab", "--with-parent", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # the terminal's signals are the console's
        )

    def ready(self) -> dict[str, Any]:
        """Wait until every listener is up; gives LabInfo. Raises OperatorError with the lab's own words when it does not come up."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.strip():
            self._process.wait()
            self._errors.seek(0)
            error_text = clean(self._errors.read().decode("utf-8", "replace"))[-2000:]
            remedy = "Leave out --address, so that a free one is taken; or end what listens there."
            if "ModuleNotFoundError" in error_text:
                remedy = "Install its extra with: pip install 'dbe-console[lab]'; then see: dbe-console lab"
            raise OperatorError(
                "The lab did not start.",
                cause=error_text.strip().splitlines()[-1].removeprefix("The lab cannot start: ")
                if error_text.strip()
                else "It ended without a word.",
                remedy=remedy,
                code="lab.not-started",
                raw=error_text,
            )
        info: dict[str, Any] = json.loads(line)
        os.environ[SAVED] = str(state_folder())
        for name in ("no_proxy", "NO_PROXY"):  # no proxy leads to a lab on this machine
            os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.0/8")))
        os.environ["DBE_CONSOLE_HOME"] = info["config_home"]  # the lab's contexts, journals and history; never the operator's own
        return info

    def wait(self) -> int:
        """Wait until the lab ends and return its exit status."""
        return self._process.wait()

    def close(self) -> None:
        """End it; it removes its folder."""
        os.environ.pop(SAVED, None)
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._errors.close()
