"""Faults of the wire, carried out on a port: cut (again and again), freeze, refuse, slow."""

from __future__ import annotations

import asyncio

from services.lab.faults import Fault, Faults
from services.lab.wire.listener import Listener


def carry_out(faults: Faults, listener: Listener) -> None:
    """Let the faults ``cut``, ``freeze``, ``refuse`` and ``slow`` act on ``listener``, those that are on already included."""
    cutting: dict[int, asyncio.TimerHandle] = {}
    loop = asyncio.get_running_loop()

    def cut(every: float) -> None:
        listener.cut()
        cutting[0] = loop.call_later(max(every, 0.1), cut, every)

    def change(fault: Fault, on: bool) -> None:
        name = fault.kind.name
        if name == "cut":
            if timer := cutting.pop(0, None):
                timer.cancel()
            if on:
                cut(float(fault.parameters["every"]))
        elif name == "freeze":
            listener.freeze(on)
        elif name == "refuse":
            listener.refuse(on)
        elif name == "slow":
            listener.slow(float(fault.parameters["seconds"]) if on else 0.0)

    faults.watch(change)
    for fault in list(faults.on):
        change(fault, True)
