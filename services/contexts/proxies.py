"""Which proxy stands before a host: the one of the context that is used, else that of the environment.

requests, and so hub, ARM, Azure ML, registry and sign-in, read HTTPS_PROXY and NO_PROXY by themselves; azure-eventhub reads neither
(docs/facts/azure-today.md, section 7). A context's own proxy takes the place of HTTPS_PROXY in this process and its children, so that
one setting holds for all of them.
"""

from __future__ import annotations

import ipaddress
import os
import urllib.request
from urllib.parse import urlsplit

_NAMES = ("https_proxy", "HTTPS_PROXY")
_environments_own: dict[str, str] | None = None  # before a context's proxy took its place


def use_proxy(proxy: str) -> None:
    """Have every leg go by ``proxy``; by the environment's own again where it is empty."""
    global _environments_own
    if not proxy and _environments_own is None:
        return
    if _environments_own is None:
        _environments_own = {name: os.environ[name] for name in _NAMES if name in os.environ}
    values = dict.fromkeys(_NAMES, proxy) if proxy else _environments_own
    for name in _NAMES:
        os.environ.pop(name, None)
    os.environ.update(values)
    if not proxy:
        _environments_own = None


def proxy_for(host: str) -> str:
    """Return the URL of the proxy by which ``host`` is reached over HTTPS, with its password; empty where it is reached directly.

    As requests decides it, networks in NO_PROXY included. requests itself is not asked: a module of a package that another thread is
    importing at that moment finds it half made.
    """
    if urllib.request.proxy_bypass(host) or _is_in_a_network(host):
        return ""
    proxies = urllib.request.getproxies()
    return proxies.get("https") or proxies.get("all") or ""


def _is_in_a_network(host: str) -> bool:
    """Return whether NO_PROXY names a network (10.0.0.0/8) that the address ``host`` is of, which urllib does not look for."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    for entry in urllib.request.getproxies().get("no", "").split(","):
        try:
            if "/" in entry and address in ipaddress.ip_network(entry.strip(), strict=False):
                return True
        except ValueError:
            continue  # no network: a name with a path, say
    return False


def without_password(proxy: str) -> str:
    """Return a proxy's URL as it may be shown."""
    try:
        parts = urlsplit(proxy if "//" in proxy else f"http://{proxy}")
        place = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        return f"{parts.scheme}://{'…@' if parts.username else ''}{place}"
    except ValueError:  # its text may hold the password
        return "a proxy whose address cannot be read"
