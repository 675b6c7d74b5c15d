"""A deadline for a whole exchange: TLS, header and body together. A timeout of a socket begins anew with each byte."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Any

import urllib3

_current = threading.local()


class Deadline:
    """Ends the connections that this thread uses within the block when ``seconds`` are over; ``over`` then tells so."""

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._lines: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Deadline:
        _current.deadline = self
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._timer.cancel()
        _current.deadline = None

    def watch(self, line: socket.socket) -> None:
        """End ``line`` too, now where the time is over already."""
        with self._lock:
            self._lines.append(line)
            if self.over:
                _shut(line)

    def _end(self) -> None:
        with self._lock:
            self.over = True
            for line in self._lines:
                _shut(line)


def _shut(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended by itself


class _Watched:
    """A connection whose line the deadline of the thread that uses it can end.

    A duplicate of the socket, because TLS takes the first one away before the handshake.
    """

    line: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        connected: socket.socket = super()._new_conn()  # type: ignore[misc]
        self._forget_line()
        self.line = connected.dup()
        self._watch()
        return connected

    def request(self, *arguments: Any, **options: Any) -> None:
        self._watch()
        super().request(*arguments, **options)  # type: ignore[misc]

    def close(self) -> None:
        super().close()  # type: ignore[misc]
        self._forget_line()

    def _watch(self) -> None:
        deadline: Deadline | None = getattr(_current, "deadline", None)
        if deadline is not None and self.line is not None:
            deadline.watch(self.line)

    def _forget_line(self) -> None:
        if self.line is not None:
            self.line.close()
            self.line = None


class _Plain(_Watched, urllib3.connection.HTTPConnection):
    pass


class _Encrypted(_Watched, urllib3.connection.HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Encrypted


POOLS = {"http": _PlainPool, "https": _EncryptedPool}
