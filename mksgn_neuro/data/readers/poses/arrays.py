"""One clip as an array: `.npy`, or an `.npz` with one array of three or four axes.

(T, V, C), (M, T, V, C) with M people, or ST-GCN's (C, T, V, M); C is 2, 3, or 3 of which the last is a confidence; 4
with MediaPipe's visibility. Or (T, V·C) for a named skeleton's V. Beside it `fps` or `rate`, frames a second.
"""

from __future__ import annotations

import zipfile

import numpy as np

from mksgn_neuro.data.bodies import body_of
from mksgn_neuro.data.readers.poses import mediapipe
from mksgn_neuro.data.readers.poses.people import WITH_CONFIDENCE, is_picture, numbers, picture_unit, several_people
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.readers.times import RATE_NAMES
from mksgn_neuro.data.recordings import LEAST_CONFIDENCE, Recording, of_body
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.arrays import read_npy, read_npz
from mksgn_neuro.gates.regular import shown

HINT = "save one array (frames, joints, 2 or 3)"
# Joints and numbers of each, by the numbers of a frame in one row; 3 of a picture's are x, y and a confidence.
ROWS = {34: (17, 2), 51: (17, 3), 60: (20, 3), 66: (33, 2), 75: (25, 3), 96: (32, 3), 99: (33, 3), 132: (33, 4)}
MOST_PEOPLE = 6  # as many as a Kinect follows; more are frames, or clips


def recognises(source: Source) -> bool:
    """A `.npy`, or an `.npz` that is no data set."""
    if source.suffix == ".npy":
        return source.path.is_file()
    if source.suffix != ".npz" or not source.path.is_file():
        return False
    try:
        with zipfile.ZipFile(source.path) as archive:
            return not {"lengths.npy", "x_train.npy"} & set(archive.namelist())
    except Exception:  # damaged directories raise more than BadZipFile
        return False


def read(source: Source) -> list[Recording]:
    """The one clip."""
    location = str(source.path)
    array, rate = _array(source)
    if array.dtype.kind not in "fiu":
        raise BadInput(f"an array of {array.dtype}", location=location, hint=HINT)
    people = _people(numbers(array, location), location)
    notes = several_people(int(np.isfinite(people).any(axis=(1, 2, 3)).sum()))
    if people.shape[2:] == (mediapipe.JOINTS, 4):
        notes.append("the fourth number is taken as MediaPipe's visibility")
        people = np.where(people[..., 3:] >= LEAST_CONFIDENCE, people[..., :3], np.nan)
    if people.shape[3] == 3 and is_picture(people):
        notes.append(WITH_CONFIDENCE)
        people = np.where(people[..., 2:] >= LEAST_CONFIDENCE, people[..., :2], np.nan)
    people = np.where((people == 0).all(axis=(2, 3))[..., None, None], np.nan, people).astype(np.float32)
    body = body_of(people.shape[2], people.shape[3])
    rest = {"rate": rate, "second": people[1] if len(people) > 1 and np.isfinite(people[1]).any() else None}
    if body is None:
        return [Recording(source.name, "array", people[0], notes=tuple(notes), **rest)]
    notes.append(f"{people.shape[2]} joints: taken as {body.name}, in its order and axes")
    if body.name == "mediapipe33" and people.shape[3] == 3 and rest["second"] is None:
        return [mediapipe.recording_of(source.name, people[0], None, tuple(notes), {"rate": rate}, "array")]
    unit = picture_unit(people[0]) if people.shape[3] == 2 else body.unit if body.unit != "mm" else None
    return [of_body(source.name, "array", people[0], body, unit=unit, notes=tuple(notes), **rest)]


def _array(source: Source) -> tuple[np.ndarray, float | None]:
    """The clip, and its frames a second where the file says them."""
    if not zipfile.is_zipfile(source.path):
        return read_npy(source.path, HINT), None
    try:
        with zipfile.ZipFile(source.path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
    except Exception as error:  # what damage raises is anybody's guess
        raise BadInput(f"not a readable array ({shown(error)})", location=str(source.path), hint=HINT) from error
    found = read_npz(source.path, names, HINT)
    clips = [name for name, x in found.items() if x.ndim in (2, 3, 4) and x.dtype.kind in "fiu"]
    if len(clips) != 1:
        problem = f"{len(clips)} arrays with 2 to 4 axes among {', '.join(found) or 'none'}"
        raise BadInput(problem, location=str(source.path), hint=HINT)
    said = [found[name] for name in RATE_NAMES if name in found and found[name].size == 1]
    rates = [float(x.item()) for x in said if x.dtype.kind in "fiu" and 0 < x.item() < np.inf]
    return found[clips[0]], rates[0] if rates else None


def _people(x: np.ndarray, location: str) -> np.ndarray:
    """(M, T, V, C)."""
    given = x.shape
    if x.ndim == 2 and x.shape[1] in ROWS:
        x = x.reshape(len(x), *ROWS[x.shape[1]])
    if x.ndim == 3:
        x = x[None]
    if x.ndim == 4 and x.shape[3] not in (2, 3, 4) and x.shape[0] in (2, 3):
        x = x.transpose(3, 1, 2, 0)
    known = x.ndim == 4 and (x.shape[3] in (2, 3) or x.shape[2:] == (mediapipe.JOINTS, 4))
    if not known or 0 in x.shape:
        raise BadInput(f"an array of shape {given}", location=location, hint=HINT)
    if len(x) > MOST_PEOPLE:
        hint = "put people first, (people, frames, joints, 2 or 3), or give one clip a file"
        raise BadInput(f"{len(x)} people in {x.shape[1]} frames", location=location, hint=hint)
    return x


FORMAT = Format("array", "one clip, .npy or .npz", recognises, read)
