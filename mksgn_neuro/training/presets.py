"""Named choices of student and schedule. All are ours: the paper's are not public."""

from __future__ import annotations

from dataclasses import replace

from mksgn_neuro.data.augment import Augmentation
from mksgn_neuro.errors import BadInput
from mksgn_neuro.training.preset import Preset

TINY = Preset(
    channels=(12, 12, 12, 16, 16, 16),
    encoder_channels=4,
    heads=2,
    query_channels=4,
    taps=3,
    dilations=(1, 1, 2, 2, 4, 4),
    readout_copies=2,
    frames=32,
    epochs=18,
    learning_rate=8e-3,
    integer_epochs=2,
    teacher_channels=(16, 16, 16, 16, 32, 32, 32, 32, 32, 32),
    teacher_epochs=8,
    augmentation=Augmentation(crop=0.8, turn=30.0),
)
BASE = Preset(channels=(64, 64, 64, 64, 96, 96))
LARGE = Preset(channels=(64, 64, 64, 128, 128, 128), graph_radius=2, epochs=60)
# Chosen by training on camera 1 of NW-UCLA and testing on camera 2, both of them training views; the final models learn
# from both cameras and all ten subjects.
NW_UCLA_GATED = replace(
    BASE,
    encoder_channels=16,
    soft_label_weight=0.0,
    feature_weight=0.0,
    epochs=220,
    integer_epochs=30,
    integer_learning_rate=5e-4,
    weight_decay=0.02,
    held_out=0.0,
    augmentation=Augmentation(crop=0.65, turn=90.0, tilt=25.0, scale=0.2, shear=0.1, noise=0.01, mirror=0.5),
)
# Without gates: a quarter cheaper to train, a fifth fewer cores. Seen from any side, not only from the cameras'.
NW_UCLA_LEAN = replace(
    NW_UCLA_GATED,
    attention="none",
    integer_epochs=15,
    augmentation=replace(NW_UCLA_GATED.augmentation, turn=180.0),
    # normalisation is frozen by then, at the statistics of clips as they are, and strong variation pulls away from them
    integer_augmentation=Augmentation(crop=0.95, turn=180.0, tilt=15.0, scale=0.1, shear=0.05, noise=0.005, mirror=0.5),
)
# Four small networks side by side, one per modality, that meet in the class neurons: as many synapses as one of 64
# channels that sees all modalities.
NW_UCLA = replace(
    NW_UCLA_LEAN,
    branch_modalities=tuple((name,) for name in NW_UCLA_LEAN.modalities),
    channels=(128, 128, 128, 128, 192, 192),
    epochs=300,
)
# What training on sequences asks for. Three taps two frames apart see as far as five, and need fewer relays. Between
# the cameras lighter variation, soft labels, twice as many sequences at once and a window of 25 frames each helped or
# cost nothing (docs/results.md).
NW_UCLA_SEQUENCES = replace(
    NW_UCLA,
    taps=3,
    dilations=(2, 2, 2, 2, 2, 2),
    soft_label_weight=1.0,
    rows=16,
    window=25,
    augmentation=replace(NW_UCLA.augmentation, crop=0.8, tilt=15.0, scale=0.15, shear=0.05),
)
# Two more that take all modalities.
NW_UCLA_MIXED = replace(
    NW_UCLA_SEQUENCES,
    mutual_information=False,
    branch_modalities=(*NW_UCLA.branch_modalities, *2 * (NW_UCLA.modalities,)),
    channels=(192, 192, 192, 192, 288, 288),
    heads=6,
    query_channels=48,
    readout_copies=6,
    teacher_epochs=40,
    epochs=335,
    integer_epochs=320,
    integer_augmentation=replace(NW_UCLA_LEAN.integer_augmentation, crop=0.9, stretched=0.3),
)
# Every named part of MK-SGN on one chip: a branch for each modality and one that takes all of them, weighted by their
# mutual information; attention across joints; soft labels and features of teachers that see the student's own clips.
# Its branches are as wide as those of `nw-ucla-mixed`, whose weights it can begin with (`train --pretrained`).
# Attention in every block would need 133 cores.
MK_SGN = replace(
    NW_UCLA_SEQUENCES,
    attention="spike-driven",
    mutual_information=True,
    branch_modalities=(*NW_UCLA.branch_modalities, NW_UCLA.modalities),
    attention_blocks=(4, 5, 6),
    channels=(160, 160, 160, 160, 240, 240),
    heads=10,
    query_channels=20,
    readout_copies=5,
    feature_weight=0.5,
    teach_augmented=True,
    gate_penalty=1.0,
    teacher_epochs=60,
)

# Two bodies of 25 joints and 60 classes fill most of one chip. Sized only: nobody here has the data to train it on. So
# many rows are trained on below 2 GiB.
NTU = replace(
    NW_UCLA_SEQUENCES,
    rows=8,
    channels=(96, 96, 96, 96, 144, 144),
    query_channels=48,
    soft_label_weight=0.0,
    held_out=0.2,
    epochs=30,
    integer_epochs=3,
)

# For clips of one's own, few or many: without gates and teachers, and trained for as long on few clips as on more. The
# network remembers 48 frames, so that it sees most of a clip at once; people turn before one camera, no more.
OWN = replace(
    NW_UCLA_LEAN,
    held_out=0.2,
    clip_frames=48,
    augmentation=replace(NW_UCLA_LEAN.augmentation, turn=30.0),
    integer_augmentation=replace(NW_UCLA_LEAN.integer_augmentation, turn=30.0),
    steps=1200,
    least_batches=40,
    epochs=20,
    integer_epochs=3,
)

PRESETS = {
    "tiny": TINY,
    "own": OWN,
    "base": BASE,
    "large": LARGE,
    "nw-ucla": NW_UCLA,
    "nw-ucla-mixed": NW_UCLA_MIXED,
    "nw-ucla-lean": NW_UCLA_LEAN,
    "nw-ucla-gated": NW_UCLA_GATED,
    "mk-sgn": MK_SGN,
    "ntu": NTU,
}


def preset(name: str, **changes: object) -> Preset:
    """A preset by name, with the changes that are not None; `epochs` then hold for any clips. Raises BadInput."""
    if name not in PRESETS:
        raise BadInput(f"unknown preset {name!r}", location="--preset", hint=f"choose from {', '.join(PRESETS)}")
    return PRESETS[name].changed(changes)
