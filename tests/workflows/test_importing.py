"""A folder of recordings becomes a data set that is read back, and what was guessed is said."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data import formats, inspection
from mksgn_neuro.data.augment import Augmentation, augment
from mksgn_neuro.data.background import with_background
from mksgn_neuro.data.bodies import BODIES
from mksgn_neuro.data.defects import defects
from mksgn_neuro.data.frames import as_tensors, encode, encode_batch, fit_scaling
from mksgn_neuro.data.gaps import filled
from mksgn_neuro.data.mirroring import why_not_mirrored
from mksgn_neuro.data.readers import npz
from mksgn_neuro.data.recordings import Wanted, for_joints, in_metres
from mksgn_neuro.data.sequences import draw_plan, play
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.errors import BadInput
from mksgn_neuro.workflows.importing import import_recordings
from mksgn_neuro.workflows.recordings import of_clip
from tests.data import pose_files


def folder_of(path, parts=("",), clips=6, writer=pose_files.mediapipe_lines):
    for part in parts:
        for name in ("sit", "wave"):
            for i in range(clips):
                (path / part / name / str(i)).mkdir(parents=True)
                writer(path / part / name / str(i))
    return path


def test_folders_are_classes_and_every_fifth_clip_of_each_tests(tmp_path):
    made = import_recordings(folder_of(tmp_path), Wanted())
    assert made.class_names == ("sit", "wave") and made.labels.tolist() == [0] * 6 + [1] * 6
    assert made.train.tolist() == [True, True, True, True, False, True] * 2
    assert made.skeleton == BODIES["mediapipe33"].skeleton and made.rate == 30
    assert np.isfinite(made.positions).all() and made.lengths.tolist() == [pose_files.FRAMES] * 12
    said = "\n".join(made.assumed)
    for words in ("no frame rate in it: taken as 30 Hz", "joints not seen: ", "every 5th of each class"):
        assert words in said


def test_of_few_clips_the_last_tests_and_a_single_one_trains(tmp_path):
    folder = folder_of(tmp_path, clips=3)
    (folder / "jump").mkdir()
    pose_files.npy(folder / "jump")
    assert import_recordings(folder, Wanted(), "kinect20").train.tolist() == [
        True,
        True,
        True,
        False,
        True,
        True,
        False,
    ]


def people_folder(path, people=("anna", "ben", "cem")):
    for name in ("sit", "wave"):
        for person in people:
            for i in range(2):
                (path / name / person / str(i)).mkdir(parents=True)
                pose_files.mediapipe_lines(path / name / person / str(i))
    return path


def test_whole_people_test_where_a_pattern_says_who_is_in_a_clip(tmp_path):
    made = import_recordings(people_folder(tmp_path), Wanted(), people="^[^/]+")
    assert made.subjects.tolist() == [0, 0, 1, 1, 2, 2] * 2 and made.names[0] == "sit/anna/0/pose"
    assert made.train.tolist() == [subject != 2 for subject in made.subjects]
    assert made.assumed[-1] == "nothing says which clips test: those of cem do"


@pytest.mark.parametrize("pattern", [None, "^(anna)"], ids=["nobody", "one of them"])
def test_where_somebody_is_unknown_every_fifth_clip_tests_and_that_is_said(tmp_path, pattern):
    made = import_recordings(people_folder(tmp_path), Wanted(), people=pattern)
    assert made.train.tolist() == [True, True, True, True, False, True] * 2
    assert "who is in them is not known" in made.assumed[-1]
    assert made.subjects.tolist() == ([-1] * 12 if pattern is None else [0, 0, -1, -1, -1, -1] * 2)


def test_a_class_of_one_person_keeps_its_training_clips(tmp_path):
    folder = people_folder(tmp_path)
    (folder / "jump" / "cem" / "0").mkdir(parents=True)
    pose_files.mediapipe_lines(folder / "jump" / "cem" / "0")
    made = import_recordings(folder, Wanted(), people="^[^/]+")
    assert made.train[made.labels == 0].all() and "every 5th of each class does" in made.assumed[-1]


def test_a_pattern_that_is_none_is_refused(tmp_path):
    with pytest.raises(BadInput, match="--people: '\\^\\[a': .*; give a regular expression"):
        import_recordings(people_folder(tmp_path), Wanted(), people="^[a")


def test_a_note_says_of_how_many_clips_it_is(tmp_path):
    folder = folder_of(tmp_path)
    (folder / "sit" / "0" / "pose.jsonl").unlink()
    pose_files.mediapipe_tasks(folder / "sit" / "0")
    assert (
        "no frame rate in it: taken as 30 Hz (--rate) (11 of 12 clips)" in import_recordings(folder, Wanted()).assumed
    )


def test_splits_of_files_are_their_own(tmp_path):
    """What the first of several pickles says of its clips is nothing of the next one's."""
    for name in ("sit", "wave"):
        for i, part in enumerate(("train", "val")):
            (tmp_path / name / str(i)).mkdir(parents=True)
            path, _ = pose_files.pyskl(tmp_path / name / str(i))
            content = pickle.loads(path.read_bytes())
            content["annotations"][0]["label"] = ("sit", "wave").index(name)
            path.write_bytes(pickle.dumps({**content, "split": {part: ["walk"]}}))
    assert import_recordings(tmp_path, Wanted()).train.tolist() == [True, False] * 2


def test_train_and_test_folders_are_the_split(tmp_path):
    made = import_recordings(folder_of(tmp_path, ("train", "test"), 2), Wanted(), "kinect20")
    assert made.skeleton == KINECT_20 and made.train.tolist() == [False] * 4 + [True] * 4
    assert any(note.startswith("guessed: ") for note in made.assumed)


def test_joints_that_were_not_seen_are_held_and_then_absent_as_in_a_stream(tmp_path):
    made = import_recordings(folder_of(tmp_path), Wanted())
    _, expected = pose_files._landmarks()
    expected[5] = np.nan
    signed = expected * np.float32([-1, -1, 1])
    whole, held, _ = filled(signed, 30.0)
    assert held.any() and np.allclose(made[0], whole, atol=1e-5)
    assert any("held at their last position, 0.0% absent, as in a stream" in note for note in made.assumed)


def long_walk(folder, gone=slice(5, 40)):
    """MMPose's clip of 48 frames whose left wrist is below LEAST_CONFIDENCE for longer than it is held."""
    points, confidence, _ = pose_files._coco()
    points, confidence = np.concatenate([points] * 4), np.concatenate([confidence] * 4)
    confidence[gone, 9] = 0.05
    frames = [
        {"frame_id": t + 1, "instances": [{"keypoints": x.tolist(), "keypoint_scores": c.tolist()}]}
        for t, (x, c) in enumerate(zip(points, confidence))
    ]
    path = folder / "walk.json"
    path.write_text(json.dumps({"instance_info": frames}))
    return path, ""


def test_an_unsure_joint_is_absent_in_training_and_simulate_as_in_recognise(tmp_path):
    made = import_recordings(folder_of(tmp_path / "own", writer=long_walk), Wanted())
    npz.save(made, tmp_path / "own.npz")
    again = npz.load(tmp_path / "own.npz")
    assert np.array_equal(again.positions[..., :2], made.positions[..., :2], equal_nan=True)
    gone = np.isnan(again[0]).all(axis=2)
    assert gone[:, 9].sum() == 35 - 15 and not gone[:, [8, 10]].any()  # held for half a second of 30 Hz
    scaling = fit_scaling(again, 30.0)
    frames = encode(again[0], scaling, again.skeleton)
    (recording,) = formats.recordings(tmp_path / "own" / "sit" / "0")[0]
    ready = for_joints(in_metres(recording, Wanted(), 2), again.skeleton.joint_names)
    live = encode(filled(ready.positions, ready.rate)[0], scaling, again.skeleton)
    assert np.array_equal(frames, live) and not frames[gone[:, 9]][:, :, 9].any() and frames[:5, 0, 9].any()
    of_the_set = of_clip(again, 0)
    assert np.array_equal(filled(of_the_set.positions, 30.0, 0.0)[0], again[0][..., :2], equal_nan=True)
    assert defects(again)["not finite"].sum() == 0 and inspection.summary_of(again)["body_height"] > 0


def test_training_takes_absent_joints(tmp_path):
    clips = import_recordings(folder_of(tmp_path, writer=long_walk), Wanted())
    nose_lost = clips.positions.copy()
    nose_lost[:, clips.skeleton.centre_joint] = np.nan
    lost = replace(clips, positions=nose_lost, part_of=None)
    settings, generator = Augmentation(mirror=0.5, shear=0.1), torch.Generator().manual_seed(0)
    flat, starts, lengths = as_tensors(lost)
    for x in (
        play(flat, starts, lengths, draw_plan(lost, 30.0, 4, 60, settings, generator), lost, settings, generator),
        augment(flat, starts, lengths, 20, lost.skeleton, settings, generator),
    ):
        gone = torch.isnan(x[..., :2]).any(-1)
        assert gone[..., 0].all() and not gone[..., 5:9].any() and gone[..., 9:11].any()
        assert torch.isfinite(encode_batch(x, fit_scaling(lost, 30.0), lost.skeleton)).all()
    more = with_background(clips)
    pauses = [more[i] for i in np.flatnonzero(more.labels == 2)]
    assert pauses and all(np.isfinite(pause[:, 5:9]).all() for pause in pauses)
    assert why_not_mirrored(clips) is None


def test_a_folder_that_may_be_a_split_or_a_class_is_refused(tmp_path):
    folder_of(tmp_path, ("train",), 2)
    folder_of(tmp_path, ("other",), 2)
    with pytest.raises(BadInput, match="folder 'train' beside 'other': is it a split or a class"):
        import_recordings(tmp_path, Wanted())


def test_a_pickle_brings_its_own_labels_and_split(tmp_path):
    path, _ = pose_files.pyskl(tmp_path)
    content = pickle.loads(path.read_bytes())
    (one,) = content["annotations"]
    content["annotations"] += [{**one, "frame_dir": "jump", "label": 1}]
    content["split"]["val"] = ["jump"]
    path.write_bytes(pickle.dumps(content))
    flat, made = import_recordings(path, Wanted(flat=True)), import_recordings(path, Wanted())
    assert made.class_names == ("class 1", "class 3") and made.labels.tolist() == [1, 0]
    assert made.train.tolist() == [True, False] and np.array_equal(flat.positions, made.positions)
    assert flat.skeleton == BODIES["coco17"].skeleton == replace(made.skeleton, coordinates=3) != made.skeleton
    assert any("depth taken as 0" in note for note in flat.assumed)
    assert not any("depth" in note for note in made.assumed)


def test_each_clip_of_a_file_keeps_its_side_and_its_label_is_said_to_count(tmp_path):
    folder = folder_of(tmp_path, clips=2, writer=pose_files.pyskl)
    path = folder / "sit" / "0" / "own.pkl"
    content = pickle.loads(path.read_bytes())
    (one,) = content["annotations"]
    content["annotations"] += [{**one, "frame_dir": "jump", "label": 1}]
    content["split"]["val"] = ["jump"]
    path.write_bytes(pickle.dumps(content))
    made = import_recordings(folder, Wanted())
    assert [name for name, train in zip(made.names, made.train) if not train] == ["sit/0/jump"]
    assert made.train.sum() == 4 and made.class_names == ("class 1", "class 3")
    assert "a file says its clips' classes: those count, not its folder" in made.assumed


def test_clips_of_other_frame_rates_are_brought_to_the_first_one_s_and_that_is_said(tmp_path):
    folder = folder_of(tmp_path, clips=1)
    pose_files.mediapipe_tasks(folder / "wave" / "0")
    made = import_recordings(folder, Wanted())
    assert "clips of 25 to 30 Hz are brought to 30 Hz, the first one's" in made.assumed and made.rate == 30


def test_the_command_writes_what_is_read_back_and_says_what_it_left_out(tmp_path):
    folder = folder_of(tmp_path / "own")
    (folder / "sit" / "notes.txt").write_text("by hand")
    result = CliRunner().invoke(cli, ["data", "import", str(folder), str(tmp_path / "own.npz"), "--json"])
    report = json.loads(result.stdout)
    assert report["clips"] == 12 and len(report["left_out"]) == 1
    made, again = import_recordings(folder, Wanted()), npz.load(tmp_path / "own.npz")
    assert np.array_equal(again.positions, made.positions) and again.class_names == made.class_names
    assert again.skeleton == made.skeleton and np.array_equal(again.train, made.train)


@pytest.mark.parametrize(
    ("names", "message"),
    [((), "no folder of a class"), (("sit",), "only one class, 'sit'")],
)
def test_what_is_no_data_set_is_refused(tmp_path, names, message):
    for name in names:
        (tmp_path / name).mkdir()
        pose_files.npy(tmp_path / name)
    with pytest.raises(BadInput, match=message):
        import_recordings(tmp_path, Wanted())
