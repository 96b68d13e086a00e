"""One clip of a person as some program recorded it, and how it becomes what a network takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mksgn_neuro.data.bodies import KINECT_AXES, METRES, PIXELS, SHARES, Body, mapping
from mksgn_neuro.data.clips import KINECT_RATE, SHORTEST_BODY, TALLEST_BODY, require_rate
from mksgn_neuro.data.joints import canonical
from mksgn_neuro.data.posture import mirrored, standing
from mksgn_neuro.errors import BadInput

TORSO = 0.38  # metres from the middle of the hips to the middle of the shoulders: the median over NW-UCLA
UNITS = (*METRES, PIXELS)
UPS = ("x", "-x", "y", "-y", "z", "-z")
DEPTH_LEFT_OUT = "its depth is left out: two coordinates are wanted"
ONE_FRAME = "one frame: nothing moves in it"
MIRRORED = "looks mirrored: feet or nose point backwards for where left and right are"
LEAST_CONFIDENCE = 0.1  # of a detector; a joint below it counts as not seen


@dataclass(frozen=True)
class Recording:
    """`positions` (T, V, C) float32 in `unit`, NaN where a joint was not seen; C is 2 in a picture, 3 in the room.

    `joint_names` None: only their order is known. `unit` and `signs` None: the format does not say. `rate` in Hz,
    None where unknown. `second`: another body (T, V, C) that was seen. `notes`: what was guessed or left out.
    `label` and `training`: where the file has them. `untimed`: what keeps the times in it from being used.
    `turned`: the user has said which axis points up. `held`: joints that were lost for a moment have been held already.
    """

    name: str
    format: str
    positions: np.ndarray
    joint_names: tuple[str, ...] | None = None
    body: Body | None = None
    unit: str | None = None
    signs: tuple[int, int, int] | None = None
    rate: float | None = None
    notes: tuple[str, ...] = ()
    second: np.ndarray | None = None
    label: int | None = None
    training: bool | None = None
    untimed: str = ""
    turned: bool = False
    held: bool = False

    @property
    def coordinates(self) -> int:
        """2 or 3."""
        return self.positions.shape[2]

    def noted(self, *notes: str, **changes: object) -> Recording:
        """The same with more notes, and other fields where given."""
        return replace(self, notes=(*self.notes, *notes), **changes)


def of_body(name: str, form: str, positions: np.ndarray, body: Body, **rest: object) -> Recording:
    """A recording in a named body's own joints, unit and axes."""
    signs, unit = rest.pop("signs", body.signs), rest.pop("unit", body.unit)
    return Recording(name, form, positions.astype(np.float32), body.skeleton.joint_names, body, unit, signs, **rest)


@dataclass(frozen=True)
class Wanted:
    """What the user says of recordings that do not say it: `unit`, `up` (the axis that points up), `rate` in Hz.

    `flat`: a recording in a picture may be taken as one in the room, its depth 0 and its size guessed. `aspect`: a
    picture's width by its height, where a recording has shares of them.
    """

    unit: str | None = None
    up: str | None = None
    rate: float | None = None
    flat: bool = False
    aspect: float | None = None

    def __post_init__(self) -> None:
        if self.unit is not None and self.unit not in UNITS:
            raise BadInput(f"unknown unit {self.unit!r}", location="--unit", hint=f"choose from {', '.join(UNITS)}")
        if self.up is not None and self.up not in UPS:
            raise BadInput(f"unknown axis {self.up!r}", location="--up", hint=f"choose from {', '.join(UPS)}")
        if self.rate is not None:
            require_rate(self.rate, "--rate")


def without_zeros(recording: Recording) -> Recording:
    """With joints at exactly 0 taken as not seen, as detectors and sensors write them; a root may lie there always."""
    zero, torn = (recording.positions == 0).all(axis=2), np.isnan(recording.positions).any(axis=2)
    if torn.any():  # a joint with one coordinate less is nowhere
        recording = replace(recording, positions=np.where(torn[..., None], np.float32(np.nan), recording.positions))
    anything = np.isfinite(recording.positions).any(axis=2) & ~zero
    always = zero[anything.any(axis=1)].all(axis=0) if anything.any() else np.zeros(zero.shape[1], dtype=bool)
    lost = zero & anything.any(axis=1)[:, None]
    if always.sum() == 1:
        lost &= ~always
    if not lost.any():
        return recording
    positions = np.where(lost[..., None], np.float32(np.nan), recording.positions)
    joints, frames = (int(lost.any(axis=axis).sum()) for axis in (0, 1))
    said = f"joints at exactly 0 are taken as not seen: {joints} of them, in {frames} frames"
    return recording.noted(said, positions=positions)


def height(positions: np.ndarray, axis: int = 1) -> float:
    """Median over frames of the distance from the lowest to the highest joint, in the positions' own unit."""
    seen = positions[~np.isnan(positions).all(axis=(1, 2)), :, axis]
    if not len(seen):
        return 0.0
    return float(np.median(np.nanmax(seen, axis=1) - np.nanmin(seen, axis=1)))


def in_metres(recording: Recording, wanted: Wanted, coordinates: int = 3) -> Recording:
    """With a rate, in metres and the Kinect's axes; raises BadInput where that needs an option that was not given.

    `coordinates` of what it is for: for 2, a picture needs no option, its positions' third is 0 and its size guessed.
    """
    if recording.rate is None or wanted.rate is not None:
        recording = _with_rate(recording, wanted)
    if not np.isfinite(recording.positions).any():
        raise BadInput("no joint is seen in any frame", location=recording.name, hint="give a clip with a person in it")
    recording = _upright(_of_one_unit(recording, wanted), wanted)
    unit = wanted.unit or recording.unit
    if recording.coordinates == 2:
        return _in_the_room(recording, wanted, coordinates)
    if unit == PIXELS:
        raise BadInput("three coordinates in pixels", location=recording.name, hint="give --unit m, cm or mm")
    found = _times(recording, METRES[unit or "m"])
    if unit is None:
        found = found.noted("no unit in it: taken as metres (--unit)")
    if unit not in (None, "m"):
        found = found.noted(f"{unit} converted to metres")
    if coordinates == 2:
        found = found.noted(DEPTH_LEFT_OUT)
    return require_upright(_plausible(found))


def _with_rate(recording: Recording, wanted: Wanted) -> Recording:
    if wanted.rate is not None:
        said = (f"its times are not used: {recording.untimed}",) if recording.untimed else ()
        return recording.noted(*said, rate=wanted.rate, untimed="")
    if recording.untimed:
        hint = "repair the times, or give --rate, its frames per second"
        raise BadInput(recording.untimed, location=recording.name, hint=hint)
    return recording.noted(f"no frame rate in it: taken as {KINECT_RATE:g} Hz (--rate)", rate=KINECT_RATE)


def _times(recording: Recording, factor: float | np.ndarray) -> Recording:
    second = None if recording.second is None else (recording.second * factor).astype(np.float32)
    return replace(recording, positions=(recording.positions * factor).astype(np.float32), second=second)


def _upright(recording: Recording, wanted: Wanted) -> Recording:
    """With the Kinect's axes: by the option, by the format, or as it is, which is said."""
    signs = recording.signs
    says = None if signs is None else ("y", "-y")[signs[1] < 0]
    if wanted.up is not None and wanted.up != says:
        turned = _turned(recording.positions, wanted.up)
        second = None if recording.second is None else _turned(recording.second, wanted.up)
        return replace(recording, positions=turned, second=second, signs=KINECT_AXES, turned=True)
    if signs is None:
        recording = recording.noted("does not say which axis points up: taken as y (--up)")
    else:
        recording = _times(recording, np.array(signs[: recording.coordinates], dtype=np.float32))
    return replace(recording, signs=KINECT_AXES, turned=wanted.up is not None)


def _of_one_unit(recording: Recording, wanted: Wanted) -> Recording:
    """With x in the unit of y, where they are shares of a picture's width and height."""
    if recording.unit != SHARES:
        said = ("coordinates are no shares of a picture: --aspect changes nothing",) if wanted.aspect else ()
        return recording.noted(*said)
    if wanted.aspect is None:
        return recording.noted("shares of the picture's width and height: the picture is taken as square (--aspect)")
    return replace(_times(recording, np.array([wanted.aspect, 1.0], dtype=np.float32)), unit=PIXELS)


def _turned(positions: np.ndarray, up: str) -> np.ndarray:
    """A rotation that brings `up` to +y; of a picture, whose axes are only x and y, a half or quarter turn."""
    axis, sign = "xyz".index(up[-1]), -1 if up[0] == "-" else 1
    if axis >= positions.shape[2]:
        raise BadInput(f"up is {up}, but there are only x and y", location="--up", hint="give x, -x, y or -y")
    if axis == 1:
        return positions * np.array((sign, sign, 1)[: positions.shape[2]], dtype=np.float32)
    x, y = positions[..., 0], positions[..., 1]
    if axis == 0:
        return np.stack([-sign * y, sign * x, *(positions[..., i] for i in range(2, positions.shape[2]))], axis=-1)
    return np.stack([x, sign * positions[..., 2], -sign * y], axis=-1)


def _in_the_room(recording: Recording, wanted: Wanted, coordinates: int) -> Recording:
    """A picture's joints as joints in the room: depth 0, and a torso of TORSO metres. Only where that was asked for."""
    if coordinates == 3 and not wanted.flat:
        hint = "add --flat to take the depth as 0 and the size from the torso, or train a network on such clips"
        raise BadInput("has two coordinates, in a picture; the network takes three", location=recording.name, hint=hint)
    torso = torso_length(recording)
    found = _times(recording, TORSO / torso)
    deep = [None if x is None else np.concatenate([x, np.where(np.isnan(x[..., :1]), np.nan, 0)], axis=-1) for x in
            (found.positions, found.second)]  # fmt: skip
    depth = "depth taken as 0, " if coordinates == 3 else ""
    said = f"two coordinates: {depth}size as that of a person whose torso is {TORSO} m"
    second = None if deep[1] is None else deep[1].astype(np.float32)
    return require_upright(found.noted(said, positions=deep[0].astype(np.float32), second=second, unit="m"))


def torso_length(recording: Recording) -> float:
    """Median distance from the middle of the hips to that of the shoulders; raises BadInput where none is seen."""
    at = {canonical(name): v for v, name in enumerate(recording.joint_names or ())}
    needed = [f"{side} {joint}" for joint in ("shoulder", "hip") for side in ("left", "right")]
    if not all(name in at for name in needed):
        raise BadInput("does not name hips and shoulders", location=recording.name, hint="give joints by name")
    a, b, c, d = (recording.positions[:, at[name]] for name in needed)
    lengths = np.linalg.norm((a + b) / 2 - (c + d) / 2, axis=1)
    lengths = lengths[np.isfinite(lengths) & (lengths > 0)]
    if not len(lengths):
        raise BadInput("hips and shoulders are never seen together", location=recording.name, hint="leave it out")
    return float(np.median(lengths))


def _plausible(recording: Recording) -> Recording:
    """Raise BadInput for a body of impossible size; with what looks wrong said."""
    size, location = height(recording.positions), recording.name
    largest = max(height(recording.positions, axis) for axis in range(3))
    if largest > TALLEST_BODY:
        units = [unit for unit, f in METRES.items() if SHORTEST_BODY <= largest * f <= TALLEST_BODY and unit != "m"]
        hint = f"give --unit {' or '.join(units)}" if units else "give --unit"
        raise BadInput(f"a body of {largest:.4g} metres", location=location, hint=hint)
    if largest < SHORTEST_BODY:
        hint = "give --unit, or metres in the file"
        raise BadInput(f"a body of {largest:.2g} metres", location=location, hint=hint)
    return recording.noted(f"the body is only {size:.2g} m high") if size < SHORTEST_BODY else recording


def require_upright(recording: Recording) -> Recording:
    """With what looks wrong said; raises BadInput for who is upside down or lies, unless the user said what is up."""
    names, notes = recording.joint_names or (), []
    if len(recording.positions) == 1:
        notes.append(ONE_FRAME)
    odd = "" if recording.turned else standing(recording.positions, names)
    if odd:
        own = "-y" if recording.body and recording.body.signs[1] < 0 else "y"
        hint = f"give the axis that points up: --up {', '.join(up for up in UPS[2:] if up != own)}; {own} if that is so"
        problem = "the body is upside down" if odd == "upside down" else "the body lies, or another axis points up"
        raise BadInput(problem, location=recording.name, hint=hint)
    if mirrored(recording.positions, names):
        notes.append(MIRRORED)
    return recording.noted(*notes)


def for_joints(recording: Recording, joint_names: tuple[str, ...], bodies: int = 1) -> Recording:
    """With the joints of a network, several bodies one after the other (0 where a body is absent).

    Raises BadInput for a joint that nothing corresponds to, or for nameless joints of another number.
    """
    per_body = len(joint_names) // bodies
    names = tuple(name.removesuffix(" (1)") for name in joint_names[:per_body]) if bodies > 1 else joint_names
    recording = _first_body(recording, names)
    if bodies == 1:
        if recording.second is None:
            return recording
        return recording.noted("a second body was left out: the network has one", second=None)
    shape = (len(recording.positions), (bodies - 2) * per_body, 3)
    nobody = np.zeros_like(recording.positions)
    second = nobody if recording.second is None else recording.second
    if recording.second is None:
        recording = recording.noted(f"one body seen: the network's other {bodies - 1} is taken as absent")
    parts = [_absent_as_zero(recording.positions), _absent_as_zero(second), np.zeros(shape, dtype=np.float32)]
    return replace(recording, positions=np.concatenate(parts, axis=1), joint_names=joint_names, second=None)


def _first_body(recording: Recording, names: tuple[str, ...]) -> Recording:
    given = recording.joint_names
    if given is None:
        if recording.positions.shape[1] == len(names):
            named = recording.noted("its joints have no names: taken in the network's order", joint_names=names)
            return require_upright(named)
        problem = f"{recording.positions.shape[1]} joints without names, the network takes {len(names)}"
        raise BadInput(problem, location=recording.name, hint="name the joints, or give them in the network's order")
    if [canonical(name) for name in given] == [canonical(name) for name in names]:
        return recording
    try:
        onto = mapping(given, names)
    except BadInput as error:
        raise BadInput(error.problem, location=recording.name, hint=error.hint) from error
    second = None if recording.second is None else onto(recording.second)
    source = recording.body.name if recording.body else f"{len(given)} joints"
    notes = [f"{source} mapped onto the network's {len(names)} joints"]
    notes += [f"guessed: {'; '.join(onto.made)}"] if onto.made else []
    return recording.noted(*notes, positions=onto(recording.positions), joint_names=names, second=second)


def _absent_as_zero(positions: np.ndarray) -> np.ndarray:
    """A body that is wholly unseen in a frame has all joints at 0, as `Clips` have it."""
    gone = np.isnan(positions).all(axis=(1, 2))
    return np.where(gone[:, None, None], np.float32(0), positions)
