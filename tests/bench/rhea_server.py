"""An Event Hub-compatible endpoint made with rhea, a foreign AMQP library: no code of the lab stands behind it.

It needs node, and rhea in a folder: ``npm install rhea`` there, and NODE_PATH names its ``node_modules``.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.records import EventEndpoint, Secret

SERVER = Path(__file__).with_name("rhea") / "server.js"
HOST = "127.0.77.7"
PARTITIONS = 4


@contextmanager
def rhea_endpoint(messages: int, body_bytes: int = 300) -> Iterator[EventEndpoint]:
    """Serve ``messages`` over all partitions, from the first on to whoever reads."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder, "key.pem"), Path(folder, "certificate.pem")
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
        command += ["-addext", f"subjectAltName=IP:{HOST}", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(command, check=True, capture_output=True)
        words = [HOST, "5671", str(certificate), str(key), str(messages), str(PARTITIONS), str(body_bytes)]
        process = subprocess.Popen(
            ["node", str(SERVER), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise SystemExit("node cannot run tests/bench/rhea/server.js: is rhea in a folder that NODE_PATH names?")
            assert json.loads(line)["port"] == 5671
            connection = f"Endpoint=sb://{HOST}/;SharedAccessKeyName=any;SharedAccessKey=YW55;EntityPath=hub"
            yield EventEndpoint(namespace=HOST, entity="hub", connection_string=Secret(connection), ca_file=str(certificate))
        finally:
            process.kill()
            process.wait()
