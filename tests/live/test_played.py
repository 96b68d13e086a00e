"""A recording that is played comes to the network as `recognise` gives it."""

from dataclasses import replace

import numpy as np

from mksgn_neuro.data.bodies import BODIES
from mksgn_neuro.data.recordings import Wanted
from mksgn_neuro.live.played import lines_of
from mksgn_neuro.workflows.frame_lines import FrameLines
from mksgn_neuro.workflows.recordings import prepared, recordings_of
from mksgn_neuro.workflows.streaming import skeleton_of
from tests.commands.test_stream import TASK, network_of
from tests.data import pose_files

COCO = BODIES["coco17"].skeleton


def test_a_picture_is_neither_turned_nor_lost(tmp_path):
    path, _ = pose_files.ultralytics(tmp_path)
    task = replace(TASK, joint_names=COCO.joint_names, parents=COCO.parents, coordinates=2)
    network = network_of(task, (2, 17, 2))
    (clip,) = lines_of(network, path)
    (recording,) = recordings_of(path)[0]
    expected = prepared(network, recording, Wanted()).positions
    read = FrameLines(skeleton_of(task), rate=30.0)
    found = [read(line, "x") for line in clip.lines]
    both = [(f.positions, e) for f, e in zip(found, expected) if not (f.held or f.absent)]
    assert len(found) == len(expected) and len(both) > 3
    for positions, wanted in both:  # the torso so far is about that of the whole recording
        assert np.allclose(positions, wanted, rtol=0.1, atol=0.02)
