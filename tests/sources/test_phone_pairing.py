"""Codes that work once, keys that last, and pictures of codes."""

from __future__ import annotations

import re

import segno

from sensorsoma.serving.pairing import Pairings
from sensorsoma.serving.qr import qr_svg, qr_text

S = 1_000_000_000


def test_a_code_works_once() -> None:
    """The first browser gets a key, the second a refusal; the key says where it is worn."""
    pairings = Pairings(["belly", "right-thigh"], 0)
    token = pairings.token("right-thigh")
    assert token is not None
    found = pairings.redeem(token, 10 * S)
    assert not isinstance(found, str)
    placement, key = found
    assert placement == pairings.place_of(key) == "right-thigh"
    assert pairings.redeem(token, 11 * S) == "used"
    assert pairings.token("right-thigh") is None
    assert pairings.token("belly") not in (None, token)


def test_words_that_are_none_are_not_known() -> None:
    """Neither a code nor nothing is a key, and a key is no code."""
    pairings = Pairings(["belly"], 0)
    token = pairings.token("belly")
    assert token is not None
    for word in ("", token[:-1], token + "x", token.swapcase(), "ünknown"):
        assert pairings.redeem(word, 0) == "unknown"
    for word in ("", token):
        assert pairings.place_of(word) is None
    found = pairings.redeem(token, 0)
    assert not isinstance(found, str)
    assert pairings.redeem(found[1], 0) == "unknown"


def test_an_unused_code_grows_old_and_is_replaced_and_a_used_one_is_not() -> None:
    """After five minutes a code is refused and a new one is shown; a paired phone stays paired."""
    pairings = Pairings(["belly", "pelvis"], 0)
    old, used = pairings.token("belly"), pairings.token("pelvis")
    assert old is not None
    assert used is not None
    found = pairings.redeem(used, 299 * S)
    assert not isinstance(found, str)
    assert pairings.redeem(old, 301 * S) == "expired"
    assert pairings.renewed(301 * S) == ("belly",)
    assert pairings.redeem(old, 301 * S) == "unknown"
    new = pairings.token("belly")
    assert new not in (None, old)
    assert pairings.place_of(found[1]) == "pelvis"
    assert pairings.renewed(302 * S) == ()


def test_codes_are_long_and_never_the_same() -> None:
    """128 bits each, in letters that an address may hold."""
    tokens = {Pairings(["belly"], 0).token("belly") for _ in range(50)}
    assert len(tokens) == 50
    assert all(token and re.fullmatch(r"[\w-]{22}", token) for token in tokens)


URL = "https://192.168.178.100:8443/#" + "A1-_" * 5 + "zz"


def test_the_picture_in_the_terminal_is_the_code() -> None:
    """Half blocks read back give the modules of the code with its quiet border, with and without colours."""
    wanted = [[int(bool(dark)) for dark in row] for row in segno.make_qr(URL, error="l").matrix_iter(border=4)]
    halves = {" ": (0, 0), "█": (1, 1), "▀": (1, 0), "▄": (0, 1)}
    for is_colored in (True, False):
        lines = re.sub(r"\x1b\[[\d;]*m", "", qr_text(URL, is_colored=is_colored)).splitlines()
        read = [[halves[mark][half] for mark in line] for line in lines for half in (0, 1)]
        if not is_colored:
            read = [[1 - dark for dark in row] for row in read]
        assert read[: len(wanted)] == wanted
        assert len(lines) <= 21
        assert max(map(len, lines)) <= 41


def test_the_picture_on_the_page_scales() -> None:
    """An SVG element with a view box and no size of its own."""
    svg = qr_svg(URL)
    assert svg.startswith("<svg")
    assert "viewBox" in svg
    assert "width=" not in svg
