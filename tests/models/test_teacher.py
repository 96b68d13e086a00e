"""The teacher: shapes, depths, its arithmetic count against a count of what runs, symmetry under joint order."""

import pytest
import torch

from mksgn_neuro.models import teacher as module
from mksgn_neuro.models.teacher import Ensemble, Teacher, TeacherConfig
from tests.students import partitions, random_frames

CONFIG = TeacherConfig(3, (8, 8, 8, 8, 12, 12, 12, 16, 16, 16), taps=5)


def small_teacher(seed: int = 0, graph: torch.Tensor | None = None) -> Teacher:
    torch.manual_seed(seed)
    return Teacher(CONFIG, partitions() if graph is None else graph)


def test_shapes_of_logits_and_of_three_depths():
    logits, features = small_teacher()(random_frames(0, 4, 10)[:, :, 0])
    assert logits.shape == (4, 3)
    assert [f.shape for f in features] == [(5, 4, 8), (5, 4, 12), (5, 4, 16)]
    assert CONFIG.strides == (1, 1, 1, 1, 2, 1, 1, 2, 1, 1) and len(CONFIG.channels) == 10


def test_ensemble_is_the_mean_of_its_teachers():
    teachers = [small_teacher(seed).eval() for seed in range(4)]
    frames = random_frames(1, 4, 10)
    logits, features = Ensemble(teachers)(frames)
    alone = [t(frames[:, :, m]) for m, t in enumerate(teachers)]
    assert torch.allclose(logits, sum(answer for answer, _ in alone) / 4)
    assert torch.equal(features[1], torch.cat([f[1] for _, f in alone], -1))


@pytest.mark.parametrize("frames", [9, 16])
def test_macs_are_those_that_run(frames, monkeypatch):
    """Counted at each operation from the shapes that it really sees; a convolution's zero padding counts as work."""
    ran = []

    def neighbours(x, weights, post, pre):
        ran.append(weights.numel() * x.shape[1])
        return original["neighbours"](x, weights, post, pre)

    def window(x, kernel, stride):
        out = original["window"](x, kernel, stride)
        ran.append(out.numel() * len(kernel))
        return out

    original = {name: getattr(module, name) for name in ("neighbours", "window")}
    monkeypatch.setattr(module, "neighbours", neighbours)
    monkeypatch.setattr(module, "window", window)
    teacher = small_teacher().eval()
    with torch.no_grad(), torch.profiler.profile(with_flops=True) as profile:
        teacher(random_frames(0, 1, frames)[:, :, 0])
    matrices = sum(event.flops for event in profile.key_averages() if event.key in ("aten::mm", "aten::addmm")) // 2
    assert teacher.macs_per_clip(frames) == matrices + sum(ran)


def test_renaming_the_joints_with_the_graph_changes_nothing():
    order = torch.tensor([3, 0, 4, 1, 2])
    graph = partitions()
    teacher, renamed = small_teacher(0, graph), small_teacher(0, graph[:, order][:, :, order])
    state = renamed.state_dict()
    for name, value in teacher.state_dict().items():
        if name.endswith("adjacency"):
            layer = int(name.split(".")[1])
            a, b = teacher.layers[layer], renamed.layers[layer]
            full = torch.zeros(5, 5, value.shape[1]).index_put((a.post, a.pre), value)
            value = full[order][:, order][b.post, b.pre]
        if not name.endswith(("post", "pre")):
            state[name] = value
    renamed.load_state_dict(state)
    frames = random_frames(2, 2, 9)[:, :, 0]
    a, b = teacher.eval()(frames)[0], renamed.eval()(frames[:, :, order])[0]
    assert torch.allclose(a, b, atol=1e-5)
