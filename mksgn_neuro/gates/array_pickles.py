"""Pickles of numpy arrays, of any protocol: numpy's own classes never see what the pickle says of them."""

from __future__ import annotations

import codecs
import math
import re

import numpy as np

from mksgn_neuro.gates.pickles import Maker, Note, Refused

TYPE = re.compile(r"[|<>=]?([biuf][1248]|\?|[SU]\d{1,6})")
MOST_AXES = 8


class _Dtype(Note):
    """A type of plain numbers or fixed text; its state is its byte order."""

    __slots__ = ("name", "order")

    def __init__(self, name: object, *_: object) -> None:
        if not isinstance(name, str) or not TYPE.fullmatch(name):
            raise Refused("an array of other things than numbers or text")
        self.name, self.order = name.lstrip("|<>="), name[0] if name[0] in "<>" else "="

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "=", "|"):
            raise Refused("a type without a byte order")
        self.order = "=" if state[1] == "|" else state[1]

    def settle(self) -> np.dtype:
        return np.dtype(self.order + self.name)


class _Array(Note):
    """An array: its parts as the pickle gives them."""

    __slots__ = ("data", "dtype", "fortran", "shape")

    def __init__(self, shape: object = (), dtype: object = None, data: object = None, fortran: object = False) -> None:
        self.shape, self.dtype, self.data, self.fortran = shape, dtype, data, fortran

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise Refused("an array without its parts")
        _, self.shape, self.dtype, self.fortran, self.data = state

    def settle(self) -> np.ndarray:
        data = self.data.encode("latin1") if isinstance(self.data, str) else self.data
        if not isinstance(self.dtype, _Dtype) or not isinstance(data, (bytes, bytearray)):
            raise Refused("an array of other things than numbers or text")
        shape, dtype = self.shape, self.dtype.settle()
        sound = isinstance(shape, tuple) and len(shape) <= MOST_AXES and all(type(n) is int and n >= 0 for n in shape)
        if not sound or math.prod(shape) * dtype.itemsize != len(data):
            raise Refused(f"an array of {len(data)} bytes that says that it has another shape")
        if dtype.itemsize == 0 or not len(data):
            return np.zeros(shape, dtype)
        return np.frombuffer(data, dtype).reshape(shape, order="F" if self.fortran else "C")


class _Scalar(_Array):
    """One number."""

    __slots__ = ()

    def settle(self) -> np.generic:
        return super().settle()[()]


def _latin1(text: object, encoding: object) -> bytes:
    """What old pickles of arrays call to get bytes from text; no other codec is needed."""
    if encoding != "latin1" or not isinstance(text, str):
        raise Refused("bytes of another codec than latin1")
    return codecs.encode(text, "latin1")


def _class(*_: object) -> Note:
    raise Refused("an array that is made of nothing")


KNOWN: dict[tuple[str, str], object] = {
    ("numpy", "ndarray"): Maker(_class),
    ("numpy", "dtype"): Maker(_Dtype),
    ("_codecs", "encode"): Maker(_latin1),
    ("__builtin__", "bytes"): Maker(lambda: b""),  # what old pickles write for b""
}
for _core in ("numpy.core", "numpy._core"):  # as numpy 1 and numpy 2 call it
    KNOWN[f"{_core}.multiarray", "_reconstruct"] = Maker(lambda *_: _Array())
    KNOWN[f"{_core}.multiarray", "scalar"] = Maker(lambda dtype, data: _Scalar((), dtype, data))
    KNOWN[f"{_core}.numeric", "_frombuffer"] = Maker(
        lambda data, dtype, shape, order: _Array(shape, dtype, data, order == "F")
    )
