"""A folder of recordings as a data set to train on: classes by folder, one skeleton, one rate."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mksgn_neuro.data import formats
from mksgn_neuro.data.bodies import BODIES
from mksgn_neuro.data.clips import Clips, joined
from mksgn_neuro.data.frames import at_rate
from mksgn_neuro.data.gaps import filled
from mksgn_neuro.data.recordings import Recording, Wanted, for_joints, in_metres
from mksgn_neuro.data.skeleton import Skeleton
from mksgn_neuro.errors import BadInput

PARTS = {"train": True, "training": True, "test": False, "val": False, "validation": False}
ALIKE = 0.01  # rates that differ less are one, measured twice
TESTED = 5  # every so many clips of a class tests, where nothing says which
LABELLED = "a file says its clips' classes: those count, not its folder"
LAYOUT = "lay it out as FOLDER/CLASS/FILES, or FOLDER/train/CLASS/FILES and FOLDER/test/CLASS/FILES"


@dataclass(frozen=True)
class _Clip:
    """A recording, its class, who is in it ("" where that is not known), and the shares of joints held and absent."""

    recording: Recording
    label: str
    person: str = ""
    held: float = 0.0
    absent: float = 0.0


def import_recordings(
    path: Path, wanted: Wanted, skeleton: str | None = None, progress: Callable[[int, int], None] | None = None,
    bodies: int = 1, people: str | None = None,
) -> Clips:  # fmt: skip
    """The recordings under `path` as clips with `skeleton`'s joints, a key of BODIES; None: those of the first one.

    `bodies`: 2 for clips of two people, one of whom may be absent. `people`: a regular expression whose first group,
    or whole match, in a clip's name inside its class says who is in it.

    A clip's class is its label in the file, else the folder it lies in. Clips that cannot be used are left out and
    listed. Where some are of a picture, all have two coordinates, unless `wanted.flat`. Raises BadInput where no clip
    can be used, where one has no class, or where fewer than two classes are found.
    """
    found, skipped = _labelled(path, _person_of(people))
    body = BODIES[skeleton] if skeleton else next((clip.recording.body for clip in found if clip.recording.body), None)
    if body is None:
        raise BadInput("no known skeleton in it", location=str(path), hint=f"give --skeleton {', '.join(BODIES)}")
    coordinates = 3 if wanted.flat else min(clip.recording.coordinates for clip in found)
    whole_skeleton = replace(body.skeleton.repeated(bodies) if bodies > 1 else body.skeleton, coordinates=coordinates)
    kept: list[_Clip] = []
    for done, clip in enumerate(found, 1):
        try:
            ready = for_joints(in_metres(clip.recording, wanted, coordinates), whole_skeleton.joint_names, bodies)
            whole, held, absent = with_presence(ready)
            kept.append(replace(clip, recording=whole, held=held, absent=absent))
        except BadInput as error:
            skipped.append(str(error))
        if progress:
            progress(done, len(found))
    if not kept:
        raise BadInput(f"no usable clip (first: {skipped[0]})", location=str(path), hint=LAYOUT)
    return _clips(path, whole_skeleton, kept, tuple(skipped))


def _person_of(pattern: str | None) -> Callable[[str], str]:
    """Who is in a clip of that name."""
    if pattern is None:
        return lambda name: ""
    try:
        found = re.compile(pattern)
    except re.error as error:
        hint = "give a regular expression, such as '^[a-z]+'"
        raise BadInput(f"{pattern!r}: {error}", location="--people", hint=hint) from error

    def person(name: str) -> str:
        match = found.search(name)
        return (match.group(1 if found.groups else 0) or "") if match else ""

    return person


def _labelled(path: Path, person: Callable[[str], str]) -> tuple[list[_Clip], list[str]]:
    """Clips of the recordings, called by their place in the folder."""
    if not path.is_dir():
        recordings, skipped = formats.recordings(path)
        if any(recording.label is None for recording in recordings):
            raise BadInput("a clip has no class", location=str(path), hint=LAYOUT)
        return [_Clip(each, f"class {each.label}", person(each.name)) for each in recordings], skipped
    found, skipped = [], []
    for folder, name, training in _class_folders(path):
        recordings, left_out = formats.recordings(folder)
        skipped += left_out
        for recording in recordings:
            label = f"class {recording.label}" if recording.label is not None else name
            called = f"{folder.relative_to(path)}/{recording.name}"
            split = recording.training if training is None else training
            notes = () if recording.label is None else (LABELLED,)
            whole = recording.noted(*notes, name=called, training=split)
            found.append(_Clip(whole, label, person(recording.name)))
    return found, skipped


def _class_folders(path: Path) -> list[tuple[Path, str, bool | None]]:
    """Folders of one class each, its name, and whether its clips train, where the layout says."""
    inside = sorted(child for child in path.iterdir() if child.is_dir() and not child.name.startswith("."))
    parts = [child.name for child in inside if child.name.lower() in PARTS]
    if parts and len(parts) < len(inside):
        problem = f"folder {parts[0]!r} beside {next(c.name for c in inside if c.name not in parts)!r}"
        raise BadInput(f"{problem}: is it a split or a class?", location=str(path), hint=LAYOUT)
    if inside and all(child.name.lower() in PARTS for child in inside):
        return [
            (folder, folder.name, PARTS[part.name.lower()])
            for part in inside
            for folder in sorted(part.iterdir())
            if folder.is_dir()
        ]
    if not inside:
        raise BadInput("no folder of a class in it", location=str(path), hint=LAYOUT)
    return [(folder, folder.name, None) for folder in inside]


def with_presence(recording: Recording) -> tuple[Recording, float, float]:
    """With joints that were not seen held and then absent (NaN), as in a stream; the shares of both."""
    positions, held, absent = filled(recording.positions, recording.rate)
    return replace(recording, positions=positions), float(held.mean()), float(absent.mean())


def _clips(path: Path, skeleton: Skeleton, kept: list[_Clip], skipped: tuple[str, ...]) -> Clips:
    recordings = [clip.recording for clip in kept]
    names = sorted({clip.label for clip in kept})
    if len(names) < 2:
        raise BadInput(f"only one class, {names[0]!r}", location=str(path), hint=LAYOUT)
    rate = recordings[0].rate
    arrays = [at_rate(recording.positions, recording.rate, rate, skeleton.bodies) for recording in recordings]
    labels = np.array([names.index(clip.label) for clip in kept])
    people = sorted({clip.person for clip in kept} - {""})
    subjects = np.array([people.index(clip.person) if clip.person else -1 for clip in kept])
    train, assumed = _split(recordings, labels, subjects, people)
    positions, lengths = joined(arrays)
    return Clips(
        positions=positions,
        lengths=lengths,
        labels=labels,
        subjects=subjects,
        train=train,
        names=tuple(recording.name for recording in recordings),
        class_names=tuple(names),
        skeleton=skeleton,
        dataset=path.stem,
        rate=rate,
        skipped=skipped,
        assumed=(*_notes(kept), *_rates(recordings), *assumed),
    )


def _notes(kept: list[_Clip]) -> list[str]:
    """What was guessed, each said once, with the number of clips where it is not all of them."""
    notes = formats.notes_of([clip.recording.notes for clip in kept])
    held, absent = (float(np.mean([getattr(clip, share) for clip in kept])) for share in ("held", "absent"))
    said = f"joints not seen: {held:.1%} held at their last position, {absent:.1%} absent, as in a stream"
    return [*notes, said] if held or absent else notes


def _rates(recordings: list[Recording]) -> list[str]:
    """What is said of clips of several frame rates."""
    rates = [recording.rate for recording in recordings]
    if max(rates) <= (1 + ALIKE) * min(rates):
        return []
    return [f"clips of {min(rates):.4g} to {max(rates):.4g} Hz are brought to {rates[0]:.4g} Hz, the first one's"]


def _split(
    recordings: list[Recording], labels: np.ndarray, subjects: np.ndarray, people: list[str]
) -> tuple[np.ndarray, tuple[str, ...]]:  # fmt: skip
    """Which clips train (N,), and what is said of that.

    As the recordings say. Of those that do not, all of every TESTED-th person test, at least of the last one; where
    that cannot be, every TESTED-th clip of a class, or the last of two to four.
    """
    train = np.array([True if recording.training is None else recording.training for recording in recordings])
    unsaid = np.array([recording.training is None for recording in recordings])
    if not unsaid.any():
        return train, ()
    tested = people[TESTED - 1 :: TESTED] or people[-1:]
    of_them = np.isin(subjects, [people.index(person) for person in tested])
    if unsaid.all() and (subjects >= 0).all() and set(labels[~of_them]) == set(labels):
        return ~of_them, (f"nothing says which clips test: those of {', '.join(tested)} do",)
    for label in np.unique(labels):
        own = np.flatnonzero(unsaid & (labels == label))
        train[own[TESTED - 1 :: TESTED] if len(own) >= TESTED else own[1:][-1:]] = False
    unknown = "; who is in them is not known, so that the same people train and test (--people)"
    split = f"nothing says which clips test: every {TESTED}th of each class does, of fewer the last"
    return train, (split + unknown * bool((subjects < 0).any()),)
