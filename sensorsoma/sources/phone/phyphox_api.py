"""The remote access of phyphox as calls: which experiment is open, what it measured, start and stop."""

from __future__ import annotations

import json

from sensorsoma.decode.phyphox_body import Answer, BodyError, Experiment, parse_body, read_answer, read_config
from sensorsoma.sources.phone.address import split_address
from sensorsoma.sources.phone.http_get import HttpParams, NoAnswerError, http_get

USUAL_PORTS = (8080, 80)
"""Android's port, which an iPhone takes too when its own is in use; then the iPhone's."""


class NotPhyphoxError(NoAnswerError):
    """Something else answers; says where."""


class PhyphoxApi:
    """One phone's remote access.

    Args:
        address: HOST or HOST:PORT; without a port the usual ones are tried.
        params: limits of one request.
    """

    def __init__(self, address: str, params: HttpParams | None = None) -> None:
        self.host, port = split_address(address)
        self.ports: tuple[int, ...] = USUAL_PORTS if port is None else (port,)
        """Where it may answer; where it last did comes first."""
        self._params = params or HttpParams()

    async def config(self) -> tuple[Experiment, bytes]:
        """The experiment that is open, and the untouched answer. Looks through the ports and remembers the right one.

        Raises:
            NotPhyphoxError: something answers, and it is not phyphox.
            NoAnswerError: nobody answers.
        """
        trouble: NoAnswerError | None = None
        for port in self.ports:
            try:
                answer = await http_get(self.host, port, "/config", self._params)
                if answer.status >= 500:
                    raise NoAnswerError(f"it answers with error {answer.status}")
                experiment = read_config(parse_body(answer.body))
            except BodyError:
                trouble = NotPhyphoxError(f"something else answers at {self.host}:{port}")
            except NoAnswerError as error:
                trouble = trouble or error
            else:
                self.ports = (port, *(other for other in self.ports if other != port))
                return experiment, answer.body
        raise trouble or NoAnswerError("nobody listens there")

    async def get(self, question: str, experiment: Experiment) -> tuple[Answer, bytes]:
        """What it measured, read and untouched.

        Raises:
            NoAnswerError: not answered, or not understood.
        """
        found = await http_get(self.host, self.ports[0], question, self._params)
        if found.status != 200:
            raise NoAnswerError(f"it answers with error {found.status}")
        try:
            return read_answer(parse_body(found.body), experiment.buffers), found.body
        except BodyError as error:
            raise NoAnswerError(f"its answer is not understood, {error}") from error

    async def start(self) -> bool:
        """Begins or goes on with the measurement; False when the phone refuses.

        Raises:
            NoAnswerError: not answered.
        """
        return await self._control("start")

    async def stop(self) -> bool:
        """Pauses the measurement; False when the phone refuses.

        Raises:
            NoAnswerError: not answered.
        """
        return await self._control("stop")

    async def _control(self, command: str) -> bool:
        answer = await http_get(self.host, self.ports[0], f"/control?cmd={command}", self._params)
        try:
            data = json.loads(answer.body)
        except (ValueError, RecursionError):
            return False
        return isinstance(data, dict) and data.get("result") is True
