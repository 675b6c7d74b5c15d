"""What a child process may know of our environment, and what no process of ours may leave behind when it crashes."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path

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
# What azure-identity and az read of managed and workload identities and of where az keeps its login.
_SIGN_IN = (
    "AZURE_CLIENT_ID",
    "AZURE_CONFIG_DIR",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_TENANT_ID",
    "DEFAULT_IDENTITY_CLIENT_ID",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def environment(*, sign_in: bool = False) -> dict[str, str]:
    """Return the paths, language, trust and proxies of this environment; secrets that the operator keeps in it are not passed on.

    ``sign_in``: for a child that signs in to Azure by itself, also what its machine's identity is asked with.
    """
    names = (*_PASSED_ON, *_SIGN_IN) if sign_in else _PASSED_ON
    passed = {name: os.environ[name] for name in names if name in os.environ}
    passed["NETRC"] = os.devnull
    return passed | {name: value for name, value in os.environ.items() if name.lower() in _PROXIES}


def forbid_core_dumps() -> None:
    """See to it that no crash of this process, or of its children, writes the keys in its memory to a disk.

    The limit does not bind a core that is piped to a program, as systemd and apport have it (core(5)): that gets no memory either.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):  # Linux alone has it
        Path("/proc/self/coredump_filter").write_text("0", encoding="ascii")
