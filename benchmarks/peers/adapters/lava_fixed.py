"""Lava's bit-accurate fixed-point models, one clip from rest, then the same clip again and again without a reset.

A process graph cannot be put back to rest, and to start one takes seconds: only its first run is compared.
"""

import atexit

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF

VERSIONS = ("lava-nc",)
BATCH = 1


def build(given):
    clip = given["inputs"][0]
    source = Source(data=clip.T.astype(np.int32))
    before = source.s_out
    for k, vth in enumerate(given["vth"]):
        w = given[f"w{k}"].astype(np.int32)
        dense, lif = Dense(weights=w), LIF(shape=(len(w),), u=0, v=0, du=4095, dv=0, bias_mant=0, vth=int(vth))
        before.connect(dense.s_in)
        dense.a_out.connect(lif.a_in)
        before = lif.s_out
    sink = Sink(shape=(len(w),), buffer=len(clip))
    before.connect(sink.a_in)
    configuration = Loihi2SimCfg(select_tag="fixed_pt")
    atexit.register(lif.stop)

    def run():
        lif.run(condition=RunSteps(num_steps=len(clip)), run_cfg=configuration)
        return sink.data.get().T[None]

    return run
