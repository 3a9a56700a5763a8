"""The page's rates, limits and patience."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageParams:
    """Rates, limits and patience; real seconds."""

    gap_s: float = 1 / 33
    """Time between two states to one page where more come: thirty a second are as many as an eye can use; a tenth more,
    so that thirty events a second which once had to wait catch up instead of waiting each time."""
    quiet_s: float = 2.0
    """A state is sent at least this often: the page takes three times as long a silence for a lost link."""
    poll_s: float = 1.0
    """Longest that a poll waits for news: proxies and phones cut what is open for long."""
    poll_gone_s: float = 5.0
    """A polling page that was silent for this long has left: five polls were missed."""
    bye_s: float = 0.5
    """Time for pages to hear that it is over."""
    hello_s: float = 10.0
    """Time for a socket to say who it is."""
    check_s: float = 0.5
    """Between looks for pages that have left and codes that have grown old."""
    max_message_bytes: int = 16 * 1024
    """The largest honest message, a list of marks, has some hundred bytes."""
    max_viewers: int = 16
    """More pages than a home has screens are a fault that would only cost time."""
    send_buffer_bytes: int = 16 * 1024
    """Kept small in the system, so that a page that does not read has old states waiting for a second, not a minute."""
