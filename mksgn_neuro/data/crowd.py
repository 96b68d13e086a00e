"""Who is body 1 in a stream: people who appear, leave and come back, put into a network's places for bodies.

As in the files (`readers.ntu.bodies`) body 1 is whoever has moved most and looks like a person, but by what was seen so
far: a stream knows no more. So at a clip's end the places are the file's, unless two have moved nearly alike.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.data.gaps import STAMP_ERROR, GapFiller
from mksgn_neuro.data.readers.ntu.bodies import SHORTEST, WIDE_FRAMES, looks

LEAD = 2.0  # times as much as somebody in a place must another have moved to take it: places do not flicker
REACH = 0.75  # metres that somebody without a number is looked for around where they were


@dataclass(frozen=True)
class Seen:
    """Somebody in a frame: joints (V, 3) metres, NaN where not seen; `number`: the tracker's, None without one."""

    joints: np.ndarray
    number: Hashable = None


@dataclass
class _Person:
    """Who is there or was a moment ago: what moved, as the sum of squared distances from the mean pose so far."""

    filler: GapFiller
    at: float
    centre: np.ndarray
    sightings: int = 0
    wide: int = 0
    small: int = 0
    motion: float = 0.0
    mean: np.ndarray | None = None

    def look(self, joints: np.ndarray) -> None:
        """Another whole pose (V, 3)."""
        self.sightings += 1
        wide, small = looks(joints[None])
        self.wide, self.small = self.wide + int(wide[0]), self.small + int(small[0])
        if self.mean is None:
            self.mean = np.zeros(joints.shape)
        off = joints - self.mean
        self.mean = self.mean + off / self.sightings
        self.motion += float((off * (joints - self.mean)).sum())

    @property
    def is_furniture(self) -> bool:
        """As `readers.ntu.bodies.is_furniture` of all poses so far."""
        return self.wide >= WIDE_FRAMES * self.sightings or 2 * self.small > self.sightings


class Crowd:
    """Frames of people, one by one, as frames with `locations` bodies of V joints; who is lost is held for `hold` s."""

    def __init__(self, locations: int, joints: int, hold: float) -> None:
        self._hold, self._joints = hold, joints
        self._places: list[Hashable] = [None] * locations
        self._people: dict[Hashable, _Person] = {}
        self._next = 0

    @property
    def who(self) -> tuple[Hashable, ...]:
        """The number of whoever is in each place, None where nobody is."""
        return tuple(self._places)

    def __call__(self, seen: Sequence[Seen], seconds: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions (places · V, 3) float32, NaN in a place where nobody is; joints held and absent, bool each."""
        found = self._recognised([one for one in seen if np.isfinite(one.joints).any()])
        bodies = {}
        for number in [*found, *(number for number in self._people if number not in found)]:
            joints = found.get(number, np.full((self._joints, 3), np.nan, dtype=np.float32))
            bodies[number] = self._filled(number, joints, seconds)
        for number, person in [*self._people.items()]:
            if seconds - person.at > self._hold + STAMP_ERROR:
                del self._people[number]
        self._seat()
        nobody = (np.full((self._joints, 3), np.nan, np.float32), *[np.zeros(self._joints, dtype=bool)] * 2)
        parts = [bodies.get(number, nobody) for number in self._places]
        return tuple(np.concatenate(column) for column in zip(*parts))

    def _recognised(self, seen: list[Seen]) -> dict[Hashable, np.ndarray]:
        """Joints by number: the tracker's, or that of whoever was nearest, or a new one."""
        found = {one.number: one.joints for one in seen if one.number is not None}
        strangers = [one.joints for one in seen if one.number is None]
        known = [number for number in self._people if number not in found]
        pairs = sorted(
            (float(np.linalg.norm(_centre(joints) - self._people[number].centre)), i, k)
            for i, joints in enumerate(strangers)
            for k, number in enumerate(known)
        )
        taken: dict[int, int] = {}
        for distance, i, k in pairs:
            if distance <= REACH and i not in taken and k not in taken.values():
                taken[i] = k
        for i, joints in enumerate(strangers):
            found[known[taken[i]] if i in taken else self._new_number()] = joints
        return found

    def _new_number(self) -> Hashable:
        self._next += 1
        return f"person {self._next}"

    def _filled(
        self, number: Hashable, joints: np.ndarray, seconds: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
        here = np.isfinite(joints).any()
        if number not in self._people:
            self._people[number] = _Person(GapFiller(self._hold), seconds, _centre(joints))
        person = self._people[number]
        whole, held, absent = person.filler(joints, seconds)
        if here:
            person.at, person.centre = seconds, _centre(joints)
            if np.isfinite(whole).all():
                person.look(whole.astype(np.float64))
        return whole, held, absent

    def _seat(self) -> None:
        """Places keep who is in them, unless they left or another has moved LEAD times as much."""
        long = [number for number, person in self._people.items() if person.sightings >= SHORTEST]
        people = [number for number in long if not self._people[number].is_furniture]
        ranked = sorted(people or long or self._people, key=lambda number: -self._people[number].motion)
        self._places = [number if number in ranked else None for number in self._places]
        for location, number in enumerate(self._places):
            waiting = [other for other in ranked if other not in self._places[: location + 1]]
            if not waiting:
                continue
            if number is None or self._moved(waiting[0]) > LEAD * self._moved(number):
                before = self._places.index(waiting[0]) if waiting[0] in self._places else None
                self._places[location] = waiting[0]
                if before is not None:
                    self._places[before] = number

    def _moved(self, number: Hashable) -> float:
        return self._people[number].motion


def _centre(joints: np.ndarray) -> np.ndarray:
    """The middle of the joints that are seen."""
    return np.nanmean(joints, axis=0)
