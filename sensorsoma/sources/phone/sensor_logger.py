"""Phones that push over Wi-Fi with the app Sensor Logger: one small HTTP server for all of them.

Each phone has a secret word in its URL, which also tells where it is worn. The server stamps what arrives, hands the
untouched body on and answers at once; everything that takes time happens behind the queue.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensorsoma.clock import Clock
from sensorsoma.errors import DeviceNotFoundError, SourceError
from sensorsoma.messages import Input, Packet, SourceStatus, StreamInterrupted, StreamResumed
from sensorsoma.serving.address import lan_address
from sensorsoma.serving.http import end_server, make_server, open_port, read_body
from sensorsoma.units import NS_PER_S

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

Put = Callable[[Input | SourceStatus], None]

DEFAULT_PORT = 8000
"""The port that the app's own examples use."""

_TOKEN_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without i, l, o, 0 and 1: the word is typed on a phone, once."""


@dataclass(frozen=True, slots=True)
class PhoneSourceParams:
    """Limits and patience."""

    max_body_bytes: int = 4 * 1024 * 1024
    """Largest push that is read: a minute of six sensors at 100 Hz is about 4 MB."""
    silent_s: float = 3.0
    """Without a push for this long, in session time, the phone is away ..."""
    silent_periods: float = 5.0
    """... or for this many of its own batch periods, if that is longer."""
    find_s: float = 600.0
    """How long to wait for the first phone: time to type the address and to lie down."""
    check_s: float = 0.25
    """Real time between looks at the watch."""


def make_token() -> str:
    """A new secret word for a phone's URL: ten letters and digits, 49 bits."""
    return "".join(secrets.choice(_TOKEN_LETTERS) for _ in range(10))


@dataclass(slots=True)
class _Phone:
    """One channel's state."""

    channel: str
    token: str
    last_ns: int | None = None
    """Arrival of the newest push with readings; None before the first."""
    period_ns: int = 0
    """Longest usual time between two pushes."""
    is_away: bool = False
    has_been_reached: bool = False


class SensorLoggerSource:
    """Delivers the pushes of one or more phones until cancelled.

    Args:
        tokens: secret word by channel.
        clock: session time.
        port: where to listen; 0 takes any free one.
        host: which of this computer's addresses to listen on; all by default, since the phone comes from outside.
        params: limits and patience.
    """

    def __init__(
        self,
        tokens: Mapping[str, str],
        clock: Clock,
        port: int = DEFAULT_PORT,
        host: str = "0.0.0.0",
        params: PhoneSourceParams | None = None,
    ) -> None:
        if not tokens or len(set(tokens.values())) != len(tokens):
            raise SourceError("Expected a different secret word for each phone; give each its own or leave them out.")
        self.port = port
        """The port that is listened on; known once `run` has begun if it was 0."""
        self._phones = [_Phone(channel, token) for channel, token in tokens.items()]
        self._clock = clock
        self._host = host
        self._params = params or PhoneSourceParams()
        self._put: Put = lambda _message: None

    def url(self, channel: str) -> str:
        """What to type into Sensor Logger as push URL."""
        token = next(phone.token for phone in self._phones if phone.channel == channel)
        host = lan_address() if self._host in ("0.0.0.0", "::") else self._host
        return f"http://{host}:{self.port}/{token}/data"

    async def run(self, put: Put) -> None:
        """Serves until cancelled.

        Raises:
            SourceError: the port cannot be used.
            DeviceNotFoundError: no phone has sent anything within `find_s`.
        """
        self._put = put
        advice = "choose another port and change it in Sensor Logger too"
        listening = open_port(self._host, self.port, advice)
        self.port = listening.getsockname()[1]
        server = make_server(self.app(), ws="none")
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        for phone in self._phones:
            self._tell(phone, "searching", f"In Sensor Logger, push to {self.url(phone.channel)} and start recording.")
        try:
            await self._watch(serving)
        finally:
            await end_server(server, serving)
            listening.close()
            for phone in self._phones:
                self._tell(phone, "stopped")

    # --------------------------------------------------------------------------------------------- what arrives

    def app(self) -> Starlette:
        """The web application: `POST /TOKEN/data`; a `GET` there tells a person with a browser that it works."""
        from starlette.applications import Starlette
        from starlette.routing import Route

        return Starlette(routes=[Route("/{token}/data", self._answer, methods=["POST", "GET"])])

    async def _answer(self, request: Request) -> Response:
        from starlette.requests import ClientDisconnect
        from starlette.responses import PlainTextResponse

        phone = self._phone_of(request.path_params["token"])
        if phone is None:
            return PlainTextResponse("This address is not known here; copy it again from the screen.", 403)
        if request.method != "POST":
            return PlainTextResponse(f"SensorSoma listens here for the phone at {phone.channel}.")
        try:
            body = await read_body(request, self._params.max_body_bytes)
        except ClientDisconnect:  # half a push is none: the phone sends it again or it is a gap
            return PlainTextResponse("", 400)
        if body is None:
            return PlainTextResponse("Too much at once; choose a shorter batch period.", 413)
        self._arrived(phone, body)
        return PlainTextResponse("ok")

    def _phone_of(self, token: str) -> _Phone | None:
        """The phone with this word; takes the same time whether it is known or not."""
        found = None
        for phone in self._phones:
            if secrets.compare_digest(phone.token.encode(), token.encode()):
                found = phone
        return found

    def _arrived(self, phone: _Phone, body: bytes) -> None:
        now_ns = self._clock.now_ns()
        has_readings = b'"accelerometer' in body or b'"gravity"' in body or b'"gyroscope' in body
        if has_readings and phone.is_away:
            phone.is_away = False
            self._put(StreamResumed(now_ns, phone.channel))
            self._tell(phone, "streaming", "The phone is back.")
        elif has_readings and phone.last_ns is None:
            self._tell(phone, "streaming", _advice(body) or "The phone streams.")
        elif not has_readings and not phone.has_been_reached and phone.last_ns is None:
            self._tell(phone, "connecting", "The phone reaches this computer; now start recording there.")
        phone.has_been_reached = True
        if has_readings:
            if phone.last_ns is not None:
                step_ns = now_ns - phone.last_ns
                phone.period_ns = max(step_ns, round(0.9 * phone.period_ns)) if step_ns < 60 * NS_PER_S else 0
            phone.last_ns = now_ns
        self._put(Packet(now_ns, phone.channel, body))

    # ------------------------------------------------------------------------------------------------ the watch

    async def _watch(self, serving: asyncio.Task[None]) -> None:
        """Notices phones that fall silent, and a server that ends by itself."""
        begin_ns = self._clock.now_ns()
        while not serving.done():
            await asyncio.wait([serving], timeout=self._params.check_s)
            now_ns = self._clock.now_ns()
            for phone in self._phones:
                self._check(phone, now_ns)
            is_nobody = all(not phone.has_been_reached for phone in self._phones)
            if is_nobody and now_ns - begin_ns > self._params.find_s * NS_PER_S:
                url = self.url(self._phones[0].channel)
                raise DeviceNotFoundError(
                    f"No phone has sent anything to {url}; check that it is in the same Wi-Fi, that the address is "
                    "typed exactly and that this computer's firewall lets it in."
                )
        raise SourceError(f"The listener for phones ended by itself: {serving.exception() or 'no reason was given'}.")

    def _check(self, phone: _Phone, now_ns: int) -> None:
        if phone.last_ns is None or phone.is_away:
            return
        p = self._params
        limit_ns = max(p.silent_s * NS_PER_S, p.silent_periods * phone.period_ns)
        if now_ns - phone.last_ns <= limit_ns:
            return
        phone.is_away = True
        phone.period_ns = 0
        reason = f"nothing came from the phone for {limit_ns / NS_PER_S:.0f} s"
        self._put(StreamInterrupted(now_ns, phone.channel, reason))
        self._tell(phone, "lost", "The phone is silent; the guidance goes on.")

    def _tell(self, phone: _Phone, state: str, text: str = "") -> None:
        self._put(
            SourceStatus(self._clock.now_ns(), phone.channel, state, text, device_name="Sensor Logger")  # type: ignore[arg-type] # one of the literals
        )


def _advice(body: bytes) -> str:
    """What to switch on in the app, seen from its first push; empty when nothing is missing."""
    has_gravity = any(name in body for name in (b'"gravity"', b'"accelerometeruncalibrated"', b'"totalacceleration"'))
    if not has_gravity:
        return "The phone streams without gravity: switch on Gravity beside Accelerometer in Sensor Logger."
    if b'"gyroscope' not in body:
        return "The phone streams without gyroscope; switch it on in Sensor Logger to measure more."
    if b'"orientation"' not in body and b'"accelerometeruncalibrated"' not in body:
        return "The phone streams; with Orientation switched on too, up and down are certain."
    return ""
