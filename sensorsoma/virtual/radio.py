"""The air between two software controllers: connection events, retransmission, silence, supervision time-out.

A BLE link that lives loses nothing: every data packet is acknowledged or sent again (Core Specification 5.4, vol 6
part B 4.5.9). Bad air shows as delay, then as a sender whose buffers fill up, then as a supervision time-out. bumble's
own `LocalLink` delivers at once, so all of this is added here.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from dataclasses import dataclass, field

from bumble import core, hci, ll
from bumble.controller import Controller
from bumble.link import LocalLink

from sensorsoma.clock import Clock


@dataclass(frozen=True, slots=True)
class RadioParams:
    """What the air does; times in session seconds."""

    packets_per_event: int = 6
    """Packets that one side may send in a connection event; phones and computers allow 4-6."""
    packet_octets: int = 251
    """Payload of a link-layer packet; 27 without data length extension."""
    packet_error_rate: float = 0.0
    """Share of packets that must be sent again, 0-1."""
    rssi_dbm: int = -55
    """Reported signal strength; -55 is a metre or two with a body beside."""
    min_real_interval_s: float = 0.005
    """Accelerated runs bundle connection events, so that the computer is not woken more often than this."""
    seed: int = 1
    """Which packets fail."""


@dataclass(slots=True)
class _Pdu:
    """A data packet that waits for its turn."""

    n_left: int
    transport: core.PhysicalTransport
    data: bytes


@dataclass(slots=True, eq=False)
class _Connection:
    """One connection as the air sees it; all times of the event loop."""

    ends: tuple[Controller, Controller]
    interval_s: float
    timeout_s: float
    n_packets: int
    anchor_s: float
    heard_s: float
    waiting: dict[Controller, deque[_Pdu]] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None
    n_events: int = 0

    def other(self, end: Controller) -> Controller:
        return self.ends[1] if end is self.ends[0] else self.ends[0]


class Radio(LocalLink):
    """The shared air of all controllers of one virtual room.

    Args:
        clock: session time; connection intervals and time-outs are session seconds.
        params: how good the air is.
    """

    def __init__(self, clock: Clock, params: RadioParams | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # bumble leaves it untyped
        self.params = params or RadioParams()
        self._clock = clock
        self._random = random.Random(self.params.seed)
        self._connections: list[_Connection] = []
        self._silent_until_s: dict[Controller, float] = {}
        self.n_resent = 0
        """Packets that had to be sent again so far."""

    # --------------------------------------------------------------------------------------------- for tests and demos

    def blackout(self, seconds: float, controller: Controller | None = None) -> None:
        """Nobody hears `controller` (or anybody) for a while: a body in between, a walk to the kitchen."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._clock.real_seconds(seconds)
        for each in [controller] if controller is not None else list(self.controllers):
            self._silent_until_s[each] = until_s
        for connection in self._connections:
            if self._is_silent(connection):
                connection.heard_s = loop.time()  # until now empty packets kept it alive
                loop.call_at(connection.heard_s + connection.timeout_s + 0.001, self._supervise, connection)

    def backlog(self, sender: Controller) -> int:
        """Data packets that wait in a sender's buffers."""
        return sum(len(connection.waiting.get(sender, ())) for connection in self._connections)

    def unplug(self, controller: Controller) -> None:
        """A controller is gone for good; whoever was connected to it notices by time-out."""
        self.controllers.discard(controller)
        for connection in [each for each in self._connections if controller in each.ends]:
            self._connections.remove(connection)
            peer = connection.other(controller)
            asyncio.get_running_loop().call_later(connection.timeout_s, _drop, peer, controller)

    def interval_units(self, controller: Controller) -> tuple[int, int] | None:
        """Interval (in 1.25 ms) and time-out (in 10 ms) of a controller's newest connection, session time."""
        for connection in reversed(self._connections):
            if controller in connection.ends:
                timeout = round(connection.timeout_s * self._clock.speed / 0.01)
                return round(connection.interval_s * self._clock.speed / 0.00125), timeout
        return None

    # ------------------------------------------------------------------------------------------- what bumble calls

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        """Everybody who can hear it gets it at once; a connection request founds a connection."""
        loop = asyncio.get_running_loop()
        if self._is_controller_silent(sender_controller):
            return
        if isinstance(packet, ll.ConnectInd):
            peer = self.find_le_controller(packet.advertiser_address)
            if peer is not None:
                now = loop.time()
                interval_s, timeout_s, n_packets = self._timing(packet.interval, packet.timeout)
                ends = (sender_controller, peer)
                self._connections.append(_Connection(ends, interval_s, timeout_s, n_packets, now, now))
        for controller in list(self.controllers):
            if controller is not sender_controller and not self._is_controller_silent(controller):
                loop.call_soon(controller.on_ll_advertising_pdu, packet)

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: core.PhysicalTransport,
        data: bytes,
    ) -> None:
        """Queues data for the next connection event."""
        peer = self.find_le_controller(destination_address)
        connection = next((c for c in self._connections if sender_controller in c.ends and peer in c.ends), None)
        if connection is None:
            return
        n_packets = max(1, math.ceil(len(data) / self.params.packet_octets))
        connection.waiting.setdefault(sender_controller, deque()).append(_Pdu(n_packets, transport, data))
        self._arm(connection)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """Control packets pass at once, unless nobody hears them."""
        pair = (self.find_le_controller(sender_address), self.find_le_controller(receiver_address))
        connection = next((c for c in self._connections if c.ends in (pair, pair[::-1])), None)
        if connection is None or self._is_silent(connection):
            return  # the other end notices by time-out
        if isinstance(packet, ll.ConnectionUpdateInd):
            connection.interval_s, connection.timeout_s, connection.n_packets = self._timing(
                packet.interval, packet.timeout
            )
        if isinstance(packet, ll.TerminateInd):
            self._connections.remove(connection)
        super().send_ll_control_pdu(sender_address, receiver_address, packet)

    # ---------------------------------------------------------------------------------------------- connection events

    def _timing(self, interval_units: int, timeout_units: int) -> tuple[float, float, int]:
        """Real interval, real time-out and packets per event; accelerated events are bundled."""
        wanted_s = self._clock.real_seconds(interval_units * 0.00125)
        interval_s = wanted_s if self._clock.speed <= 1 else max(wanted_s, self.params.min_real_interval_s)
        n_packets = max(1, round(self.params.packets_per_event * interval_s / wanted_s))
        return interval_s, self._clock.real_seconds(timeout_units * 0.01), n_packets

    def _arm(self, connection: _Connection) -> None:
        if connection.timer is None and any(connection.waiting.values()):
            loop = asyncio.get_running_loop()
            n_events = int((loop.time() - connection.anchor_s) / connection.interval_s) + 1
            connection.n_events = n_events
            at_s = connection.anchor_s + n_events * connection.interval_s
            connection.timer = loop.call_at(at_s, self._event, connection)

    def _event(self, connection: _Connection) -> None:
        """One connection event; events that a busy computer slept through are made up for."""
        connection.timer = None
        if connection not in self._connections:
            return
        now = asyncio.get_running_loop().time()
        if self._is_silent(connection):
            self._supervise(connection)
        else:
            n_slept = int((now - connection.anchor_s) / connection.interval_s) - connection.n_events
            for _ in range(1 + max(0, n_slept)):
                heard = [self._send_waiting(connection, sender) for sender in connection.ends]
                if any(heard):
                    connection.heard_s = now
        if connection in self._connections:
            self._arm(connection)

    def _send_waiting(self, connection: _Connection, sender: Controller) -> bool:
        """Sends what one side may send in an event; True if the other side heard anything."""
        queue = connection.waiting.get(sender)
        n_left, n_bad, has_heard = connection.n_packets, 0, False
        while queue and n_left and n_bad < 2:  # two bad packets in a row end the event
            n_left -= 1
            if self._random.random() < self.params.packet_error_rate:
                self.n_resent += 1
                n_bad += 1
                continue
            n_bad, has_heard = 0, True
            queue[0].n_left -= 1
            if queue[0].n_left == 0:
                pdu = queue.popleft()
                connection.other(sender).on_link_acl_data(_address(sender, connection), pdu.transport, pdu.data)
        return has_heard

    def _supervise(self, connection: _Connection) -> None:
        now = asyncio.get_running_loop().time()
        if connection not in self._connections or now < connection.heard_s + connection.timeout_s:
            return
        if not self._is_silent(connection):
            connection.heard_s = now  # the air came back in time
            return
        self._connections.remove(connection)
        for end in connection.ends:
            _drop(end, connection.other(end))

    def _is_controller_silent(self, controller: Controller) -> bool:
        return asyncio.get_running_loop().time() < self._silent_until_s.get(controller, 0.0)

    def _is_silent(self, connection: _Connection) -> bool:
        return any(self._is_controller_silent(end) for end in connection.ends)


def _address(sender: Controller, connection: _Connection) -> hci.Address:
    """Under which address the other end knows the sender."""
    for peer_address in connection.other(sender).le_connections:
        if peer_address in (sender.random_address, sender.public_address):
            return peer_address
    return sender.random_address


def _drop(end: Controller, peer: Controller) -> None:
    """One end notices that nothing came for the length of the supervision time-out."""
    for connection in list(end.le_connections.values()):
        if connection.peer_address in (peer.random_address, peer.public_address):
            end.on_le_disconnected(connection, int(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR))
