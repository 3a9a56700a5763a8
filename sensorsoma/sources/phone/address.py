"""Where a phone's own server is found: HOST or HOST:PORT, as the app shows it."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"(?:http://)?(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(?P<port>[0-9]{1,5}))?/?", re.I)


def tidy_address(text: str) -> str | None:
    """The address without what a browser would put around it; None when it is none.

    >>> tidy_address("http://192.168.1.23:8080/"), tidy_address("192.168.1.23"), tidy_address("not a phone")
    ('192.168.1.23:8080', '192.168.1.23', None)
    """
    found = _ADDRESS.fullmatch(text.strip())
    if found is None or not 0 < int(found["port"] or 1) < 65536:
        return None
    return found["host"] + (f":{int(found['port'])}" if found["port"] else "")


def split_address(address: str) -> tuple[str, int | None]:
    """Host and port; None where no port is given.

    Raises:
        ValueError: this is no address.

    >>> split_address("192.168.1.23:8080"), split_address("my-phone.local")
    (('192.168.1.23', 8080), ('my-phone.local', None))
    """
    tidy = tidy_address(address)
    if tidy is None:
        raise ValueError(f"expected HOST or HOST:PORT, found {address!r}")
    host, _, port = tidy.partition(":")
    return host, int(port) if port else None
