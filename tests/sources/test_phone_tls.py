"""The page's certificate: what it names, how long it lasts, who may read its key."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from sensorsoma.errors import InputFileError, MissingExtraError, SourceError
from sensorsoma.serving import tls
from sensorsoma.serving.tls import given_certificate, is_good, own_certificate, with_cryptography, with_openssl

HOSTS = ("192.168.1.20", "127.0.0.1", "localhost")
NOW = datetime(2026, 11, 2, 21, 30, tzinfo=UTC)


def by_cryptography(hosts: Sequence[str]) -> bytes:
    """What the package makes."""
    return with_cryptography(hosts, datetime.now(UTC))


@pytest.mark.parametrize("make", [by_cryptography, with_openssl])
def test_the_certificate_names_this_computer(make: Callable[[Sequence[str]], bytes], tmp_path: Path) -> None:
    """It lists the addresses and the name, is for servers, lasts 90 days, and both makers' are accepted as good."""
    if make is with_openssl and shutil.which("openssl") is None:
        pytest.skip("there is no openssl here")
    pem = make(HOSTS)
    certificate = x509.load_pem_x509_certificate(pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["192.168.1.20", "127.0.0.1"]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [one.dotted_string for one in usage] == ["1.3.6.1.5.5.7.3.1"]
    now = datetime.now(UTC)
    assert timedelta(days=89) < certificate.not_valid_after_utc - now <= timedelta(days=90)
    path = tmp_path / "page.pem"
    path.write_bytes(pem)
    assert is_good(path, HOSTS, now)
    assert not is_good(path, [*HOSTS, "192.168.1.2"], now)
    assert not is_good(path, HOSTS, now + timedelta(days=84))


def test_it_is_kept_private_and_used_again(tmp_path: Path) -> None:
    """The phone is asked once: the same file serves until the address changes or it is about to run out."""
    files = own_certificate(tmp_path / "config", HOSTS, NOW)
    first = files.certificate.read_bytes()
    if sys.platform != "win32":
        assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    assert own_certificate(tmp_path / "config", HOSTS, NOW + timedelta(days=80)).certificate.read_bytes() == first
    moved = own_certificate(tmp_path / "config", ["10.0.0.7"], NOW).certificate.read_bytes()
    assert moved != first
    later = own_certificate(tmp_path / "config", ["10.0.0.7"], NOW + timedelta(days=84)).certificate.read_bytes()
    assert later != moved
    assert [one.name for one in (tmp_path / "config").iterdir()] == ["phone-page.pem"]


@pytest.mark.parametrize(
    "broken", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_broken_file_is_replaced(tmp_path: Path, broken: bytes) -> None:
    """Half a file from a full disk does not stand in the way of the next evening."""
    (tmp_path / "phone-page.pem").write_bytes(broken)
    files = own_certificate(tmp_path, HOSTS, NOW)
    assert is_good(files.certificate, HOSTS, NOW)


def test_without_a_maker_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither package nor program: the sentence names the extra."""
    monkeypatch.setitem(sys.modules, "cryptography", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtraError, match=r"sensorsoma\[phone\]"):
        own_certificate(tmp_path, HOSTS)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
def test_without_the_package_the_program_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is not installed, openssl is enough."""
    monkeypatch.setitem(sys.modules, "cryptography", None)
    files = own_certificate(tmp_path, HOSTS)
    assert is_good(files.certificate, HOSTS, datetime.now(UTC))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
def test_a_program_that_fails_is_one_sentence() -> None:
    """What openssl refuses is said in its own last words."""
    with pytest.raises(SourceError, match="could not make a certificate"):
        with_openssl(["not a name,at:all"])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """One sentence with the path."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputFileError, match=r"phone-page\.pem"):
        own_certificate(tmp_path / "file", HOSTS)


def test_the_persons_own_certificate_is_checked(tmp_path: Path) -> None:
    """A pair that fits is taken; anything else is one sentence that names the settings."""
    files = own_certificate(tmp_path, HOSTS)
    assert given_certificate(str(files.certificate), str(files.key)) == tls.TlsFiles(files.certificate, files.key)
    (tmp_path / "other.pem").write_text("nonsense")
    for certificate, key in ((files.certificate, tmp_path / "other.pem"), (os.devnull, files.key), ("none", "none")):
        with pytest.raises(SourceError, match="phone_tls_cert"):
            given_certificate(str(certificate), str(key))
