"""A board of one's own, described in the config file instead of in code: `[boards.NAME]`.

Every key, with examples: `firmware_notes/generic.md`. This module knows the words of such a table and says in one
sentence what is wrong with one; it imports nothing heavy, since the config file is read by every command.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from sensorsoma.decode.generic_layout import MOST_NUMBERS, Layout, parse_layout
from sensorsoma.decode.generic_table import Table, hint
from sensorsoma.errors import InputFileError
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

Format = Literal["text", "struct", "sensiml"]

UART_SERVICE_UUID = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
UART_TO_BOARD_UUID = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
UART_FROM_BOARD_UUID = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
SENSIML_SERVICE_UUID = "16480000-0525-4ad5-b4fb-6dd83f49546b"
SENSIML_CONFIG_UUID = "16480001-0525-4ad5-b4fb-6dd83f49546b"
SENSIML_DATA_UUID = "16480002-0525-4ad5-b4fb-6dd83f49546b"

ACC_UNITS = {"mps2": 1.0, "g": STANDARD_GRAVITY_MPS2, "mg": STANDARD_GRAVITY_MPS2 / 1000.0}
"""Unit of acceleration → m/s²."""
GYR_UNITS = {"radps": 1.0, "dps": DEG, "mdps": DEG / 1000.0}
"""Unit of angular rate → rad/s."""
TICKS = {"t_s": 1.0, "t_ms": 1e-3, "t_us": 1e-6}
"""Name of a time field → seconds of one count; `t` has its own `tick_s`."""
ACC_FIELDS = ("ax", "ay", "az")
GYR_FIELDS = ("gx", "gy", "gz")
COUNTER_FIELD = "n"
UNUSED_FIELD = "_"
FIELDS = (*ACC_FIELDS, *GYR_FIELDS, *TICKS, "t", COUNTER_FIELD, UNUSED_FIELD)

KEYS = (
    "name", "service", "characteristic", "control", "start", "stop", "format", "layout", "fields", "head",
    "head_fields", "samples_per_packet", "line_per_packet", "acc_unit", "acc_scale", "gyr_unit", "gyr_scale", "tick_s",
    "time_wrap", "counter_wrap", "rate_hz",
)  # fmt: skip
"""Everything that a table may say."""
_U32 = 1 << 32
_MOST_HZ = 4000.0


@dataclass(frozen=True, slots=True)
class Board:
    """What has to be known of a board to find, start and read it."""

    format: Format
    fields: tuple[str, ...]
    """What the numbers of a row are, in order; with a minus sign for an axis that points the other way."""
    acc_scale: float
    """m/s² of one count; negative for a board that reads −1 g on the axis that points up."""
    gyr_scale: float
    """rad/s of one count."""
    characteristic: str
    """Notifies."""
    name: str | None = None
    """Beginning of the advertised name."""
    service: str | None = None
    """Advertised service."""
    control: str | None = None
    """Takes `start` and `stop`."""
    start: bytes = b""
    stop: bytes = b""
    layout: Layout | None = None
    """A row; None for text."""
    head: Layout | None = None
    """What stands once before the rows of a packet."""
    head_fields: tuple[str, ...] = ()
    samples_per_packet: int | None = None
    """None: as many as are there."""
    is_line_per_packet: bool = False
    """Text: every notification is one whole line, with or without its end."""
    tick_s: float | None = None
    """Seconds of one count of the time; None without a time."""
    time_wrap: int | None = None
    """Counts after which the time begins again; None for never."""
    counter_wrap: int | None = None
    rate_hz: float | None = None

    @property
    def has_gyroscope(self) -> bool:
        """Whether it measures rotation."""
        return any(field.lstrip("-") in GYR_FIELDS for field in self.fields)


def parse_board(table: Any, where: str) -> Board:
    """The board that a table of the config file describes.

    Args:
        table: as read from TOML.
        where: the table's name and file, for the sentence.

    Raises:
        InputFileError: names the key, what was expected and what was found.

    >>> nano = {"name": "Nano", "format": "text", "fields": ["t_ms", "ax", "ay", "az"], "acc_unit": "g"}
    >>> parse_board(nano, "[boards.nano]").time_wrap
    4294967296
    """
    if not isinstance(table, Mapping):
        raise InputFileError(f"Expected a table {where}, found {table!r}.")
    return _Reader(table, where).board()


def board_of(config: Mapping[str, Any]) -> Board:
    """The board in a source's config, which may hold other things beside.

    Raises:
        InputFileError: it describes no board.
    """
    return parse_board({key: config[key] for key in KEYS if key in config}, "the description of this board")


class _Reader(Table):
    """Takes a table apart, key by key."""

    def board(self) -> Board:
        self.refuse_unknown(KEYS)
        form = cast(Format, self.one_of("format", ("text", "struct", "sensiml")))
        name, service = self.text("name"), self.uuid("service")
        if service is None and form == "sensiml":
            service = SENSIML_SERVICE_UUID
        if name is None and service is None:
            raise self.says("name and service are both missing; the board is recognised by what it advertises of them.")
        default_fields = (*ACC_FIELDS, *GYR_FIELDS) if form == "sensiml" else None
        fields, head_fields = self.names("fields", default_fields), self.names("head_fields", ())
        self._check_fields(fields, head_fields)
        layout, head = self._layouts(form, fields, head_fields)
        tick_s, time_wrap = self._time(form, fields, layout, head, head_fields)
        has_gyr = any(field.lstrip("-") in GYR_FIELDS for field in fields)
        start, stop, control = self.hex_bytes("start"), self.hex_bytes("stop"), self.uuid("control")
        if control is None and form == "text":
            control = UART_TO_BOARD_UUID
        if (start or stop) and control is None:
            raise self.wrong("control", "the characteristic that takes start and stop")
        board = Board(
            format=form,
            fields=fields,
            acc_scale=ACC_UNITS[self.one_of("acc_unit", ACC_UNITS)] * self.scale("acc_scale"),
            gyr_scale=GYR_UNITS[self.one_of("gyr_unit", GYR_UNITS)] * self.scale("gyr_scale") if has_gyr else 1.0,
            characteristic=self.uuid("characteristic") or self._usual_characteristic(form),
            name=name,
            service=service,
            control=control,
            start=start,
            stop=stop,
            layout=layout,
            head=head,
            head_fields=head_fields,
            samples_per_packet=self.count("samples_per_packet", 1, 255),
            is_line_per_packet=self.flag("line_per_packet"),
            tick_s=tick_s,
            time_wrap=time_wrap,
            counter_wrap=self._counter_wrap(fields, layout, head, head_fields),
            rate_hz=self.number("rate_hz", 0.0, _MOST_HZ),
        )
        self._check_rate(board)
        return board

    # --------------------------------------------------------------------------------------- what belongs together

    def _layouts(
        self, form: Format, fields: tuple[str, ...], head_fields: tuple[str, ...]
    ) -> tuple[Layout | None, Layout | None]:
        if form == "text":
            for key in ("layout", "head", "head_fields"):
                if key in self.data:
                    raise self.says(f'{key} belongs to format = "struct", but format is "text"; leave one of them out.')
            return None, None
        if form == "sensiml":
            return parse_layout(f"<{len(fields)}h"), None
        layout = self._layout("layout", fields)
        if layout is None:
            raise self.wrong("layout", "a struct layout such as <6h")
        return layout, self._layout("head", head_fields)

    def _layout(self, key: str, fields: tuple[str, ...]) -> Layout | None:
        text = self.text(key)
        if text is None:
            if fields and key == "head":
                raise self.wrong("head", "the struct layout of head_fields, such as <I")
            return None
        try:
            layout = parse_layout(text)
        except ValueError as error:
            raise self.wrong(key, str(error)) from error
        if len(layout.codes) != len(fields):
            named = "fields" if key == "layout" else "head_fields"
            raise self.says(
                f"{key} has {len(layout.codes)} numbers but {named} names {len(fields)}; "
                f"each number needs one name, {UNUSED_FIELD} where it is not used."
            )
        return layout

    def _check_fields(self, fields: tuple[str, ...], head_fields: tuple[str, ...]) -> None:
        bare = [field.lstrip("-") for field in fields]
        known = [*bare, *head_fields]
        if len(known) > MOST_NUMBERS:
            raise self.says(f"fields and head_fields name {len(known)} numbers; at most {MOST_NUMBERS} are read.")
        for at, field in enumerate((*fields, *head_fields)):
            key = "fields" if at < len(fields) else "head_fields"
            if field.lstrip("-") not in FIELDS or (field[:1] == "-" and field[1:] not in ACC_FIELDS + GYR_FIELDS):
                raise self.says(f"{key} holds {field!r}, which is not known{hint(field, FIELDS)}")
            if field != UNUSED_FIELD and known.count(field.lstrip("-")) > 1:
                raise self.says(f"{key} holds {field!r}, which stands there twice; each name may come once.")
        if not set(ACC_FIELDS) <= set(bare):
            raise self.wrong("fields", "ax, ay and az among the names")
        if not set(GYR_FIELDS).isdisjoint(bare) and not set(GYR_FIELDS) <= set(bare):
            raise self.wrong("fields", "all of gx, gy and gz among the names, or none")
        if not set(head_fields) <= {*TICKS, "t", COUNTER_FIELD, UNUSED_FIELD}:
            raise self.wrong("head_fields", "only a time, n and _, since axes belong to fields")
        if sum(field in (*TICKS, "t") for field in known) > 1:
            raise self.says("fields and head_fields hold more than one time; one of t_s, t_ms, t_us and t is enough.")

    def _time(
        self, form: Format, fields: tuple[str, ...], layout: Layout | None, head: Layout | None, head_fields: Any
    ) -> tuple[float | None, int | None]:
        named = next((field for field in (*fields, *head_fields) if field in TICKS or field == "t"), None)
        if named is None:
            return None, None
        tick_s = TICKS.get(named) or self.number("tick_s", 0.0, 60.0)
        if tick_s is None:
            raise self.wrong("tick_s", "the seconds of one count of t, or a field named t_s, t_ms or t_us")
        default = _wrap_of(named, fields, layout, head, head_fields)
        if form == "text" and named in ("t_ms", "t_us"):
            default = _U32  # what Arduino's millis() and micros() count up to
        wrap = self.count("time_wrap", 0, 1 << 64)
        return tick_s, (wrap or None) if wrap is not None else default

    def _counter_wrap(
        self, fields: tuple[str, ...], layout: Layout | None, head: Layout | None, head_fields: tuple[str, ...]
    ) -> int | None:
        wrap = self.count("counter_wrap", 0, 1 << 64)
        return (wrap or None) if wrap is not None else _wrap_of(COUNTER_FIELD, fields, layout, head, head_fields)

    def _check_rate(self, board: Board) -> None:
        if board.rate_hz is not None or board.format == "sensiml":
            return
        if board.tick_s is None:
            raise self.wrong("rate_hz", "the samples per second, about, since no field is a time")
        if any(field in (*TICKS, "t") for field in board.head_fields) and board.samples_per_packet != 1:
            raise self.wrong("rate_hz", "the samples per second, about, since a packet has one time for several")

    def _usual_characteristic(self, form: Format) -> str:
        if form == "struct":
            raise self.wrong("characteristic", "the UUID of the characteristic that notifies")
        return UART_FROM_BOARD_UUID if form == "text" else SENSIML_DATA_UUID


def _wrap_of(
    field: str, fields: tuple[str, ...], layout: Layout | None, head: Layout | None, head_fields: tuple[str, ...]
) -> int | None:
    if layout is not None and field in fields:
        return layout.wrap_of(fields.index(field))
    if head is not None and field in head_fields:
        return head.wrap_of(head_fields.index(field))
    return None
