"""A certificate for localhost that lives as long as a test."""

import ssl
import subprocess
from pathlib import Path


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a key and a certificate by openssl; return the server's context and that of a client who trusts it."""
    key, pem = folder / "key.pem", folder / "cert.pem"
    if not pem.exists():
        words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
        extension = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        command = ["openssl", *words.split(), *extension, "-keyout", str(key), "-out", str(pem)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, key)
    return server, ssl.create_default_context(cafile=str(pem))
