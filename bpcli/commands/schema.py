"""`bpcli schema`: the JSON Schema of the config."""

import json

import click

from bpcli.commands import Command, output
from bpcli.training.config.json_schema import json_schema


@click.command(cls=Command)
def command() -> None:
    """Print the JSON Schema of a config, for editors that complete and check YAML.

    \b
    bpcli schema > bpcli.schema.json
    then, as the first line of a config:
    # yaml-language-server: $schema=bpcli.schema.json
    """
    output.emit_data(json.dumps(json_schema(), indent=2, ensure_ascii=False))
