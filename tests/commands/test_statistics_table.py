"""The table of statistics, whatever the numbers and names are."""

from bpcli.commands.statistics_table import print_statistics


def test_long_names_and_numbers_fit(capsys):
    record = {
        "name": "a_name_that_is_longer_than_a_terminal_has_room_for_beside_numbers",
        "class": "versicolor",
        "weight": -1.234567e-200,
        "std_error": 1.234567e-200,
        "z": -1.234567e-200,
        "p_value": 1.234567e-200,
        "low": -1.234567e-200,
        "high": -1.234567e-200,
        "odds_ratio": 1.234567e200,
    }
    measures = {"rows": 3, "covariance": "information", "base": "setosa", "vif": {}, "separated_by": []}
    print_statistics({"coefficients": [record], **measures}, "text", None)
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, shown)) <= 80
    assert shown[0] == "versicolor against setosa:"
