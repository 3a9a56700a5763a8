"""What is kept between sessions: which sensor sits where, where recordings go, who practises."""

from sensorsoma.config.file import Config, SensorEntry, config_path, load_config, save_config
from sensorsoma.config.setup import boards_of, decoder_options, preview, resolve_sources, with_sensor

__all__ = [
    "Config",
    "SensorEntry",
    "boards_of",
    "config_path",
    "decoder_options",
    "load_config",
    "preview",
    "resolve_sources",
    "save_config",
    "with_sensor",
]
