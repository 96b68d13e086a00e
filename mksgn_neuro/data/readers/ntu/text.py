"""One NTU RGB+D `.skeleton` file.

    frame count
    per frame: body count
        per body: bodyID and 9 more fields; 25; 25 lines of 12 fields, of which x y z (metres) come first

`parse_plain` defines what is read and finds the words for what is wrong. `parse` gives the same through a compiled
scan of the bytes, and goes back to `parse_plain` for whatever that scan does not take.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numba import njit

from mksgn_neuro.errors import BadInput

JOINTS, BODY_FIELDS, JOINT_FIELDS = 25, 10, 12
HINT = "unpack it again from the archive, or leave such files out with --skip-bad"
LARGEST = float(np.finfo(np.float32).max)
INTEGER = re.compile(rb"-?[0-9]{1,18}")


@dataclass(frozen=True)
class Sightings:
    """Bodies as the file lists them: `frame` (n,) int32, `body` (n,) int64 tracking ids, `xyz` (n, 25, 3) float32."""

    frames: int
    frame: np.ndarray
    body: np.ndarray
    xyz: np.ndarray


def parse(text: bytes, location: str) -> Sightings:
    """Read one file; raises BadInput with the line. `location` names the file."""
    capacity = text.count(b"\n") // (JOINTS + 2) + 1
    frame = np.empty(capacity, dtype=np.int32)
    body = np.empty(capacity, dtype=np.int64)
    xyz = np.empty((capacity, JOINTS, 3), dtype=np.float32)
    frames, n = _scan(np.frombuffer(text, dtype=np.uint8), frame, body, xyz)
    if frames < 0:
        return parse_plain(text, location)
    return Sightings(frames, frame[:n], body[:n], xyz[:n])


def parse_plain(text: bytes, location: str) -> Sightings:
    """What `parse` does, line by line in plain Python."""
    lines = _Lines(text, location)
    frames, frame, body, xyz = lines.count("the frame count"), [], [], []
    for t in range(frames):
        for _ in range(lines.count(f"the body count of frame {t}")):
            fields = lines.fields(BODY_FIELDS, f"a body of frame {t}")
            body.append(lines.integer(fields[0]))
            frame.append(t)
            joints = lines.count("the joint count")
            if joints != JOINTS:
                lines.fail(f"{joints} joints, expected {JOINTS}")
            xyz.append([lines.position(f"joint {v} of frame {t}") for v in range(JOINTS)])
    lines.end()
    positions = np.array(xyz, dtype=np.float64).reshape(-1, JOINTS, 3).astype(np.float32)
    return Sightings(frames, np.array(frame, dtype=np.int32), np.array(body, dtype=np.int64), positions)


class _Lines:
    """The lines of a file, and the words for what is wrong with the current one."""

    def __init__(self, text: bytes, location: str) -> None:
        self._lines, self._location, self._next = text.split(b"\n"), location, 0
        while self._lines and not self._lines[-1].strip():
            self._lines.pop()

    def fail(self, problem: str) -> None:
        raise BadInput(problem, location=f"{self._location}, line {self._next}", hint=HINT)

    def fields(self, n: int, what: str) -> list[bytes]:
        if self._next == len(self._lines):
            self.fail(f"the file is truncated: it ends before {what}")
        fields = self._lines[self._next].split()
        self._next += 1
        if len(fields) < n and self._next == len(self._lines):
            self.fail(f"the file is truncated: it ends within {what}, after {len(fields)} of {n} fields")
        if len(fields) != n:
            self.fail(f"{len(fields)} fields, expected {n} for {what}")
        return fields

    def integer(self, field: bytes) -> int:
        if not INTEGER.fullmatch(field):
            self.fail(f"{field.decode('latin1')[:20]!r} is not an integer")
        return int(field)

    def count(self, what: str) -> int:
        value = self.integer(self.fields(1, what)[0])
        if value < 0:
            self.fail(f"{what} is {value}")
        return value

    def position(self, what: str) -> list[float]:
        xyz = []
        for field in self.fields(JOINT_FIELDS, what)[:3]:
            try:
                xyz.append(float(field))
            except ValueError:
                self.fail(f"{field.decode('latin1')[:20]!r} is not a number")
            if not abs(xyz[-1]) <= LARGEST:
                self.fail(f"a coordinate of {what} is not a finite number")
        return xyz

    def end(self) -> None:
        if self._next < len(self._lines):
            self._next += 1
            self.fail("more lines than the frame count asks for")


_POWERS = 10.0 ** np.arange(23)  # exact in float64
_EXACT = 2**53


@njit(cache=True, nogil=True, inline="always")
def _blank(c: int) -> bool:
    return c == 32 or (9 <= c <= 13 and c != 10)


@njit(cache=True, nogil=True)
def _integer(text: np.ndarray, at: int) -> tuple[int, int, bool]:
    """(value, next byte, whether it was an integer of at most 18 digits)."""
    n = len(text)
    while at < n and _blank(text[at]):
        at += 1
    negative = at < n and text[at] == 45
    if negative:
        at += 1
    first, value = at, np.int64(0)
    while at < n and 48 <= text[at] <= 57 and at - first < 19:
        value = value * 10 + np.int64(text[at] - 48)
        at += 1
    good = 0 < at - first <= 18 and (at == n or text[at] == 10 or _blank(text[at]))
    return -value if negative else value, at, good


@njit(cache=True, nogil=True)
def _number(text: np.ndarray, at: int) -> tuple[float, int, bool]:
    """(value, next byte, whether float64 holds it correctly rounded: mantissa < 2^53, power of ten within ±22)."""
    n = len(text)
    while at < n and _blank(text[at]):
        at += 1
    negative = at < n and text[at] == 45
    if negative:
        at += 1
    mantissa, digits, power = np.int64(0), 0, np.int64(0)
    fraction = False
    while at < n and (48 <= text[at] <= 57 or (text[at] == 46 and not fraction)):
        if text[at] == 46:
            fraction = True
        else:
            mantissa = mantissa * 10 + np.int64(text[at] - 48)
            digits += 1
            power -= fraction
            if digits > 18:
                return 0.0, at, False
        at += 1
    if at < n and (text[at] == 101 or text[at] == 69):
        at += 1
        if at < n and text[at] == 43:
            at += 1
        if at < n and _blank(text[at]):
            return 0.0, at, False
        exponent, at, good = _integer(text, at)
        if not good or abs(exponent) > 99:
            return 0.0, at, False
        power += exponent
    ended = at == n or text[at] == 10 or _blank(text[at])
    if not ended or digits == 0 or mantissa >= _EXACT or abs(power) > 22:
        return 0.0, at, False
    value = mantissa / _POWERS[-power] if power < 0 else mantissa * _POWERS[power]
    return -value if negative else value, at, True


@njit(cache=True, nogil=True)
def _rest(text: np.ndarray, at: int) -> tuple[int, int]:
    """(fields until the line ends, first byte of the next line)."""
    n, fields, inside = len(text), 0, False
    while at < n and text[at] != 10:
        blank = _blank(text[at])
        fields += (not blank) and (not inside)
        inside = not blank
        at += 1
    return fields, at + 1


@njit(cache=True, nogil=True)
def _count(text: np.ndarray, at: int) -> tuple[int, int]:
    """A line that holds one count: (value or −1, next line)."""
    value, at, good = _integer(text, at)
    fields, at = _rest(text, at)
    return value if good and fields == 0 else np.int64(-1), at


@njit(cache=True, nogil=True)
def _scan(text: np.ndarray, frame: np.ndarray, body: np.ndarray, xyz: np.ndarray) -> tuple[int, int]:
    """Fill the arrays: (frames, bodies seen); (−1, 0) for anything but the plainest well-formed file."""
    n, seen = len(text), 0
    frames, at = _count(text, 0)
    if frames < 0:
        return -1, 0
    for t in range(frames):
        bodies, at = _count(text, at) if at < n else (np.int64(-1), at)
        if bodies < 0 or bodies > len(frame) - seen:
            return -1, 0
        for _ in range(bodies):
            identity, at, good = _integer(text, at)
            fields, at = _rest(text, at)
            joints, at = _count(text, at)
            if not good or fields != BODY_FIELDS - 1 or joints != JOINTS:
                return -1, 0
            frame[seen], body[seen] = t, identity
            for v in range(JOINTS):
                for axis in range(3):
                    value, at, good = _number(text, at)
                    if not good or abs(value) > LARGEST:
                        return -1, 0
                    xyz[seen, v, axis] = value
                fields, at = _rest(text, at)
                if fields != JOINT_FIELDS - 3:
                    return -1, 0
            seen += 1
    while at < n:
        if text[at] != 10 and not _blank(text[at]):
            return -1, 0
        at += 1
    return frames, seen
