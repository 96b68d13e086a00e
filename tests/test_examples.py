"""The examples run, at a size of seconds."""

import json

import pytest
from click.testing import CliRunner

from examples.clip import lines
from examples.own_network import Shape, TwoPaths, main
from mksgn_neuro.cli import cli
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.store import load_model
from mksgn_neuro.training.presets import preset
from mksgn_neuro.training.train import train_network
from tests.training.runs import few_clips

SHORT = {"epochs": 1, "integer_epochs": 1, "rows": 2, "sequence": 24}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """What the example's network came to, and its folder."""
    folder = tmp_path_factory.mktemp("own")
    return main(folder, clips=60, frames=100, **SHORT), folder


def test_an_own_network_is_trained_exported_and_equal_in_every_form(own):
    checks, folder = own
    assert len(checks) == 6 and all(check.ok and check.populations == 4 for check in checks), [
        r.verdict for r in checks
    ]
    assert (folder / "model.net").exists() and (folder / "metrics.json").exists()


def test_a_file_of_an_unknown_class_is_refused_by_the_kind_that_it_names(own):
    with pytest.raises(BadInput, match=r"model\.pt: holds a network of kind 'two-paths', known are mk-sgn.*load_model"):
        load_model(own[1] / "model.pt")


def test_a_network_for_other_clips_is_refused(tmp_path):
    with pytest.raises(BadInput, match="20 joints, 3 coordinates and 3 classes"):
        train_network(TwoPaths(Shape(3), KINECT_20), few_clips(), preset("tiny", **SHORT), tmp_path)


def test_the_network_in_the_package_recognises_the_clip_of_the_first_page(tmp_path):
    (tmp_path / "clip.jsonl").write_text("\n".join(lines()))
    done = CliRunner().invoke(cli, ["recognise", str(tmp_path / "clip.jsonl"), "--model", "nw-ucla", "--json"])
    assert [clip["decision"] for clip in json.loads(done.stdout)["clips"]] == ["stand up"]
    assert len(list(lines(60.0))) == 2 * len(list(lines())) - 1
