"""The lab's faults, switched from the console: its control API over HTTPS, with the run's own key and authority."""

from __future__ import annotations

import json
import ssl
import urllib.request
from dataclasses import dataclass
from typing import Any

from services.contexts.paths import config_folder
from services.errors import OperatorError
from services.json_reader import read_json
from services.text import one_line


@dataclass(frozen=True)
class Fault:
    """A fault that the lab can make; ``on`` says where it is on, empty where it is off."""

    name: str
    place: str
    text: str
    on: tuple[tuple[str, str], ...] = ()  # (device, module); empty names are all of them

    @property
    def of_a_device(self) -> bool:
        """Whether it is made on one device or module."""
        return self.place == "agent"


class LabFaults:
    """The control of the lab whose context the console works in. Blocking; raises OperatorError."""

    def __init__(self, info: dict[str, Any]) -> None:
        self._url, self._key, self._ca_file = str(info["control"]), str(info["control_key"]), str(info["ca_file"])

    @classmethod
    def find(cls) -> LabFaults | None:
        """Return the control of the lab that made this configuration; None where no lab did."""
        file = config_folder().parent.parent / "lab.json"
        try:
            return cls(read_json(file.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def faults(self) -> list[Fault]:
        """Return every fault, with where it is on."""
        return self._faults(self._call(None))

    def switch(self, name: str, on: bool, device: str = "", module: str = "") -> list[Fault]:
        """Switch one fault; ``none`` switches all off."""
        return self._faults(self._call({"name": name, "on": on, "device": device, "module": module}))

    def _faults(self, reply: Any) -> list[Fault]:
        where: dict[str, list[tuple[str, str]]] = {}
        for fault in reply["on"]:
            where.setdefault(fault["name"], []).append((fault["device"], fault["module"]))
        return [
            Fault(kind["name"], kind["place"], one_line(kind["text"], 200), tuple(where.get(kind["name"], ())))
            for kind in reply["known"]
        ]

    def _call(self, body: dict[str, Any] | None) -> Any:
        request = urllib.request.Request(
            f"{self._url}/faults",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self._ca_file)),
        )
        try:
            with opener.open(request, timeout=20) as reply:
                return read_json(reply.read())
        except (OSError, ValueError) as error:
            raise OperatorError(
                "The lab's control does not answer.",
                cause=one_line(error, 200),
                remedy="See whether the lab still runs.",
                code="lab.control",
            ) from None
