"""Files as pose estimators and cameras write them, all of one movement; each writer gives what must be read back."""

import json
import pickle

import numpy as np

from mksgn_neuro.data import synthetic
from mksgn_neuro.data.bodies import AZURE_32, BODY_25, COCO_17, MEDIAPIPE_33
from mksgn_neuro.data.skeleton import KINECT_20, KINECT_25
from tests.data.readers.ntu.skeleton_files import skeleton_text

FRAMES = 12
NEAR = {  # joints of a Kinect v1 where it has none of that name
    **dict.fromkeys(("nose", "eye", "ear", "mouth", "inner", "outer"), "head"),
    **dict.fromkeys(("index", "pinky", "thumb", "tip"), "hand"),
    **{"toe": "foot", "heel": "foot", "neck": "shoulder centre", "clavicle": "shoulder centre", "chest": "spine"},
    **{"pelvis": "hip centre", "base": "hip centre", "mid": "spine", "navel": "spine"},
}


def movement():
    """(T, 20, 3) metres in the Kinect's axes: a person who moves, 3 m away."""
    clips = synthetic.generate(10, seed=3)
    x = clips[0][:FRAMES].copy()
    return (x - x[0, 0] + np.float32([0, 1, 3])).astype(np.float32)


def as_body(skeleton):
    """The movement with another body's joints, (T, V, 3)."""
    names, x = KINECT_20.joint_names, movement()
    found = []
    for v, joint in enumerate(skeleton.joint_names):
        words = joint.split()
        side = f"{words[0]} " if words[0] in ("left", "right") else ""
        near = next((NEAR[word] for word in reversed(words) if word in NEAR), joint)
        near = "foot" if joint.endswith(("foot index", "toe")) else near
        near = "shoulder centre" if joint == "spine shoulder" else near
        near = "hip centre" if joint == "mid hip" else near
        own = joint if joint in names else f"{side}{near}" if f"{side}{near}" in names else near
        found.append(x[:, names.index(own)] + np.float32(1e-3 * v))
    return np.stack(found, axis=1)


def in_picture(skeleton):
    """(T, V, 2) pixels, y down, and (T, V) confidences of which some are 0."""
    x = as_body(skeleton)
    points = np.stack([640 - 500 * x[..., 0] / x[..., 2], 360 - 500 * x[..., 1] / x[..., 2]], axis=-1)
    confidence = np.full(points.shape[:2], 0.9)
    confidence[4, 7] = 0.0
    return points.round(3), confidence


def gone(points, confidence):
    return np.where((confidence > 0)[..., None], points, np.nan).astype(np.float32)


def jsonl(path, frames):
    path.write_text("\n".join(json.dumps(frame) for frame in frames) + "\n")
    return path


def openpose(folder):
    points, confidence = in_picture(BODY_25)
    path = folder / "openpose"
    path.mkdir()
    expected = gone(points, confidence)
    for t in range(FRAMES):
        numbers = np.concatenate([points[t], confidence[t][:, None]], axis=1).ravel().tolist()
        hands = {"hand_left_keypoints_2d": [], "hand_right_keypoints_2d": []}
        people = [{"person_id": [-1], "pose_keypoints_2d": numbers, "face_keypoints_2d": [], **hands}]
        people = [] if t == 6 else people
        name = f"walk_{t:012d}_keypoints.json"
        (path / name).write_text(json.dumps({"version": 1.3, "people": people}))
    expected[6] = np.nan
    return path, expected


def _coco():
    points, confidence = in_picture(COCO_17)
    return points, confidence, gone(points, confidence)


def mmpose(folder):
    points, confidence, expected = _coco()
    frames = [
        {"frame_id": t + 1, "instances": [{"keypoints": points[t].tolist(), "keypoint_scores": confidence[t].tolist()}]}
        for t in range(FRAMES)
    ]
    path = folder / "results_walk.json"
    path.write_text(json.dumps({"meta_info": {"dataset_name": "coco"}, "instance_info": frames}))
    return path, expected


def mmpose_list(folder):
    path, expected = mmpose(folder)
    listed = folder / "walk.json"
    listed.write_text(json.dumps(json.loads(path.read_text())["instance_info"], indent=1))
    path.unlink()
    return listed, expected


def ultralytics(folder):
    points, confidence, expected = _coco()
    frames = [
        [
            {
                "name": "person",
                "class": 0,
                "confidence": 0.9,
                "box": {"x1": 1.0, "y1": 2.0, "x2": 3.0, "y2": 4.0},
                "keypoints": {
                    "x": points[t, :, 0].tolist(),
                    "y": points[t, :, 1].tolist(),
                    "visible": confidence[t].tolist(),
                },
            }
        ]
        for t in range(FRAMES)
    ]
    return jsonl(folder / "yolo.jsonl", frames), expected


def yolo_text(folder):
    """Nobody is seen in frame 7, for which nothing is written."""
    points, confidence, expected = _coco()
    shares = np.concatenate([points / [1280, 720], confidence[..., None]], axis=-1).reshape(FRAMES, -1)
    path = folder / "labels"
    path.mkdir()
    for t in (t for t in range(FRAMES) if t != 7):
        (path / f"walk_{t + 1}.txt").write_text("0 0.5 0.5 0.2 0.6 " + " ".join(f"{x:.8f}" for x in shares[t]) + "\n")
    expected[7] = np.nan
    return path, (expected / [1280, 720]).astype(np.float32)


def coco_results(folder):
    points, confidence, expected = _coco()
    triples = np.concatenate([points, confidence[..., None]], axis=-1).reshape(FRAMES, -1)
    people = [
        {"image_id": f"{t}.jpg", "category_id": 1, "keypoints": triples[t].tolist(), "score": 2.9}
        for t in range(FRAMES)
    ]
    path = folder / "alphapose-results.json"
    path.write_text(json.dumps(people))
    return path, expected


def coco_table(folder):
    points, confidence, expected = _coco()
    header = [f"{n.replace(' ', '_')}_{k}" for n in COCO_17.joint_names for k in ("x", "y", "confidence")]
    rows = np.concatenate([points, confidence[..., None]], axis=-1).reshape(FRAMES, -1).tolist()
    return _csv(folder / "yolo.csv", ["frame", *header], [[t, *row] for t, row in enumerate(rows)]), expected


def coco_triples(folder):
    points, confidence, expected = _coco()
    return jsonl(folder / "x.jsonl", np.concatenate([points, confidence[..., None]], axis=-1).tolist()), expected


def _landmarks():
    """World landmarks (T, 33, 4): metres from the middle of the hips, x right, y down, with visibility."""
    x, names = as_body(MEDIAPIPE_33), MEDIAPIPE_33.joint_names
    hips = [names.index("left hip"), names.index("right hip")]
    x = (x - x[:, hips].mean(axis=1, keepdims=True)) * np.float32([-1, -1, 1])
    table = np.concatenate([x, np.full((*x.shape[:2], 1), 0.98, np.float32)], axis=-1).astype(np.float64)
    table[3, 9, 3] = 0.01
    return table, gone(table[..., :3], (table[..., 3] > 0.1).astype(float))


def _named(table):
    return [[dict(zip(("x", "y", "z", "visibility"), row)) for row in frame] for frame in table.tolist()]


def mediapipe_lines(folder):
    table, expected = _landmarks()
    expected[5] = np.nan
    frames = _named(table)
    frames[5] = []
    return jsonl(folder / "pose.jsonl", frames), expected


def mediapipe_tasks(folder):
    table, expected = _landmarks()
    listed = _named(table)
    return jsonl(
        folder / "tasks.jsonl",
        [{"timestamp_ms": 40 * t, "pose_landmarks": [], "pose_world_landmarks": [x]} for t, x in enumerate(listed)],
    ), expected


def mediapipe_wide(folder):
    table, expected = _landmarks()
    official = [f"{name.split()[1]}_left" if name == "left mouth" else name for name in MEDIAPIPE_33.joint_names]
    header = [f"{name.replace(' ', '_')}_{axis}" for name in official for axis in ("x", "y", "z", "visibility")]
    return _csv(folder / "wide.csv", ["frame", *header], [[t, *x.ravel()] for t, x in enumerate(table)]), expected


def mediapipe_numbered(folder):
    table, expected = _landmarks()
    header = [f"{axis}{v}" for v in range(1, 34) for axis in "xyzv"]
    return _csv(folder / "numbered.csv", ["class", *header], [["walk", *x.ravel()] for x in table]), expected


def mediapipe_tall(folder):
    table, expected = _landmarks()
    rows = [[t, v, *table[t, v]] for t in range(FRAMES) for v in range(33)]
    return _csv(folder / "tall.csv", ["frame", "landmark_id", "x", "y", "z", "visibility"], rows), expected


def _csv(path, header, rows):
    text = "\r\n".join(",".join(map(str, row)) for row in [header, *rows]) + "\r\n"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    return path


def azure_millimetres():
    return (as_body(AZURE_32) * np.float32([-1, -1, 1]) * 1000).round(2).astype(np.float32)


def azure(folder):
    x = azure_millimetres()
    names = [_azure_name(name) for name in AZURE_32.joint_names]
    frames = [
        {
            "frame_id": t,
            "timestamp_usec": 33_333 * t,
            "num_bodies": 1,
            "bodies": [{"body_id": 1, "joint_positions": x[t].tolist(), "joint_orientations": [[1, 0, 0, 0]] * 32}],
        }
        for t in range(FRAMES)
    ]
    path = folder / "azure.json"
    path.write_text(json.dumps({"k4abt_sdk_version": "1.1.2", "joint_names": names, "frames": frames}))
    return path, x


def azure_lines(folder):
    x, names = azure_millimetres(), [_azure_name(name) for name in AZURE_32.joint_names]
    return jsonl(folder / "k4a.jsonl", [{"joints": dict(zip(names, frame.tolist()))} for frame in x]), x


def _azure_name(name):
    side, _, rest = name.partition(" ")
    return (f"{rest.replace(' tip', 'tip')}_{side}" if side in ("left", "right") else name).replace(" ", "_").upper()


def kinect_2(folder):
    x = as_body(KINECT_25)
    path = folder / "my sitting.skeleton"
    path.write_bytes(skeleton_text([(t, 1, x[t]) for t in range(FRAMES)], FRAMES))
    return path, x


def pyskl(folder):
    points, confidence, expected = _coco()
    annotation = {
        "frame_dir": "walk",
        "label": 3,
        "total_frames": FRAMES,
        "img_shape": (720, 1280),
        "original_shape": (720, 1280),
        "keypoint": points[None].astype(np.float16),
        "keypoint_score": confidence[None].astype(np.float16),
    }
    expected = gone(points.astype(np.float16), confidence)
    path = folder / "own.pkl"
    path.write_bytes(pickle.dumps({"split": {"train": ["walk"], "val": []}, "annotations": [annotation]}))
    return path, expected


def npy(folder):
    np.save(folder / "walk.npy", movement())
    return folder / "walk.npy", movement()


def npz_of_stgcn(folder):
    np.savez(folder / "walk.npz", data=movement().transpose(2, 0, 1)[..., None])
    return folder / "walk.npz", movement()


WRITERS = {
    "openpose": (openpose,),
    "coco": (mmpose, mmpose_list, ultralytics, coco_results, coco_triples),
    "yolo": (yolo_text,),
    "coco-table": (coco_table,),
    "mediapipe": (mediapipe_lines, mediapipe_tasks, mediapipe_wide, mediapipe_numbered, mediapipe_tall),
    "azure": (azure,),
    "plain": (azure_lines,),
    "kinect": (kinect_2,),
    "pickle": (pyskl,),
    "array": (npy, npz_of_stgcn),
}
EVERY = [(form, writer) for form, writers in WRITERS.items() for writer in writers]

LIMB = {"Arm": (("Arm", 12), ("ForeArm", 28), ("Hand", 25)), "Leg": (("UpLeg", 10), ("Leg", 40), ("Foot", 40))}


def bvh(folder):
    """A biped as motion capture has it, centimetres, who raises the left arm; without what must be read back."""
    lines = ["HIERARCHY", "ROOT Hips", "{", "OFFSET 0 0 0", "CHANNELS 6 Xposition Yposition Zposition " + TURNS]
    names = ["Hips"]
    for side, sign in (("Left", 1), ("Right", -1)):
        _layered(
            lines, names, [(f"{side}{n}", f"{sign * d} 0 0" if n == "UpLeg" else f"0 {-d} 0") for n, d in LIMB["Leg"]]
        )
    _open(lines, names, "Spine", "0 20 0")
    _open(lines, names, "Neck", "0 30 0")
    _layered(lines, names, [("Head", "0 20 0")])
    lines.append("}")
    for side, sign in (("Left", 1), ("Right", -1)):
        start = f"{sign * 18} 28 0"
        _layered(lines, names, [(f"{side}{n}", start if n == "Arm" else f"0 {-d} 0") for n, d in LIMB["Arm"]])
    lines += ["}", "}", "MOTION", f"Frames: {FRAMES}", "Frame Time: 0.0333333"]
    for t in range(FRAMES):
        turned = {"LeftArm": 150 * t / FRAMES}
        lines.append("0 100 300 " + " ".join(f"{turned.get(name, 0):.4f} 0 0" for name in names))
    path = folder / "raise.bvh"
    path.write_text("\n".join(lines) + "\n")
    return path


TURNS = "Zrotation Xrotation Yrotation"


def _open(lines, names, name, offset):
    names.append(name)
    lines += [f"JOINT {name}", "{", f"OFFSET {offset}", f"CHANNELS 3 {TURNS}"]


def _layered(lines, names, joints):
    for name, offset in joints:
        _open(lines, names, name, offset)
    lines += ["End Site", "{", "OFFSET 0 -10 0", "}"] + ["}"] * len(joints)
