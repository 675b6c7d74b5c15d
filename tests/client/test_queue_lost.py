"""The folder of waiting results disappears while the client runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from services.client.outbox import Outbox
from services.client.sender import Sender

ASSETS = Path(__file__).parents[2] / "services" / "client" / "assets"


def test_the_client_says_so_and_ends_with_an_error(tmp_path, eventually):
    queue, log = tmp_path / "queue", tmp_path / "log"
    environment = os.environ | {
        "DEVICE_CONNECTION_STRING": "HostName=127.0.0.1;DeviceId=d;SharedAccessKey=YWJj",
        "CLIENT_QUEUE_FOLDER": str(queue),
    }
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.client.run", "-d", str(ASSETS), "-a", "127.0.0.1", "-p", "1", "-w", "0"],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    try:
        eventually(lambda: "not sent yet" in log.read_text())
        shutil.rmtree(queue)
        assert process.wait(240) == 1
        assert "the queue of results" in log.read_text() and "lost" in log.read_text()
    finally:
        process.kill()
        process.wait()


def test_a_sender_whose_queue_is_damaged_tells(tmp_path, eventually):
    outbox = Outbox(tmp_path)
    told = []
    outbox._database.execute("DROP TABLE waiting")
    sender = Sender(outbox, lambda: told.append(True))
    eventually(lambda: told)
    assert "waiting" in str(sender.error)
    sender.close()
    outbox.close()
