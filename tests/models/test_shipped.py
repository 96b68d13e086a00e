"""The model in the package: it loads, lowers to a legal network and fits one chip."""

from importlib.resources import files
from pathlib import Path

from mksgn_neuro.chip.mapping import map_network
from mksgn_neuro.chip.rules import deployable
from mksgn_neuro.commands.options import SHIPPED_MODEL
from mksgn_neuro.ir.spec import check
from mksgn_neuro.lowering import balance, lower
from mksgn_neuro.models.store import load_model


def test_shipped_model_is_deployable():
    path = Path(str(files("mksgn_neuro") / "assets" / SHIPPED_MODEL))
    assert path.stat().st_size < 5_000_000
    model = load_model(path)
    network = balance(lower(model.student, model.task()))
    assert check(network) == [] and deployable(map_network(network), 1) == []
    assert network.task.class_names == model.class_names and len(model.class_names) == 10
