"""A workspace's records as the service sends them, before the SDK reads them: evidence for a capture.

The SDK's own objects keep some fields and drop the rest; addresses and versions are those that it asks
(docs/facts/azure-ml.md). Every request only reads.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import requests

from services.contexts.hosts import leads
from services.contexts.model import Context, WorkspaceSettings
from services.contexts.sign_in import connection_options, token
from services.errors import OperatorError
from services.json_reader import JsonError, read_json
from services.records import Exchange, Observer
from services.replies.session import Service, open_session, origin_of
from services.text import one_line

_TIMEOUT = (10, 30)
_RECORDS = ("models", "images", "services")


def observe_replies(context: Context, place: WorkspaceSettings, observe: Observer) -> list[str]:
    """Give ``observe`` the raw replies about the workspace, its models, images, services and compute targets.

    Returns what kept a reply from coming, one sentence each; raises OperatorError where nobody can be signed in.
    """
    headers = {"Authorization": f"Bearer {token(context)[0]}"}
    base = context.cloud.resource_manager.rstrip("/")
    missing: list[str] = []

    def ask(url: str, ca_file: str, signed: bool = True) -> requests.Response | None:
        if urlsplit(url).scheme != "https":  # a token goes nowhere in the clear
            missing.append(f"{one_line(url, 200) or 'no address'} is no https address")
            return None
        host = origin_of(url)[1]
        if signed and not leads(context, "resource manager", origin_of(base)[1], host):
            missing.append(f"{one_line(host, 200)} is no host that the token is meant for")
            return None
        verify = connection_options(ca_file).get("connection_verify", True)
        try:
            with open_session(Service("Azure ML", "workspace.reply", (url,))) as session:
                response = session.get(url, headers=headers if signed else {}, timeout=_TIMEOUT, verify=verify)
        except (requests.RequestException, OSError, OperatorError) as error:
            missing.append(f"{one_line(urlsplit(url).netloc, 200)} gave no reply: {type(error).__name__}")
            return None
        observe(Exchange.of_response("workspace", response))
        return response

    own_ca = place.ca_file or context.cloud.ca_file
    path = (
        f"/subscriptions/{place.subscription}/resourceGroups/{place.resource_group}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{place.name}"
    )
    workspace = ask(f"{base}{path}?api-version=2022-05-01", context.cloud.ca_file)
    discovery_url = _text(_field(workspace, "properties"), "discoveryUrl")
    if not discovery_url:
        return missing
    discovery = ask(discovery_url, own_ca, signed=False)
    models_base = _text(_json(discovery), "modelmanagement").rstrip("/")
    for record in _RECORDS if models_base else ():
        version = "computeType=IOT&" if record == "services" else ""
        ask(f"{models_base}/modelmanagement/v1.0{path}/{record}?{version}api-version=2018-11-19", own_ca)
    api_base = _text(_json(discovery), "api").rstrip("/")
    if api_base:
        ask(f"{api_base}/rp/workspaces{path}/computes?api-version=2020-02-02", own_ca)
    return missing


def _json(response: requests.Response | None) -> object:
    if response is None:
        return None
    try:
        return read_json(response.content)
    except JsonError:
        return None


def _field(response: requests.Response | None, name: str) -> object:
    fields = _json(response)
    return fields.get(name) if isinstance(fields, dict) else None


def _text(fields: object, name: str) -> str:
    value = fields.get(name) if isinstance(fields, dict) else None
    return value if isinstance(value, str) else ""
