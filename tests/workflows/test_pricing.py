"""What a variant of an ablation costs is what its exported file costs."""

from dataclasses import replace

from mksgn_neuro.training.ablate import Price
from mksgn_neuro.workflows.export import write_target
from mksgn_neuro.workflows.load import load_networks
from mksgn_neuro.workflows.pricing import MOST_CLIPS, price
from mksgn_neuro.workflows.recognise import document_of, recognise
from tests.training.runs import WITHOUT_TEACHER, few_clips, trained

QUICK = replace(WITHOUT_TEACHER, epochs=1, integer_epochs=0)


def test_cores_are_those_of_the_netx_file_and_energy_that_of_simulate(tmp_path):
    model, clips = trained(tmp_path, QUICK), few_clips()
    found = price(model, clips)
    test = clips.subset(~clips.train)
    assert len(test) <= MOST_CLIPS
    netx = write_target(model, "loihi2", tmp_path / "out").files[0]
    documents = []
    for file in (netx, tmp_path / "model.pt"):
        networks = load_networks(file)
        representation, network = networks.default_representation
        runs = {"clip": recognise(network, test, "clip")}
        documents.append(document_of(file, representation, runs, "paper"))
    assert found.cores == documents[0]["cores"] > 1
    assert found.millijoules == 1e3 * documents[1]["energy"]["joules_per_sample"] > 0


def test_what_no_chip_runs_has_no_price(tmp_path):
    model = trained(tmp_path, replace(QUICK, attention="ssa"))
    assert price(model, few_clips()) == Price()
