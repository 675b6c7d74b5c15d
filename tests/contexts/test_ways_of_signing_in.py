"""Every way of signing in that needs nobody at a keyboard, and what is said where one fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from services.contexts.codec import context_from, to_table
from services.contexts.event_token import EventCredential
from services.contexts.model import CLOUDS, CloudSettings, Context, SecretSource, SignIn
from services.contexts.sign_in import token
from services.contexts.sign_in_errors import sign_in_error
from services.errors import OperatorError


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificate_of(key: rsa.RSAPrivateKey) -> str:
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "console")]), datetime.now(timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    signed = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1)).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def pem_of(key: rsa.RSAPrivateKey, password: str = "") -> str:
    how = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, how).decode()


@pytest.fixture
def context(own_lab: dict[str, Any]) -> Context:
    return Context("site", cloud=CloudSettings(own_lab["https"], own_lab["https"], own_lab["ca_file"]))


def private(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


@pytest.mark.parametrize("password", ["", "open sesame"])
def test_a_certificate_signs_in_here_and_in_the_recorder(
    own_lab: dict[str, Any],
    context: Context,
    key: rsa.RSAPrivateKey,
    control: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    password: str,
) -> None:
    file = private(tmp_path / "app.pem", pem_of(key, password) + certificate_of(key))
    monkeypatch.setenv("PASSWORD", password)
    secret = SecretSource("env", "PASSWORD") if password else None
    sign_in = SignIn("service-principal", own_lab["tenant"], own_lab["client_id"], secret, certificate=file)
    context = dataclasses.replace(context, sign_in=sign_in)
    with pytest.raises(OperatorError) as raised:
        token(context)
    assert raised.value.code == "sign-in.federation"  # of the lab, which has no certificate of the application's yet
    control(own_lab, "certificate", {"pem": certificate_of(key)})
    assert token(context)[0]
    fields = EventCredential(context).to_fields()
    monkeypatch.delenv("PASSWORD")
    assert EventCredential.from_fields(fields).get_token("https://eventhubs.azure.net//.default").token
    monkeypatch.setenv("PASSWORD", password)
    Path(file).chmod(0o644)
    with pytest.raises(OperatorError, match="Others can read"):
        token(dataclasses.replace(context, sign_in=dataclasses.replace(sign_in, tenant="other")))


def test_a_federated_token_is_read_anew(
    own_lab: dict[str, Any], context: Context, control: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = private(tmp_path / "federated", control(own_lab, "certificate", {})["federated_token"])
    named = SignIn("workload-identity", own_lab["tenant"], own_lab["client_id"], token_file=file)
    assert token(dataclasses.replace(context, sign_in=named))[0]
    for name, value in (("FEDERATED_TOKEN_FILE", file), ("TENANT_ID", own_lab["tenant"]), ("CLIENT_ID", own_lab["client_id"])):
        monkeypatch.setenv(f"AZURE_{name}", value)
    assert token(dataclasses.replace(context, sign_in=SignIn("workload-identity")))[0]
    wrong = private(tmp_path / "wrong", "a.b.c")
    with pytest.raises(OperatorError) as raised:
        token(dataclasses.replace(context, sign_in=dataclasses.replace(named, token_file=wrong)))
    assert raised.value.code == "sign-in.federation"
    assert "a.b.c" not in str(raised.value)


def test_a_managed_identity_of_the_system_and_of_the_user(
    own_lab: dict[str, Any], context: Context, control: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{own_lab['https']}/lab/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", control(own_lab, "certificate", {})["identity_header"])
    for client in ("", own_lab["client_id"]):
        assert token(dataclasses.replace(context, sign_in=SignIn("managed-identity", client_id=client)))[0]
    with pytest.raises(OperatorError) as raised:
        token(dataclasses.replace(context, sign_in=SignIn("managed-identity", client_id="another")))
    assert "not that client id" in raised.value.cause


@pytest.mark.parametrize("method", ["service-principal", "workload-identity"])
def test_what_a_sign_in_lacks_is_said(context: Context, method: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE", raising=False)
    with pytest.raises(OperatorError) as raised:
        token(dataclasses.replace(context, sign_in=SignIn(method, "t", "c")))
    assert raised.value.code == "sign-in.incomplete"


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (50076, "sign-in.again", "az login --tenant T --scope S"),
        (700082, "sign-in.again", "az login --tenant T --scope S"),
        (53003, "sign-in.policy", "managed identity"),
        (50020, "sign-in.tenant", "az login"),
        (90002, "sign-in.tenant", "authority"),
        (700016, "sign-in.application", "client_id"),
        (7000215, "sign-in.failed", "value"),
        (7000222, "sign-in.failed", "new one"),
        (700027, "sign-in.certificate", "Upload"),
        (70021, "sign-in.federation", "federated"),
        (700024, "sign-in.clock", "clock"),
        (999999, "sign-in.failed", "az login"),
    ],
)
def test_the_number_of_a_refusal_decides(number: int, code: str, words: str) -> None:
    context = Context("site", sign_in=SignIn("az", "T"))
    error = sign_in_error(context, ClientAuthenticationError(f"AADSTS{number}: words {{x}} of its own. SSL"), "S")
    assert error.code == code and words in error.remedy and f"AADSTS{number}" in error.cause


def test_a_tenant_that_needs_another_login(
    own_lab: dict[str, Any], context: Context, control: Callable[..., Any], tmp_path: Path
) -> None:
    secret = SecretSource("file", private(tmp_path / "secret", own_lab["client_secret"]))
    context = dataclasses.replace(context, sign_in=SignIn("service-principal", own_lab["tenant"], own_lab["client_id"], secret))
    control(own_lab, "faults", {"name": "sign-in", "number": 50076})
    with pytest.raises(OperatorError) as raised:
        token(context)
    assert raised.value.code == "sign-in.again" and "second factor" in raised.value.cause
    control(own_lab, "faults", {"name": "sign-in", "on": False})
    assert token(context)[0]


@pytest.mark.parametrize("cloud", list(CLOUDS))
def test_clouds_and_ways_survive_the_file(cloud: str) -> None:
    sign_in = SignIn("service-principal", "t", "c", certificate="/x/app.pem", token_file="/x/token")
    context = Context("site", cloud=CloudSettings(*CLOUDS[cloud]), sign_in=sign_in)
    table = {key: value for key, value in to_table(context).items() if key != "name"}
    assert context_from("site", table) == context
