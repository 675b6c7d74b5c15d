"""Which other host a service may lead to and have given the credentials that are meant for the service itself.

A hub names the host of its messages, a registry that of its tokens, a resource manager that of Azure ML. A name that comes in a
reply is no more to be trusted than the reply. So it has to be the service's own host, one of a known pair, or one that the
operator has confirmed: ``trusted_hosts`` of the context.
"""

from __future__ import annotations

from typing import Literal

from services.contexts.model import Context
from services.errors import OperatorError
from services.text import one_line

Kind = Literal["hub", "registry", "resource manager"]

# By the end of the service's host (a name alone is the whole host), the ends of the hosts that belong to it.
_KNOWN: dict[Kind, dict[str, tuple[str, ...]]] = {
    # Azure/azure-iot-explorer public/ (the hosts that its proxy lets through).
    "hub": {
        ".azure-devices.net": (".servicebus.windows.net",),
        ".azure-devices.us": (".servicebus.usgovcloudapi.net",),
        ".azure-devices.cn": (".servicebus.chinacloudapi.cn",),
    },
    # distribution/distribution, its specification of tokens. Those of Azure, GitHub, Quay and Google give theirs out themselves.
    "registry": {"docker.io": ("auth.docker.io",)},
    # azureml-core 1.61 (the addresses that its own modules name for each cloud).
    "resource manager": {
        "management.azure.com": (".azureml.ms", ".azureml.net"),
        "management.usgovcloudapi.net": (".ml.azure.us",),
        "management.chinacloudapi.cn": (".ml.azure.cn",),
    },
}
_WORDS: dict[Kind, tuple[str, str]] = {
    "hub": ("The hub", "its messages are received"),
    "registry": ("The registry", "its tokens are given out"),
    "resource manager": ("Azure Resource Manager", "Azure ML is asked"),
}


def host_alone(host: str) -> str:
    """Return a host in lower case, without port and last dot."""
    name = host.strip().lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0] if name.count(":") == 1 else name
    return name.rstrip(".")


def leads(context: Context | None, kind: Kind, owner: str, host: str) -> bool:
    """Return whether ``host`` may be given the credentials that are meant for ``owner``; of both the name counts."""
    service, other = host_alone(owner), host_alone(host)
    if not other or not service:
        return False
    if other == service:
        return True
    for end, ends in _KNOWN[kind].items():
        if _ends(service, end) and any(_ends(other, sibling) for sibling in ends):
            return True
    pairs = context.trusted_hosts if context is not None else ()
    return any((host_alone(one), host_alone(two)) == (service, other) for one, _, two in (pair.partition("=") for pair in pairs))


def _ends(host: str, end: str) -> bool:
    return host.endswith(end) if end.startswith(".") else host == end


def check_leads(context: Context | None, kind: Kind, owner: str, host: str) -> None:
    """Raise OperatorError, which names the command that confirms it, where ``leads`` says no."""
    if leads(context, kind, owner, host):
        return
    service, other = one_line(host_alone(owner), 200), one_line(host_alone(host), 200)
    subject, purpose = _WORDS[kind]
    name = f"{context.name} " if context is not None else "CONTEXT "
    raise OperatorError(
        f"{subject} {service} says that {purpose} at {other or 'no host at all'}.",
        cause="That is neither its own host nor one that is known to belong to it. No key, password or token was sent there.",
        remedy=f"Where the two belong together: dbe-console context trust {name}--host {service}={other}.",
        code="context.untrusted-host",
    )
