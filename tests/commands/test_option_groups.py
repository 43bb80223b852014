"""Options that are read from tables: choices and settings of rows that are added while the program runs."""

import click
import pytest

from bpcli.commands import OUTPUT
from bpcli.commands.check import command as check
from bpcli.commands.option_groups import (
    INPUTS_HEADING,
    RowName,
    SettingsCommand,
    Within,
    setting_options,
    with_settings,
)
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Setting
from bpcli.formulas.losses import LOSSES


def test_choices_are_the_rows_as_they_are(monkeypatch):
    choice = RowName(lambda: ACTIVATIONS)
    with pytest.raises(click.BadParameter, match="'other' is not one of"):
        choice.convert("other", None, None)
    monkeypatch.setitem(ACTIVATIONS, "other", ACTIVATIONS["tanh"]._replace(name="other"))
    assert choice.convert("other", None, None) == "other"
    assert choice.choices == tuple(ACTIVATIONS)


def test_a_setting_of_a_row_is_an_option(monkeypatch):
    @click.command(cls=SettingsCommand)
    @click.option("--kept")
    def command(**given):
        click.echo(given["bend"])

    row = ACTIVATIONS["tanh"]._replace(name="other", settings={"bend": Setting(0.5), "kept": Setting(1.0)})
    monkeypatch.setitem(ACTIVATIONS, "other", row)
    context = command.make_context("command", ["--bend", "2"])
    assert context.params["bend"] == "2"
    names = [option for parameter in command.get_params(context) for option in parameter.opts]
    assert len(names) == len(set(names))


def test_settings_stand_among_the_inputs():
    shown = check.get_help(click.Context(check))
    inputs = shown[shown.index(f"{INPUTS_HEADING}:") : shown.index(f"{OUTPUT}:")]
    assert all(option.opts[0] in inputs for option in setting_options())


def test_a_setting_is_in_the_help(monkeypatch):
    row = ACTIVATIONS["tanh"]._replace(name="other", settings={"bend": Setting(0.5)})
    monkeypatch.setitem(ACTIVATIONS, "other", row)
    (option,) = [option for option in setting_options() if option.name == "bend"]
    assert "other [default: 0.5]" in option.help


@pytest.mark.parametrize("rows", [ACTIVATIONS, LOSSES])
def test_settings_go_to_the_row_that_has_them(rows, monkeypatch):
    name = next(iter(rows))
    monkeypatch.setitem(rows, "other", rows[name]._replace(name="other", settings={"bend": Setting(0.5)}))
    given = {"bend": 2.0, "x": 1.0}
    assert with_settings("other", rows, given) == {"name": "other", "bend": 2.0}
    assert given == {"x": 1.0}
    assert with_settings("other", rows, given) == "other"
    assert with_settings(None, rows, given) is None


@pytest.mark.parametrize("text", ["nan", "-NaN", "inf", "0", "1", "-3", "1e400"])
def test_a_range_holds_what_is_in_it_and_not_nan(text):
    within = Within(0, 1, min_open=True, max_open=True)
    assert within.convert("0.25", None, None) == 0.25
    with pytest.raises(click.BadParameter, match="is not in the range 0<x<1"):
        within.convert(text, None, None)
