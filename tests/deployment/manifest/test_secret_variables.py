"""Which values of a manifest's open names are hidden while they are typed: by the rule of masking, of names and of places."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.deployment.manifest.file import secret_variables


def manifest(module: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    agent = {"modules": {"m": module or {}}, "runtime": {"settings": settings}}
    return {"modulesContent": {"$edgeAgent": {"properties.desired": agent}}}


def options(**fields: Any) -> dict[str, Any]:
    return {"settings": {"image": "i", "createOptions": json.dumps(fields)}}


@pytest.mark.parametrize(
    "name",
    ["REGISTRY_PASSWORD", "PASSWD", "DB_PWD", "PASSPHRASE", "SAS", "BLOB_SAS", "SIG", "SIGNATURE", "API_KEY", "ACCOUNT_KEY",
     "AUTH", "AUTHORIZATION", "CREDENTIALS", "CLIENT_SECRET", "TOKEN", "CONNECTION_STRING", "CONN_STR", "DB_CONNECTION"],
)  # fmt: skip
def test_names_that_tell_a_secret(name: str) -> None:
    assert secret_variables(manifest(options(Cmd=[f"${name}"]))) == {name}


@pytest.mark.parametrize(
    "content",
    [
        manifest(registryCredentials={"acr": {"address": "x.io", "username": "u", "password": "$ACR"}}),
        manifest(registryCredentials={"acr": {"address": "x.io", "username": "u", "password": "${ACR}"}}),
        manifest({"env": {"STORAGE_KEY": {"value": "$ACR"}}}),
        manifest(options(Env=["DB_PASSWORD=$ACR"])),
        manifest(options(Env=["URL=https://user:$ACR@host/"])),
        manifest({"env": {"CONN": {"value": "HostName=h;SharedAccessKey=$ACR"}}}),
        {"modulesContent": {"m": {"properties.desired": {"upload": {"sas": "$ACR"}}}}},
    ],
)  # fmt: skip
def test_places_that_hold_a_secret(content: dict[str, Any]) -> None:
    assert secret_variables(content) == {"ACR"}


@pytest.mark.parametrize(
    "content",
    [
        manifest({"settings": {"image": "$REGISTRY/host:$TAG"}}),
        manifest({"env": {"WAIT": {"value": "$SECONDS"}}}),
        manifest(options(Env=["LEVEL=$LEVEL"], Hostname="$HOST")),
        manifest(registryCredentials={"acr": {"address": "$REGISTRY", "username": "$USER", "password": "x"}}),
    ],
)
def test_the_rest_is_shown(content: dict[str, Any]) -> None:
    assert secret_variables(content) == set()
