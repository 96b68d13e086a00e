"""MK-SGN stays what it is, bit for bit: initial weights, training steps, spikes and networks of finished models.

The hashes were computed when MK-SGN was still written out by hand, before networks declared themselves. If one of them
changes, the same training command gives other weights, and published numbers no longer have their command.
"""

import hashlib

import numpy as np
import pytest
import torch

from mksgn_neuro.data.augment import Augmentation
from mksgn_neuro.data.frames import fit_scaling
from mksgn_neuro.data.synthetic import generate
from mksgn_neuro.lowering import as_layered, lower
from mksgn_neuro.models.distill import Distilled
from mksgn_neuro.models.store import build_student, load_model
from mksgn_neuro.models.student import MKSGN
from mksgn_neuro.nn.kernels.graph_conv import products_by_joint
from mksgn_neuro.nn.stages import quantize
from mksgn_neuro.training.batches import Sequences, sequence_batches
from mksgn_neuro.training.loss import student_loss
from mksgn_neuro.training.step import make_optimizer, set_rate, training_step
from tests.models.test_shipped import SHIPPED
from tests.students import GROUPED, partitions, random_frames, small_config
from tests.training.runs import WITHOUT_TEACHER

VARIANTS = {
    "gated": {},
    "none": {"attention": "none"},
    "ssa": {"attention": "ssa"},
    "groups": GROUPED | {"mutual_information": False},
    "concatenated": {"mutual_information": False},
}
INITIAL = {
    "gated": "3f2fc61299e0ee66",
    "none": "36e3b4c178a9c07c",
    "ssa": "8e543ff41160a395",
    "groups": "2be2c1ba3b672900",
    "concatenated": "3f2fc61299e0ee66",
}
TRAINED = {
    "gated": ["24bf403628400800", "37e157bfb74a8322", "a3c7675480f96643"],
    "none": ["11fc2c1086f6cb59", "5384dd5d2a2d50aa", "e3e93ec84a251dea"],
    "ssa": ["356290f7aa01956f", "2b37c2b53f82e9f3", "d059367df46f8f70"],
    "groups": ["8f6aee96595f59c2", "a651064709691ace", "43acebf5718f9f1f"],
    "concatenated": ["28d6492b0de05f89", "bff6ea04bd4c3959", "807a8755ab251c37"],
}
SHIPPED_SPIKES = "efb0f4c2d88dd6cd"
SHIPPED_CHAIN = "84353fae6d3e6af0"
# sums of floats are in the order that this release and processor prefer
COMPUTED_WITH = ("2.3.1", "AVX512")
HERE = (torch.__version__.split("+")[0], torch.backends.cpu.get_cpu_capability())


def hash_of(*named: tuple[str, np.ndarray]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name, array in named:
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def state_hash(module: torch.nn.Module) -> str:
    """Of names, order and bits of everything that a file keeps."""
    return hash_of(*((name, tensor.detach().numpy()) for name, tensor in module.state_dict().items()))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_seed_gives_the_same_initial_weights(variant):
    torch.manual_seed(7)
    assert state_hash(MKSGN(small_config(**VARIANTS[variant]), partitions())) == INITIAL[variant]


def trained(variant: str) -> list[str]:
    """Hashes after two steps in floats, after quantization and after two steps in integers, on synthetic clips."""
    clips = generate(24, seed=1, subjects=3)
    shape = Sequences(4, 16, 30.0, 4)
    scaling = fit_scaling(clips, shape.rate)
    torch.manual_seed(3)
    config = small_config(classes=len(clips.class_names), **VARIANTS[variant])
    student, found = build_student(config, clips.skeleton, 1), []
    for stage in ("float", "integer"):
        module = Distilled(student.train(), [])
        optimizer = make_optimizer(module, 0.01)
        set_rate(optimizer, 0.01)
        step = training_step(module, optimizer, lambda m, batch: student_loss(m, batch, WITHOUT_TEACHER))
        batches = sequence_batches(clips, scaling, shape, Augmentation(), seed=2, stage=stage, epoch=0)
        for _, batch in zip(range(2), batches):
            step(batch)
        found.append(state_hash(student))
        if stage == "float":
            student = quantize(student)
            found.append(state_hash(student))
    return found


@pytest.mark.skipif(HERE != COMPUTED_WITH, reason="hashes of float sums are another torch's or processor's")
@pytest.mark.parametrize("variant", VARIANTS)
def test_training_steps_give_the_same_weights(variant):
    with products_by_joint():
        assert trained(variant) == TRAINED[variant]


def spikes_hash() -> str:
    student, frames = load_model(SHIPPED).student, random_frames(11, 2, 12, joints=20)
    with torch.no_grad():
        activity = student(frames)
    every = [(name, spikes.numpy().astype(np.uint8)) for name, spikes in sorted(activity.spikes.items())]
    return hash_of(*every, ("drive", activity.drive.numpy().astype(np.int64)))


def chain_hash() -> str:
    model = load_model(SHIPPED)
    layered = as_layered(lower(model.student, model.task()))
    arrays = []
    for p in layered.populations:
        groups = repr([(g.name, g.role, g.shape, g.axes, g.block, g.delay) for g in p.groups])
        arrays += [(f"{p.name} {p.vth} {groups}", a) for a in (p.bias, p.i_decay, p.v_decay)]
    for q in layered.projections:
        arrays += [(f"{q.pre} {q.post} {q.delay}", a) for a in (q.matrix.data, q.matrix.indices, q.matrix.indptr)]
    return hash_of(*arrays)


def test_the_shipped_model_makes_the_same_spikes():
    assert spikes_hash() == SHIPPED_SPIKES


def test_the_shipped_model_becomes_the_same_chain():
    assert chain_hash() == SHIPPED_CHAIN
