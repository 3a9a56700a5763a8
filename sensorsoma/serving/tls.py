"""A certificate of our own for the page: browsers give motion sensors only to pages that come over TLS.

It names this computer's addresses and is kept, so that a phone has to be told only once that it may be trusted. Made
by the package cryptography where it is installed (extra `phone`), else by the program openssl.
"""

from __future__ import annotations

import ipaddress
import re
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sensorsoma.errors import InputFileError, MissingExtraError, SourceError
from sensorsoma.private_files import write_private

DAYS = 90
"""How long a certificate is good for; browsers of phones refuse those of more than 398 days."""
RENEW_DAYS = 7
"""With less than this left a new one is made, so that none runs out during a night."""

_VALIDITY = re.compile(rb"\x17\x0d(\d{12})Z\x17\x0d(\d{12})Z")
"""Two UTCTime values in a row, in DER: not before, not after."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What a server needs; both may be one file."""

    certificate: Path
    key: Path


def own_certificate(folder: Path, hosts: Sequence[str], now: datetime | None = None) -> TlsFiles:
    """A certificate for these names and addresses; the kept one while it names them all and is not about to run out.

    Raises:
        MissingExtraError: neither cryptography nor openssl is there.
        InputFileError: it cannot be written.
    """
    now = now or datetime.now(UTC)
    path = folder / "phone-page.pem"
    if not is_good(path, hosts, now):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_private(path, _make(hosts, now))
        except OSError as error:
            raise InputFileError(
                f"The certificate for the phone's page cannot be written to {path} ({error.strerror}); nothing was "
                "changed."
            ) from error
    return TlsFiles(path, path)


def given_certificate(certificate: str, key: str) -> TlsFiles:
    """The person's own certificate, for example of a local authority that the phone trusts.

    Raises:
        SourceError: the files are not a certificate with its key.
    """
    files = TlsFiles(Path(certificate).expanduser(), Path(key).expanduser())
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.certificate, files.key, password="")
    except (OSError, ValueError) as error:
        raise SourceError(
            f"Expected a certificate in {files.certificate} and its key, without a password, in {files.key}, but they "
            f"cannot be used ({error}); mend phone_tls_cert and phone_tls_key in the config, or remove both."
        ) from error
    return files


def is_good(path: Path, hosts: Sequence[str], now: datetime) -> bool:
    """Whether a kept certificate can still be used: names every host, has begun and has more than a week left."""
    try:
        pem = path.read_text(encoding="ascii")
        der = ssl.PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN CERT") :])
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
    except (OSError, ValueError):
        return False
    found = _VALIDITY.search(der)
    if found is None or not all(_as_san(host) in der for host in hosts):
        return False
    begin, end = (datetime.strptime(text.decode(), "%y%m%d%H%M%S").replace(tzinfo=UTC) for text in found.groups())
    return begin <= now <= end - timedelta(days=RENEW_DAYS)


def _as_san(host: str) -> bytes:
    """A host as the certificate lists it, in DER: an address by its bytes, a name by its letters."""
    try:
        value = ipaddress.ip_address(host).packed
        return bytes([0x87, len(value)]) + value
    except ValueError:
        name = host.encode("idna")
        return bytes([0x82, len(name)]) + name


def _make(hosts: Sequence[str], now: datetime) -> bytes:
    try:
        return with_cryptography(hosts, now)
    except ImportError:
        pass
    if shutil.which("openssl"):
        return with_openssl(hosts)
    raise MissingExtraError(
        "Expected the package cryptography or the program openssl to make a certificate for the phone's page, found "
        'neither; install one with: python -m pip install "sensorsoma[phone]".'
    )


def with_cryptography(hosts: Sequence[str], now: datetime) -> bytes:
    """Key and certificate as PEM.

    Raises:
        ImportError: the package is not installed.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SensorSoma on this computer")])
    sans: list[x509.GeneralName] = []
    for host in hosts:
        try:
            sans.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            sans.append(x509.DNSName(host.encode("idna").decode()))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # the phone's clock may be behind
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(sans), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)


def with_openssl(hosts: Sequence[str]) -> bytes:
    """Key and certificate as PEM, by the program; its settings go through a file, which every version understands.

    Raises:
        SourceError: the program failed.
    """
    names = ",".join(f"{'IP' if _as_san(host)[0] == 0x87 else 'DNS'}:{host}" for host in hosts)
    settings = (
        "[req]\ndistinguished_name=name\nx509_extensions=page\nprompt=no\n"
        "[name]\nCN=SensorSoma on this computer\n"
        f"[page]\nsubjectAltName={names}\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n"
    )
    with tempfile.TemporaryDirectory(prefix="sensorsoma-") as folder:
        config, key, certificate = (Path(folder) / name for name in ("page.cnf", "key.pem", "cert.pem"))
        config.write_text(settings, encoding="ascii")
        command = [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", str(DAYS),
            "-config", str(config), "-keyout", str(key), "-out", str(certificate),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
            raise SourceError(f"The program openssl could not make a certificate for the phone's page: {last}.")
        return key.read_bytes() + certificate.read_bytes()
