"""The values of a config: by dotted path, and written in full as YAML."""

from typing import Any

from bpcli.text.yaml12 import yaml_text
from bpcli.training.config.keys import KEYS, Config


def config_values(config: Config) -> dict[str, Any]:
    """The values of a config by dotted path."""
    values = {}
    for path in KEYS:
        section, dot, name = path.rpartition(".")
        values[path] = getattr(getattr(config, section) if dot else config, name)
    return values


def dump_config(config: Config) -> str:
    """The config as YAML, every default written out; it reads back as an equal config, from any folder."""
    lines = []
    section = ""
    for path, value in config_values(config).items():
        owner, _, name = path.rpartition(".")
        if owner and owner != section:
            lines.append(f"{owner}:")
        section = owner
        lines.append(f"{'  ' if owner else ''}{name}: {yaml_text(value)}")
    return "\n".join(lines) + "\n"
