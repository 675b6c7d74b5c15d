"""A loopback address of the lab's own: SDKs hard-code ports 5671 and 8883, so labs side by side differ by address."""

from __future__ import annotations

import errno
import random
import socket
from ipaddress import AddressValueError, IPv4Address

AMQPS, MQTTS = 5671, 8883
_LAST = 239


class AddressError(Exception):
    """No address can be had; says why."""


class Claim:
    """An address 127.B.C.D with the HTTPS socket bound, which is what holds it; its AMQPS and MQTTS ports were free a moment ago.

    The devices of the lab live on the addresses after it (``device(1)`` …).
    """

    def __init__(self, wanted: str = "") -> None:
        chooser = random.SystemRandom()
        if wanted and not _loopback(wanted):
            raise AddressError(f"{wanted} is not a loopback address; the lab lives on 127.x.y.z alone")
        if int(wanted.rpartition(".")[2] or 0) > _LAST:
            raise AddressError(f"the addresses after {wanted} are the devices': its last number must be {_LAST} at most")
        for _ in range(1 if wanted else 50):
            # Steps of 16 keep the devices' addresses of two labs apart.
            address = wanted or f"127.{chooser.randint(64, 191)}.{chooser.randint(0, 255)}.{1 + 16 * chooser.randint(0, 14)}"
            try:
                self.https = _https(address)
            except OSError as error:
                self._refuse(wanted, address, error)
                continue
            try:
                for port in (AMQPS, MQTTS):
                    _bound(address, port).close()
            except OSError as error:
                self.https.close()
                self._refuse(wanted, address, error)
                continue
            self.address = address
            self.port: int = self.https.getsockname()[1]
            return
        raise AddressError(
            "no free loopback address in 50 tries: something listens on port 5671 or 8883 of every address (0.0.0.0)"
        )

    @staticmethod
    def _refuse(wanted: str, address: str, error: OSError) -> None:
        if wanted or error.errno != errno.EADDRINUSE:
            raise AddressError(_why(address, error)) from error

    def device(self, number: int) -> str:
        """Return the address of the lab's ``number``-th device, counted from 1."""
        head, _, last = self.address.rpartition(".")
        return f"{head}.{int(last) + number}"


def _loopback(text: str) -> bool:
    try:
        return IPv4Address(text).is_loopback
    except AddressValueError:
        return False


def _https(address: str) -> socket.socket:
    """Return a bound socket on port 443; on 8443 where this user may not bind that."""
    try:
        return _bound(address, 443)
    except PermissionError:
        return _bound(address, 8443)


def _bound(address: str, port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Connections of an earlier lab may linger in TIME_WAIT; a live listener still refuses the bind.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((address, port))
        one.listen(128)
    except OSError:
        one.close()
        raise
    one.setblocking(False)
    return one


def _why(address: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"another lab, or something else, already listens on {address}, on the port for HTTPS, {AMQPS} or {MQTTS}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{address} is not a loopback address that this machine lets a program use"
    return f"{address} cannot be used: {error.strerror}"
