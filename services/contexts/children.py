"""What a child process may know of our environment. Secrets that the operator keeps in it are not passed on."""

from __future__ import annotations

import os

_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def environment() -> dict[str, str]:
    """Paths, language, trust and proxies, as they are now."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed | {name: value for name, value in os.environ.items() if name.lower() in _PROXIES}
