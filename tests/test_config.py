"""The config file and setting up."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.config import (
    Config,
    SensorEntry,
    boards_of,
    config_path,
    decoder_options,
    load_config,
    preview,
    resolve_sources,
    save_config,
    with_sensor,
)
from sensorsoma.config.file import config_text, parse_config
from sensorsoma.config.setup import handled_sensor
from sensorsoma.errors import InputFileError, SourceSpecError
from sensorsoma.messages import PLACEMENTS
from sensorsoma.sources.ble.kinds import kind_of
from sensorsoma.sources.spec import DEFAULT, SourceSpec

THIGH = SensorEntry("ble", "C0:FF:EE:00:11:22", "Soma 1122")
PHONE = SensorEntry("sensor-logger", "quietnight7", "phone", "-")


def test_without_a_file_everything_has_a_default(tmp_path: Path) -> None:
    """Nothing has to be set up to begin."""
    config = load_config(tmp_path / "none.toml")
    assert config == Config()
    assert config.recordings_folder == Path("recordings")


def test_what_is_saved_reads_back(tmp_path: Path) -> None:
    """Saving makes the folder, leaves no other file behind, and is private."""
    path = tmp_path / "deep" / "config.toml"
    config = Config("Ana", "~/night", "en", 8123, {"right-thigh": THIGH, "belly": PHONE})
    assert save_config(config, path) == path
    assert load_config(path) == config
    assert load_config(path).recordings_folder == Path.home() / "night"
    assert [one.name for one in path.parent.iterdir()] == ["config.toml"]
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@given(
    st.builds(
        Config,
        person=st.none() | st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip),
        recordings=st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip),
        phone_port=st.integers(1, 65535),
        phone_page_port=st.integers(1, 65535),
        phone_page_host=st.none() | st.just("desk.example"),
        voice_folder=st.none() | st.just("~/my voice"),
        sensors=st.dictionaries(
            st.sampled_from(PLACEMENTS),
            st.builds(
                SensorEntry,
                kind=st.sampled_from(["ble", "sensor-logger", "phyphox", "phone"]),
                device=st.sampled_from([None, "movesense", "my board"]),
                address=st.none() | st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip),
                sign=st.sampled_from([None, "+", "-"]),
            ),
        ),
    )
)
def test_any_text_survives_the_file(config: Config) -> None:
    """Quotes, backslashes, control and other letters read back as they were."""
    import tomllib

    assert parse_config(tomllib.loads(config_text(config))) == config


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('person = "Ana\nphone_port = 1', ["not valid TOML", "line 1"]),
        ('persn = "Ana"', ["persn", "; did you mean person?"]),
        ("person = 3", ["Expected text in quotes as person", "3"]),
        ("phone_port = 99999", ["1 to 65535", "99999"]),
        ("phone_port = true", ["1 to 65535"]),
        ("phone_page_port = 0", ["1 to 65535 as phone_page_port", "0"]),
        ('phone_tls_cert = "a.pem"', ["phone_tls_cert and phone_tls_key together"]),
        ("sensors = 3", ["[sensors.PLACEMENT]"]),
        ('[sensors.knee]\nkind = "ble"', ["right-thigh", "knee"]),
        ('[sensors.pelvis]\nkind = "usb"', ["[sensors.pelvis]", "usb"]),
        ('[sensors.pelvis]\naddress = "x"', ["kind", "None"]),
        ('[sensors.pelvis]\nkind = "ble"\nsign = "?"', ["sign", "?"]),
        ('[sensors.pelvis]\nkind = "ble"\naddres = "x"', ["did you mean address?"]),
        ("boards = 3", ["[boards.NAME]"]),
        ('[boards.nano]\nformat = "text"', ["[boards.nano]"]),
        ('[boards.movesense]\nformat = "text"', ["[boards.movesense]", "built-in kind", "another name"]),
    ],
)
def test_mistakes_in_the_file_are_one_sentence(tmp_path: Path, text: str, words: list[str]) -> None:
    """A mistake names the file, what was expected and what was found."""
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(InputFileError) as caught:
        load_config(path)
    assert all(word in str(caught.value) for word in [*words, str(path)]), str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """When the folder is a file, one sentence says that nothing was changed."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputFileError, match="nothing was changed"):
        save_config(Config(), tmp_path / "file" / "config.toml")


@pytest.mark.parametrize(
    ("platform", "environ", "path"),
    [
        ("linux", {"HOME": "/h"}, "/h/.config/sensorsoma/config.toml"),
        ("linux", {"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/x/sensorsoma/config.toml"),
        ("darwin", {"HOME": "/h"}, "/h/Library/Application Support/sensorsoma/config.toml"),
        ("win32", {"HOME": "/h", "APPDATA": "/a"}, "/a/sensorsoma/config.toml"),
        ("win32", {"HOME": "/h"}, "/h/AppData/Roaming/sensorsoma/config.toml"),
        ("linux", {"HOME": "/h", "SENSORSOMA_CONFIG": "/own.toml"}, "/own.toml"),
    ],
)
def test_the_usual_place_of_each_system(platform: str, environ: dict[str, str], path: str) -> None:
    """The file lies where the system keeps settings, or where the environment says."""
    assert config_path(environ, platform) == Path(path)


def test_a_sensor_is_in_one_place() -> None:
    """Putting a sensor somewhere takes it away from where it was; others stay."""
    config = with_sensor(Config(), "right-thigh", THIGH)
    config = with_sensor(config, "belly", PHONE)
    config = with_sensor(config, "left-thigh", THIGH)
    assert config.sensors == {"belly": PHONE, "left-thigh": THIGH}


def test_the_preview_shows_only_what_changes() -> None:
    """Before something is overwritten, its lines are shown; without change there is nothing to show."""
    before = with_sensor(Config(), "right-thigh", THIGH)
    after = with_sensor(before, "right-thigh", SensorEntry("ble", "AA:BB:CC:DD:EE:FF", "Soma 1122"))
    text = preview(before, after)
    assert '-address = "C0:FF:EE:00:11:22"' in text
    assert '+address = "AA:BB:CC:DD:EE:FF"' in text
    assert "@@" not in text
    assert preview(after, after) == ""


def test_sources_come_from_the_command_line_then_the_config_then_the_default() -> None:
    """What is given wins; a missing address is filled in where kind and placement agree."""
    config = Config(sensors={"right-thigh": THIGH, "belly": PHONE})
    assert resolve_sources([], Config()) == (DEFAULT,)
    assert [str(spec) for spec in resolve_sources([], config)] == [
        "right-thigh=ble:C0:FF:EE:00:11:22", "belly=sensor-logger:quietnight7",
    ]  # fmt: skip
    assert resolve_sources([SourceSpec("right-thigh", "ble")], config)[0].address == THIGH.address
    assert resolve_sources([SourceSpec("right-thigh", "virtual")], config)[0].address is None
    assert resolve_sources([SourceSpec("left-thigh", "ble")], config)[0].address is None
    with pytest.raises(SourceSpecError, match="one placement for each sensor"):
        resolve_sources(
            [SourceSpec("right-thigh", "ble"), SourceSpec("left-thigh", "ble", "c0:ff:ee:00:11:22")], config
        )


def test_a_phone_without_a_word_gets_one() -> None:
    """Its URL must be the same for the checks before and for the session."""
    (spec,) = resolve_sources([SourceSpec("belly", "sensor-logger")], Config())
    assert spec.address is not None
    assert len(spec.address) == 10


def test_a_phones_sign_reaches_its_decoder() -> None:
    """The kept sign is used for that phone only."""
    config = Config(sensors={"belly": PHONE})
    assert decoder_options(SourceSpec("belly", "sensor-logger", "quietnight7"), config) == {"sign": "-"}
    assert resolve_sources([SourceSpec("belly", "sensor-logger")], config)[0].options == {"sign": "-"}
    assert resolve_sources([], config)[0].options == {"sign": "-"}
    assert resolve_sources([SourceSpec("belly", "sensor-logger", "another-phone")], config)[0].options == {}
    assert decoder_options(SourceSpec("belly", "sensor-logger", "another-phone"), config) == {}
    assert decoder_options(SourceSpec("belly", "ble"), config) == {}


def test_the_sensor_that_is_tapped_is_found() -> None:
    """The one that moves is named; two that move, or none, are not."""
    still = np.tile([0.0, 0.0, 9.81], (100, 1)) + 0.02 * np.random.default_rng(1).standard_normal((100, 3))
    tapped = still + 4.0 * np.random.default_rng(2).standard_normal((100, 3))
    assert handled_sensor({"a": still, "b": tapped, "c": still}) == "b"
    assert handled_sensor({"a": still, "c": still}) is None
    assert handled_sensor({"a": tapped, "b": tapped}) is None
    assert handled_sensor({"b": tapped}) == "b"
    assert handled_sensor({}) is None


BOARD = {
    "name": "MyNano",
    "format": "struct",
    "characteristic": "19b10001-e8f2-537e-4f6c-d104768a1214",
    "layout": "<I6h",
    "fields": ["t_ms", "ax", "-ay", "az", "gx", "gy", "gz"],
    "acc_unit": "g",
    "acc_scale": 0.0001220703125,
    "gyr_unit": "dps",
    "gyr_scale": 0.06103515625,
    "rate_hz": 100,
}


def test_a_board_of_ones_own_survives_the_file_and_is_recognised(tmp_path: Path) -> None:
    """Its table reads back as it was typed, and its name in the air says what it is and how it is read."""
    path = tmp_path / "config.toml"
    save_config(Config(boards={"my nano": BOARD}), path)
    config = load_config(path)
    assert config.boards == {"my nano": BOARD}
    found = kind_of("MyNano 33", [], boards_of(config))
    assert found is not None
    assert (found.name, found.decoder, found.config["board"]) == ("my nano", "generic", "my nano")
    assert kind_of("Other", [], boards_of(config)) is None


def test_a_kept_kind_goes_with_its_sensor_and_a_typed_one_wins() -> None:
    """What setup learnt of a sensor is used for that sensor only; --kind is for all, and must exist."""
    config = Config(sensors={"right-thigh": SensorEntry("ble", "C0:FF:EE:00:11:22", device="movesense")})
    typed = SourceSpec("right-thigh", "ble")
    assert resolve_sources([typed], config)[0].device == "movesense"
    assert resolve_sources([], config)[0].device == "movesense"
    assert resolve_sources([SourceSpec("right-thigh", "ble", "AA:BB:CC:DD:EE:FF")], config)[0].device is None
    assert resolve_sources([typed], config, "witmotion")[0].device == "witmotion"
    with pytest.raises(SourceSpecError, match="did you mean witmotion"):
        resolve_sources([typed], config, "witmotoin")
