"""Which form of time an export has where the user does not say."""

import json

import pytest

from mksgn_neuro.data.frames import Scaling
from mksgn_neuro.data.protocols import Timing
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.lowering.passes import Options
from mksgn_neuro.models.store import Model, build_student
from mksgn_neuro.models.student import StudentConfig
from mksgn_neuro.nn.stages import quantize
from mksgn_neuro.workflows.export import resets_by_default, write_target
from mksgn_neuro.workflows.verify import Driven, check_all
from tests.students import random_frames


@pytest.mark.parametrize("asked", [None, True, False])
@pytest.mark.parametrize("rate", [None, 30.0])
def test_a_network_at_a_rate_is_never_reset_unless_asked(tmp_path, rate, asked):
    config = StudentConfig(2, encoder_channels=2, channels=(4,), heads=2, query_channels=4, taps=3, dilations=(1,))
    timing = Timing(rate, 48, 12)
    student = quantize(build_student(config, KINECT_20, 1).eval())
    model = Model(student, KINECT_20, 1, Scaling((60.0,) * 4, 0), ("sit", "stand"), timing, "synthetic")
    resets = resets_by_default(model.task()) if asked is None else asked
    assert resets == (rate is None if asked is None else asked)
    written = write_target(model, "loihi2", tmp_path / "m", reset=asked)
    about = json.loads((tmp_path / "m.net.json").read_text())
    assert (written.reset_interval is not None) == about["reset"] == resets
    assert (about["rate"], about["window"]) == (rate, 48)
    assert ("last 48 frames" in (tmp_path / "m_on_loihi2.py").read_text()) != resets


def test_several_steps_per_frame_are_written_and_proved(tmp_path):
    config = StudentConfig(
        2, encoder_channels=2, channels=(4,), heads=2, query_channels=4, taps=3, dilations=(1,), v_decay=4096
    )
    student = quantize(build_student(config, KINECT_20, 1).eval())
    timing = Timing(30.0, 20, 12)
    model = Model(student, KINECT_20, 1, Scaling((60.0,) * 4, 0), ("sit", "stand"), timing, "synthetic")
    written = write_target(model, "loihi2", tmp_path / "m", options=Options(3))
    task = json.loads((tmp_path / "m.net.json").read_text())["task"]
    assert task["steps_per_frame"] == written.as_json()["steps_per_frame"] == 3
    assert "one frame every 3 time steps" in (tmp_path / "m_on_loihi2.py").read_text()
    frames = random_frames(0, 1, 40, joints=20)
    for driven in (Driven.of(model, "loihi2", written.main), Driven(True, Options(3))):
        assert driven.options.steps_per_frame == 3
        checks = list(check_all(model, frames, "loihi2", tmp_path / "none.net", driven=driven, lava=False))
        assert len(checks) >= 5 and all(check.ok and not check.not_run for check in checks)
    assert not Driven.of(model, "loihi2", written.main).reset
