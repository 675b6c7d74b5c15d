"""Which proxy stands before a host: the one of the context that is used, else that of the environment.

requests, and so hub, ARM, Azure ML, registry and sign-in, read HTTPS_PROXY and NO_PROXY by themselves; azure-eventhub reads neither
(docs/facts/azure-today.md, section 7). A context's own proxy takes the place of HTTPS_PROXY in this process and its children, so that
one setting holds for all of them.
"""

from __future__ import annotations

import os
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
    """Return the URL of the proxy by which ``host`` is reached over HTTPS, with its password; empty where it is reached directly."""
    from requests.utils import get_environ_proxies, select_proxy

    url = f"https://{host}/"
    return select_proxy(url, get_environ_proxies(url)) or ""


def without_password(proxy: str) -> str:
    """Return a proxy's URL as it may be shown."""
    try:
        parts = urlsplit(proxy if "//" in proxy else f"http://{proxy}")
        place = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        return f"{parts.scheme}://{'…@' if parts.username else ''}{place}"
    except ValueError:  # its text may hold the password
        return "a proxy whose address cannot be read"
