"""The scale of a picture in a stream: a person whose torso was so long so far is as large as one of TORSO metres."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from mksgn_neuro.data.joints import canonical
from mksgn_neuro.data.recordings import TORSO
from mksgn_neuro.errors import BadInput

REMEMBERED = 64  # frames whose median torso gives the scale; a recording's is that of all its frames


class PictureScale:
    """Feed joints (V, 3), the third coordinate unused, in a picture's unit; get them in metres, the third 0.

    NaN until hips and shoulders have been seen together. Raises BadInput where `names` lack them.
    """

    def __init__(self, names: Sequence[str], location: str) -> None:
        at = {canonical(name.removesuffix(" (1)")): v for v, name in reversed([*enumerate(names)])}
        needed = [f"{side} {joint}" for joint in ("shoulder", "hip") for side in ("left", "right")]
        missing = [name for name in needed if name not in at]
        if missing:
            hint = "give metres, three coordinates a joint"
            raise BadInput(
                f"the network has no {missing[0]}, which gives a picture its scale", location=location, hint=hint
            )
        self._corners = [at[name] for name in needed]
        self._torsos: deque[float] = deque(maxlen=REMEMBERED)

    def __call__(self, joints: np.ndarray) -> np.ndarray:
        """The next frame."""
        a, b, c, d = (joints[v, :2].astype(np.float64) for v in self._corners)
        torso = float(np.linalg.norm((a + b) / 2 - (c + d) / 2))
        if torso > 0:  # false for NaN
            self._torsos.append(torso)
        scale = TORSO / np.median(self._torsos) if self._torsos else np.nan
        metres = joints * np.float64(scale)
        metres[:, 2] = np.where(np.isnan(metres[:, 0]), np.nan, 0)
        return metres.astype(np.float32)
