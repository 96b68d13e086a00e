"""model.pt: what comes back is what was saved; what is no model is refused in one line and never executed."""

import pickle
from dataclasses import asdict, replace

import pytest
import torch

from mksgn_neuro.data.frames import Scaling
from mksgn_neuro.data.protocols import Timing
from mksgn_neuro.data.skeleton import from_parents
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.store import Model, build_student, load_model, save_model
from mksgn_neuro.nn.stages import quantize
from tests.students import PARENTS, random_frames, small_config
from tests.version_2 import as_version_2

SKELETON = from_parents(PARENTS)
NAMES = ("wave", "sit", "stand")
TIMING = Timing(25.0, 6, 8)


def model(seed: int = 0) -> Model:
    torch.manual_seed(seed)
    student = build_student(small_config(), SKELETON, 1)
    student(random_frames(seed, 4, 8))
    scaling = Scaling((50.0, 60.0, 70.0, 80.0), 1)
    notes = {"seed": seed, "held_out": {"integer": {"clip": {"accuracy": {"standard": 0.5, "clean": None}}}}}
    return Model(quantize(student), SKELETON, 1, scaling, NAMES, TIMING, "npz", notes)


def test_round_trip(tmp_path):
    saved = model()
    save_model(saved, tmp_path / "model.pt")
    loaded = load_model(tmp_path / "model.pt")
    for name in ("skeleton", "graph_radius", "scaling", "class_names", "timing", "dataset", "training"):
        assert getattr(loaded, name) == getattr(saved, name), name
    assert loaded.hash() == saved.hash() != model(1).hash()
    frames = random_frames(7, 2, 8)
    with torch.no_grad():
        expected, found = saved.student(frames), loaded.student(frames)
    assert all(torch.equal(found.spikes[name], spikes) for name, spikes in expected.spikes.items())
    task = loaded.task()
    assert task == saved.task() and task.class_names == NAMES
    assert (task.rate, task.window, task.frames, task.origin) == (25.0, 6, 8, "frame")
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


def version_2(path) -> Model:
    """A file as this program wrote it before it knew time; the model that is in it."""
    saved = model()
    save_model(saved, path)
    as_version_2(path, path)
    return saved


def test_version_2_is_read_as_a_network_of_stretched_clips(tmp_path):
    saved = version_2(tmp_path / "old.pt")
    loaded = load_model(tmp_path / "old.pt")
    assert loaded.timing == Timing(None, None, 40)
    assert loaded.scaling == replace(saved.scaling, origin="first frame")
    assert loaded.hash() == saved.hash()
    for name in ("skeleton", "graph_radius", "class_names", "dataset", "training"):
        assert getattr(loaded, name) == getattr(saved, name), name
    assert loaded.task() == replace(saved.task(), rate=None, window=None, frames=40, origin="first frame")


def test_what_was_read_of_version_2_is_written_as_this_version_and_stays_what_it_is(tmp_path):
    version_2(tmp_path / "old.pt")
    save_model(load_model(tmp_path / "old.pt"), tmp_path / "new.pt")
    assert torch.load(tmp_path / "new.pt", weights_only=True)["version"] == 3
    again, old = load_model(tmp_path / "new.pt"), load_model(tmp_path / "old.pt")
    assert (again.timing, again.scaling, again.hash()) == (old.timing, old.scaling, old.hash())


def changed(tmp_path, **changes):
    path = tmp_path / "model.pt"
    save_model(model(), path)
    torch.save(torch.load(path, weights_only=True) | changes, path)
    return path


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"version": 99}, "version 99, this program reads 3"),
        ({"version": 1}, "version 1,"),
        ({"version": 2}, "damaged"),  # has no number of frames
        ({"timing": {"rate": 30.0}}, "damaged"),
        ({"timing": {"rate": "30", "window": 20, "frames": 40}}, "damaged"),
        ({"timing": {"rate": 0.0, "window": 20, "frames": 40}}, "frame rate of 0"),
        ({"timing": {"rate": 30.0, "window": 0, "frames": 40}}, "window of 0 frames"),
        ({"timing": {"rate": 30.0, "window": 20, "frames": 0}}, "0 frames"),
        ({"format": "other"}, "not a mksgn-neuro-model"),
        ({"config": {"classes": 3, "nonsense": 1}}, "damaged"),
        ({"config": {"classes": 3}}, "damaged"),  # another shape than the tensors'
        ({"state": {}}, "damaged"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, changes, match):
    path = changed(tmp_path, **changes)
    with pytest.raises(BadInput, match=match) as caught:
        load_model(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [0, 10, 1000])
def test_a_cut_file_is_refused(tmp_path, kept):
    path = tmp_path / "model.pt"
    save_model(model(), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(BadInput, match="not a torch file"):
        load_model(path)


def test_a_missing_key_is_refused(tmp_path):
    path = changed(tmp_path)
    content = torch.load(path, weights_only=True)
    torch.save({name: value for name, value in content.items() if name != "version"}, path)
    with pytest.raises(BadInput):
        load_model(path)


def test_missing_file_and_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.pt", tmp_path):
        with pytest.raises(BadInput):
            load_model(path)


class Trap:
    """A pickle that would create a file when loaded."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


def test_pickles_are_refused_and_not_run(tmp_path):
    trap, path = tmp_path / "sprung", tmp_path / "model.pt"
    path.write_bytes(pickle.dumps(Trap(trap)))
    with pytest.raises(BadInput):
        load_model(path)
    torch.save({"format": "mksgn-neuro-model", "version": 1, "state": Trap(trap)}, path)
    with pytest.raises(BadInput):
        load_model(path)
    assert not trap.exists()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"config": asdict(small_config(channels=(1_000_000, 1_000_000, 12)))}, "channels 1000000, its widest"),
        ({"config": asdict(small_config(channels=(4096,) * 20, dilations=(1,) * 20))}, "318767104 weights at least"),
        ({"config": asdict(small_config()) | {"taps": "3"}}, "taps"),
        ({"class_names": ("wave", 1, "stand")}, "class_names"),
        ({"hops": "1"}, "graph_radius"),
        ({"training": ["x"]}, "training"),
    ],
)
def test_a_table_that_its_tensors_do_not_account_for_is_refused_before_it_is_built(tmp_path, changes, match):
    path = changed(tmp_path, **changes)
    with pytest.raises(BadInput, match=f"damaged model .*{match}"):
        load_model(path)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    state = model().student.state_dict()
    state["readout.beta"] = torch.full_like(state["readout.beta"], float("nan"))
    with pytest.raises(BadInput, match=r"readout\.beta has values that are not finite"):
        load_model(changed(tmp_path, state=state))
