"""The readers of recordings, as pose estimators and cameras write them, and of MediaPipe's frames in a stream."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

from mksgn_neuro.commands.stream import stream
from mksgn_neuro.data.formats import recordings
from mksgn_neuro.data.inspection import describe_recording
from mksgn_neuro.data.recordings import Wanted, for_joints, in_metres
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.ir import Network
from mksgn_neuro.lowering import lower
from mksgn_neuro.workflows.answers import Options
from mksgn_neuro.workflows.importing import with_presence
from tests.data import pose_files
from tests.data.readers.test_poses import BVH
from tests.fuzz import mutate
from tests.fuzz.readers import Reader
from tests.small_models import STRETCHED, small_model


def _written(*writers: Callable[[Path], tuple[Path, object]]) -> Callable[[Path], list[Path]]:
    """Files of several writers, each in a folder of its own; of a folder of frames the second frame."""

    def make(folder: Path) -> list[Path]:
        paths = []
        for writer in writers:
            (folder / writer.__name__).mkdir()
            path, _ = writer(folder / writer.__name__)
            paths.append(sorted(path.iterdir())[1] if path.is_dir() else path)
        return paths

    return make


def _bvh(folder: Path) -> list[Path]:
    mutate.write(folder / "x.bvh", BVH.encode())
    return [folder / "x.bvh"]


def _described(path: Path) -> None:
    for recording in recordings(path)[0]:
        describe_recording(recording)


def _folder_described(path: Path) -> None:
    _described(path.parent)


def _imported(path: Path) -> None:
    for recording in recordings(path)[0]:
        describe_recording(recording)
        with_presence(for_joints(in_metres(recording, Wanted(flat=True)), KINECT_20.joint_names))


def _landmarks(folder: Path) -> list[Path]:
    _network()  # made once, before the processes of the cases
    return _written(pose_files.mediapipe_lines)(folder)


@cache
def _network() -> Network:
    """A network whose joints MediaPipe's can be mapped onto."""
    model = small_model(STRETCHED)
    return lower(model.student, model.task())


def _read_landmarks(path: Path) -> None:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    stream(_network(), lines, io.StringIO(), path, Options(line_format="mediapipe"))


POSES = (
    Reader("stream mediapipe", _landmarks, mutate.bent_lines, _read_landmarks),
    Reader("OpenPose", _written(pose_files.openpose), mutate.bent_json, _imported),
    Reader(
        "COCO",
        _written(
            pose_files.mmpose,
            pose_files.mmpose_list,
            pose_files.ultralytics,
            pose_files.coco_results,
            pose_files.coco_triples,
        ),
        mutate.bent_lines,
        _imported,
    ),
    Reader("COCO CSV", _written(pose_files.coco_table), mutate.bent_lines, _imported),
    Reader("Ultralytics text", _written(pose_files.yolo_text), mutate.bent_lines, _folder_described),
    Reader(
        "MediaPipe JSON",
        _written(pose_files.mediapipe_lines, pose_files.mediapipe_tasks),
        mutate.bent_lines,
        _imported,
    ),
    Reader(
        "MediaPipe CSV",
        _written(pose_files.mediapipe_wide, pose_files.mediapipe_numbered, pose_files.mediapipe_tall),
        mutate.bent_lines,
        _imported,
    ),
    Reader("Azure Kinect", _written(pose_files.azure), mutate.bent_json, _imported),
    Reader("named joints", _written(pose_files.azure_lines), mutate.bent_lines, _imported),
    Reader("Kinect v2 .skeleton", _written(pose_files.kinect_2), mutate.bent_lines, _imported),
    Reader("own .pkl", _written(pose_files.pyskl), mutate.bent_pickle, _imported),
    Reader("one array .npy", _written(pose_files.npy), mutate.bent_npy, _imported),
    Reader("one array .npz", _written(pose_files.npz_of_stgcn), mutate.bent_npz, _imported),
    Reader("BVH", _bvh, mutate.bent_lines, _described),
)
