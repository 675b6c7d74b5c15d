"""What a message costs the recorder, received to committed, beside a bare azure-eventhub aio loop (prefetch 1000, batches) that
does nothing with it: processor time, and messages a second.

Both drain the same backlog of the same server, in a process of their own, ``--rounds`` times, one right after the other and each
first in turn, so that what else the machine does meets both. The figures are the medians of the rounds' ratios. The server is the
lab, or one made with rhea, in which no code of ours decides (tests/bench/rhea_server.py).
``python tests/bench/throughput.py [--messages N] [--rounds N] [--server lab|rhea]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bench_lab import bench_lab, context, folder, processor_seconds, report
from rhea_server import rhea_endpoint

from services.messages.journal.store import Journal
from services.messages.recorder.handle import ensure_recorder
from services.messages.start import Start
from services.records import EventEndpoint, Secret


async def bare(connection: str, ca_file: str, count: int) -> tuple[float, float]:
    """The rate of the bare loop over ``count`` messages, from the first batch on, and its processor time a message in µs."""
    from azure.eventhub.aio import EventHubConsumerClient

    client = EventHubConsumerClient.from_connection_string(connection, consumer_group="$Default", connection_verify=ca_file)
    got, first, begun, used, done = 0, 0, 0.0, 0.0, asyncio.Event()

    async def take(_context: object, events: list[object]) -> None:
        nonlocal got, first, begun, used
        got += len(events)
        if not begun:
            begun, used, first = time.perf_counter(), time.process_time(), got
        if got >= count:
            done.set()

    work = asyncio.ensure_future(client.receive_batch(take, prefetch=1000, max_batch_size=1000, starting_position="-1"))
    await done.wait()
    rate = (got - first) / (time.perf_counter() - begun)
    each = (time.process_time() - used) / (got - first) * 1e6
    work.cancel()
    await asyncio.wait({work})
    await client.close()
    return rate, each


def main() -> None:
    """Measure both, alternating."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server", choices=("lab", "rhea"), default="lab")
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        address = json.load(sys.stdin)
        sys.stdout.write(json.dumps(asyncio.run(bare(address["connection"], address["ca_file"], options.messages))))
        return
    with server(options.server, options.messages) as endpoint:
        address = json.dumps({"connection": endpoint.connection_string.reveal(), "ca_file": endpoint.ca_file})
        child = [sys.executable, __file__, "--bare", "--messages", str(options.messages)]
        ours: list[tuple[float, float]] = []
        theirs: list[tuple[float, float]] = []
        for number in range(options.rounds):
            for turn in (number, number + 1):
                if turn % 2:
                    ours.append(recorded(endpoint, options.messages))
                else:
                    output = subprocess.run(child, input=address, capture_output=True, text=True, check=True).stdout
                    theirs.append(tuple(json.loads(output)))
    rates = [ours[number][0] / theirs[number][0] for number in range(options.rounds)]
    costs = [ours[number][1] / theirs[number][1] for number in range(options.rounds)]
    report(
        "processor time of a committed message / of one in a bare aio loop",
        round(statistics.median(costs), 3),
        "<= 0.5",
        costs=[round(ratio, 3) for ratio in costs],
        rate=round(statistics.median(rates), 2),
        rate_reach=">= 2.0, where the server is not the limit",
        rates=[round(ratio, 2) for ratio in rates],
        server=options.server,
        recorder=[round(rate) for rate, _ in ours],
        bare=[round(rate) for rate, _ in theirs],
        processor_us_a_message={
            "recorder": round(statistics.median(each for _, each in ours), 1),
            "bare": round(statistics.median(each for _, each in theirs), 1),
        },
        messages=options.messages,
        body_bytes=300,
        partitions=4,
    )


@contextmanager
def server(name: str, messages: int) -> Iterator[EventEndpoint]:
    """A server with a backlog."""
    if name == "rhea":
        with rhea_endpoint(messages) as endpoint:
            yield endpoint
        return
    with bench_lab() as lab:
        lab.inject(messages)
        yield replace(
            lab.endpoint, connection_string=Secret(lab.info["event_hub_connection_string"]), ca_file=lab.info["ca_file"]
        )


def recorded(endpoint: EventEndpoint, count: int) -> tuple[float, float]:
    """The recorder's rate over the same messages, from the first that are committed to the last, and its processor time."""
    handle = ensure_recorder(context(), endpoint, Start("beginning"), folder=folder())
    journal = Journal(handle.journal_path, read_only=True)
    begun, first, used = 0.0, 0, 0.0
    pid = handle.status().pid
    try:
        while True:
            rows = journal.bounds()[1]
            if rows and not begun:
                begun, first, used = time.perf_counter(), rows, processor_seconds(pid)
            if rows >= count:
                each = (processor_seconds(pid) - used) / (rows - first) * 1e6
                return (rows - first) / (time.perf_counter() - begun), each
            time.sleep(0.02)
    finally:
        journal.close()
        handle.close()
        if handle._child is not None:
            handle._child.wait(20)


if __name__ == "__main__":
    main()
