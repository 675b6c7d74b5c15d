"""A real engine (podman's Docker-compatible service) and a real registry (docker-registry), where the machine has them."""

import datetime
import ipaddress
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests


def _until(ready: Callable[[], object], process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert process.poll() is None, "it ended at once"
        assert time.monotonic() < deadline, "it did not come up"
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture(scope="session")
def real_registry(tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]) -> Iterator[tuple[str, str]]:
    """HOST:PORT and CA file of a docker-registry."""
    program = shutil.which("docker-registry")
    if not program:
        pytest.skip("docker-registry is not installed here (Debian: docker-registry)")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cert, key = certificate
    (folder / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}', tls: {{certificate: {cert}, key: {key}}}}}\n"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:

        def answers() -> bool:
            try:
                return requests.get(f"https://127.0.0.1:{port}/v2/", verify=str(cert), timeout=2).ok
            except requests.RequestException:
                return False

        _until(answers, process)
        yield f"127.0.0.1:{port}", str(cert)
    finally:
        _end(process)


@pytest.fixture(scope="session")
def engine_url(lab: dict, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a Docker-compatible engine that pushes to the lab's registry and the real one."""
    program = shutil.which("podman")
    if not program or os.geteuid() != 0:
        pytest.skip("podman is not installed here, or not run as root")
    servers = [lab["registry_server"]]
    if shutil.which("docker-registry"):
        servers.append(request.getfixturevalue("real_registry")[0])
    made = tempfile.TemporaryDirectory(
        prefix="podman-", ignore_cleanup_errors=True
    )  # podman takes no path of more than 50 letters
    folder = Path(made.name)
    # The engine's trust is the machine's affair; here it is told not to ask.
    (folder / "registries.conf").write_text(
        "".join(f'[[registry]]\nlocation = "{server}"\ninsecure = true\n' for server in servers)
    )
    socket_path = folder / "engine.sock"
    storage = ["--storage-driver=vfs", "--root", str(folder / "root"), "--runroot", str(folder / "run")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, *storage, "system", "service", "--time=0", f"unix://{socket_path}"],
            stdout=log,
            stderr=log,
            env={**os.environ, "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"), "HOME": str(folder)},
        )
    try:
        _until(socket_path.exists, process)
        yield f"unix://{socket_path}"
    finally:
        _end(process)
        made.cleanup()
