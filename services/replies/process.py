"""A whole process whose requests are held to ``services.replies``: for an SDK that makes sessions and adapters of its own."""

from __future__ import annotations

import threading
from typing import Any

import requests

from services.errors import OperatorError
from services.replies.session import ReplyAdapter, Service


class ProcessFaults:
    """The faults of replies, a thread's own: an SDK may catch what is raised in its midst and go on as if nothing had come."""

    def __init__(self) -> None:
        self._last = threading.local()

    def note(self, error: OperatorError | None) -> None:
        """Keep the last fault of this thread; None forgets it."""
        self._last.error = error

    @property
    def last(self) -> OperatorError | None:
        """The last fault of this thread."""
        error: OperatorError | None = getattr(self._last, "error", None)
        return error


def guard_process(service: Service) -> ProcessFaults:
    """Have every session of this process send by a ReplyAdapter, also those that mount an adapter of requests' own.

    To be called before an SDK is imported, which may take the class's name along. Returns what goes wrong.
    """
    faults = ProcessFaults()

    class ProcessAdapter(ReplyAdapter):
        def __init__(self, *_arguments: object, **_options: object) -> None:
            super().__init__(service)

        def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
            try:
                return super().send(request, *arguments, **options)
            except OperatorError as error:
                faults.note(error)
                raise

    for module in (requests, requests.adapters, requests.sessions):
        vars(module)["HTTPAdapter"] = ProcessAdapter
    return faults
