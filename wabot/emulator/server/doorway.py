"""How a bot finds the emulator: what its environment and its command line say, and whom it trusts there."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

import trustme

from wabot.emulator.server.guest import CODE_VARIABLE, ROOT_KEY_VARIABLE
from wabot.emulator.server.listener import LOOPBACK, SERVICE
from wabot.emulator.world.media import MEDIA_HOSTS
from wabot.whatsapp.library import LIBRARY_ENVIRONMENT

_OTHER_PROXIES = ("https_proxy", "no_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")

AUTHORITY_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""Where Go and OpenSSL, Python's requests and Node look for whom to trust."""

_ROOT = Path(__file__).parents[3]
# The program's own packages come before those that lie beside this one.
_SITE_CUSTOMIZE = """\
import sys

sys.path.append({root!r})
try:
    from wabot.emulator.server.guest import prepare
finally:
    sys.path.remove({root!r})
prepare()
"""


class Doorway:
    """The way to one emulator.

    Args:
        port: where it listens, on the loopback interface.
        root_key: the public key that signs its side of the Noise handshake.
        directory: where the certificate of its authority is written.
    """

    def __init__(self, port: int, root_key: bytes, directory: Path) -> None:
        self._port = port
        self._root_key = root_key
        self._authority_file = directory / "emulator-ca.pem"
        self._guest_directory = directory / "guest"

    def make_certificate(self) -> ssl.SSLContext:
        """A certificate for WhatsApp's names, by an authority that nobody else has heard of."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self._authority_file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        authority.issue_cert(SERVICE, *MEDIA_HOSTS).configure_cert(context)
        return context

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """`base` (default: this process's environment) and where proxy and certificate authority are."""
        environment = dict(os.environ if base is None else base)
        for name in _OTHER_PROXIES:
            environment.pop(name, None)
        environment.update(
            HTTPS_PROXY=f"http://{LOOPBACK}:{self._port}",
            **dict.fromkeys(AUTHORITY_VARIABLES, str(self._authority_file)),
            NO_PROXY=f"{LOOPBACK},localhost",
            **LIBRARY_ENVIRONMENT,
        )
        return environment

    def guest_environment(self, code_file: Path, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment in which any Python program that uses neonize takes the emulator for WhatsApp.

        Args:
            code_file: where the code is written that the program shows.
            base: as for `environment`.
        """
        self._guest_directory.mkdir(exist_ok=True)
        loader = _SITE_CUSTOMIZE.format(root=str(_ROOT))
        (self._guest_directory / "sitecustomize.py").write_text(loader, encoding="utf-8")
        environment = self.environment(base)
        paths = [str(self._guest_directory), environment.get("PYTHONPATH", "")]
        return {
            **environment,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            ROOT_KEY_VARIABLE: self._root_key.hex(),
            CODE_VARIABLE: str(code_file),
        }

    def command(self, *program: str) -> list[str]:
        """The command line that runs `program` in a process which takes the emulator for WhatsApp."""
        return [sys.executable, "-P", "-m", "wabot.emulator.server.launcher", self._root_key.hex(), *program]
