"""The model in the package: it loads, lowers to a legal network, fits one chip and does what the docs say."""

import json
from pathlib import Path

from click.testing import CliRunner

from mksgn_neuro.chip.mapping import map_network
from mksgn_neuro.chip.rules import deployable
from mksgn_neuro.cli import cli
from mksgn_neuro.ir.spec import check
from mksgn_neuro.lowering import balance_delays, lower
from mksgn_neuro.models.store import load_model
from tests.paths import NW_UCLA, SHIPPED, needs_shared_data

ROOT = Path(__file__).parents[2]


def test_shipped_model_is_deployable():
    assert SHIPPED.stat().st_size < 5_000_000
    model = load_model(SHIPPED)
    network = balance_delays(lower(model.student, model.task()))
    assert check(network) == [] and deployable(map_network(network), 1) == []
    assert network.task.class_names == model.class_names and len(model.class_names) == 10


@needs_shared_data
def test_shipped_model_does_on_the_test_split_what_the_docs_say():
    told = json.loads((ROOT / "docs" / "results" / "nw-ucla-graph.json").read_text())
    arguments = ["simulate", str(SHIPPED), "--data", str(NW_UCLA), "--json"]
    found = json.loads(CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout)
    same = (
        "protocols",
        "accuracy",
        "accuracy_clean",
        "accuracy_of_classes",
        "samples",
        "populations",
        "cores",
        "energy",
    )
    assert {name: found[name] for name in same} == {name: told[name] for name in same}
