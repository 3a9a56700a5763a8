"""bumble's software controller, with what a real controller does and it does not (as of 0.0.236).

Each override names what was missing. Seen by running the real client against it.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from typing import Any, cast

from bumble import hci, ll
from bumble.controller import Controller
from bumble.transport.common import StreamPacketSink, StreamPacketSource

from sensorsoma.virtual.radio import Radio

_ExtendedReport = hci.HCI_LE_Extended_Advertising_Report_Event
_LegacyReport = hci.HCI_LE_Advertising_Report_Event


class VirtualController(Controller):
    """A controller on the shared air of a `Radio`."""

    le_acl_data_packet_length = 251
    """Default 27: every larger value would cross HCI in nine pieces."""

    def __init__(self, name: str, radio: Radio) -> None:
        super().__init__(name, link=radio)
        self._radio = radio

    def on_hci_reset_command(self, _command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        """Forgets scanning and connections; the original keeps both."""
        self.le_scan_enable = False
        self.pending_le_connection = None
        for connection in list(self.le_connections.values()):
            connection.send_ll_control_pdu(ll.TerminateInd(hci.HCI_ErrorCode.REMOTE_USER_TERMINATED_CONNECTION_ERROR))
            self.le_connections.pop(connection.peer_address, None)
        return super().on_hci_reset_command(_command)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Ends a pending connection with its event; the original does nothing and refuses the next one."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is not None:
            self.send_hci_packet(
                hci.HCI_LE_Connection_Complete_Event(
                    status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                    connection_handle=0,
                    role=hci.Role.CENTRAL,
                    peer_address_type=pending.peer_address.address_type,
                    peer_address=pending.peer_address,
                    connection_interval=0,
                    peripheral_latency=0,
                    supervision_timeout=0,
                    central_clock_accuracy=0,
                )
            )
        return super().on_hci_le_create_connection_cancel_command(_command)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Corrects events on their way to the host; a new event, since the old one may be encoded already."""
        if isinstance(packet, _ExtendedReport | _LegacyReport):
            reports = [fixed for report in packet.reports if (fixed := self._corrected(report)) is not None]
            if not reports:
                return
            packet = type(packet)(reports)
        elif isinstance(packet, hci.HCI_LE_Connection_Complete_Event) and packet.role == hci.Role.PERIPHERAL:
            units = self._radio.interval_units(self)  # the original always says 12.5 ms and 100 ms
            if units is not None:
                packet = replace(packet, connection_interval=units[0], supervision_timeout=units[1])
        super().send_hci_packet(packet)

    def _corrected(self, report: Any) -> Any:
        """The report with the signal strength of the air and, for a scan response, its own data; None without any."""
        data = report.data
        if isinstance(report, _ExtendedReport.Report):
            is_response = bool(report.event_type & _ExtendedReport.EventType.SCAN_RESPONSE)
        else:
            is_response = report.event_type == _LegacyReport.EventType.SCAN_RSP
        if is_response:
            data = self._scan_response_of(report.address)
            if not data:
                return None
        return replace(report, data=data, rssi=self._radio.params.rssi_dbm)

    def _scan_response_of(self, address: hci.Address) -> bytes:
        for controller in self._radio.controllers:
            advertisers: list[Any] = [controller.le_legacy_advertiser, *controller.advertising_sets.values()]
            for advertiser in advertisers:
                if advertiser.enabled and advertiser.address == address:
                    return bytes(advertiser.scan_response_data)
        return b""


class HciPort(asyncio.Protocol):
    """A Bluetooth dongle on a TCP socket: each client gets a controller of its own on the shared air."""

    _numbers = itertools.count(1)

    def __init__(self, radio: Radio) -> None:
        self._radio = radio
        self._source = StreamPacketSource()
        self._transport: asyncio.BaseTransport | None = None

    def close(self) -> None:
        """Hangs up on the client, if there is one."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Plugs the dongle in."""
        self._transport = transport
        self._controller = VirtualController(f"port {next(self._numbers)}", self._radio)
        self._source.set_packet_sink(self._controller)
        self._controller.set_packet_sink(StreamPacketSink(cast(asyncio.WriteTransport, transport)))

    def data_received(self, data: bytes) -> None:
        """Commands and data from the host."""
        self._source.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Pulls the dongle out: peers notice by time-out."""
        self._controller.set_packet_sink(None)
        self._radio.unplug(self._controller)
