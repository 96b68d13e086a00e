"""One recording, recognised."""

from mksgn_neuro.data.recordings import Recording
from mksgn_neuro.lowering import balance_delays, lower
from mksgn_neuro.lowering.interleave import interleave
from mksgn_neuro.nn.population import DECAY_ONE
from mksgn_neuro.workflows.recordings import Settings, recognise_recording
from tests.small_models import CAMERA, small_model, synthetic


def test_a_recording_has_as_many_frames_however_many_steps_each_takes():
    model, clips = small_model(CAMERA, DECAY_ONE), synthetic()
    frames = lower(model.student, model.task())
    recording = Recording("walk", "array", clips[0], clips.skeleton.joint_names, rate=clips.rate)
    one, three = (
        recognise_recording(balance_delays(interleave(frames, steps)), recording, Settings()).as_json()
        for steps in (1, 3)
    )
    assert one["frames"] == three["frames"] == len(clips[0]) and one["scores"] == three["scores"]
