"""The plan of a sweep: which trials are run together, and what makes it another sweep."""

import pytest

from bpcli.errors import UsageError
from bpcli.training.config.loading import load_config
from bpcli.training.selection.grid import combinations
from bpcli.training.selection.plan import identity, plan_of
from bpcli.training.selection.trials import Bench


def planned(root, tries, folds=None, settings=()):
    tried = combinations(tries)
    configs = [load_config(root / "configs/iris.yaml", [*settings, *map(str, c)]) for c in tried]
    return plan_of(tried, configs, folds, Bench())


def test_what_differs_in_numbers_alone_is_run_together(root):
    plan = planned(root, ["data.standardize=true,false", "training.l2=0,1", "training.learning_rate=1,2"], 3)
    assert [group.members for group in plan.groups] == [
        tuple((k, fold) for fold in range(3) for k in some) for some in ((0, 1, 2, 3), (4, 5, 6, 7))
    ]
    assert [len(group.trials) for group in plan.groups] == [12, 12]
    seeds = planned(root, ["training.seed=1,2", "training.optimizer={name: momentum, momentum: 0.5},momentum"], 4)
    assert [len(group.trials) for group in seeds.groups] == [16]
    many = planned(root, ["training.l2=log:1e-4:1:40"])
    assert [len(group.trials) for group in many.groups] == [16, 16, 8]
    path = planned(root, ["training.l2=log:1e-4:1:40"], settings=["training.optimizer=newton"])
    assert [len(group.trials) for group in path.groups] == [40]
    paths = planned(root, ["training.l2=0.1,1", "training.seed=1,2"], 2, settings=["training.optimizer=lbfgs"])
    assert [group.members for group in paths.groups] == [((k, fold), (k + 2, fold)) for k in (0, 1) for fold in (0, 1)]


def test_no_more_rows_are_prepared_at_a_time_than_there_is_room_for(root, monkeypatch):
    monkeypatch.setattr("bpcli.training.selection.plan._ROOM", 150 * 5 * 2)
    plan = planned(root, ["training.l2=0,1"], 5)
    assert [{fold for _, fold in group.members} for group in plan.groups] == [{0, 1}, {2, 3}, {4}]


def test_without_rows_to_choose_by(root):
    with pytest.raises(UsageError, match="no validation rows"):
        planned(root, ["training.l2=0,1"], settings=["data.validation=null"])


def test_its_identity_is_that_of_its_values_and_data(root):
    tries = ["training.l2=0,1"]
    one = identity(planned(root, tries), {"metric": "loss"})
    assert one == identity(planned(root, tries, settings=["output=elsewhere"]), {"metric": "loss"})
    others = [
        identity(planned(root, tries, 3), {"metric": "loss"}),
        identity(planned(root, ["training.l2=0,2"]), {"metric": "loss"}),
        identity(planned(root, tries, settings=["training.seed=1"]), {"metric": "loss"}),
        identity(planned(root, tries), {"metric": "auc"}),
    ]
    assert all(one != other for other in others)
