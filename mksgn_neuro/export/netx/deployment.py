"""The script that a bundle carries to a machine with a Loihi 2 behind it.

Sources: lava-dl 0.6.0's own `test_hdf5_nx.py` for Loihi2HwCfg and NxToPyAdapter, public users of INRC's
`lava.proc.embedded_io` for PyToNxAdapter. We have no access to INRC: only `--simulate` was ever run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

SAMPLES = """\
INPUT.npy holds integers (time steps, input channels): samples back to back, each as many steps long as
"steps_per_sample" in {net}.json says, silent after its frames. OUTPUT.npy gets the last layer's spikes
(time steps, neurons); level k answers k steps late.
"""
STREAM = """\
INPUT.npy holds integers (time steps, input channels): a stream of any length,
{steps}{rate}.
Nothing is ever reset: {net} can run on a camera for ever, and a recording may begin anywhere in its stream.
OUTPUT.npy gets the last layer's spikes (time steps, neurons), which answer a frame {latency} steps after it.
The evidence for a class at a step is the number of spikes of its neurons in the last {window}.
"task" in {net}.json names the classes, in the order of the neurons. On a chip the host keeps that sum: it adds each
step's spikes and takes off those of the step that leaves the window.
"""

SCRIPT = '''\
"""Run {net} with Intel's Lava, on a Loihi 2 of the INRC or, with --simulate, on this CPU.

    python {script} INPUT.npy OUTPUT.npy [--simulate]

{protocol}
NOT RUN ON HARDWARE: written by mksgn-neuro from lava-dl's public tests, and run with --simulate only. What to expect
on hardware is in "hardware_notes" of {net}.json. Needs Python 3.10, lava-nc 0.10.0, lava-dl 0.6.0 and, for the chip,
INRC's lava-loihi extension (lava.proc.embedded_io), which Intel gives to its members.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from lava.lib.dl import netx
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2HwCfg, Loihi2SimCfg
from lava.proc import io

NET = Path(__file__).with_name({code})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--simulate", action="store_true", help="on this CPU, bit-accurate, without a Loihi")
    options = parser.parse_args()

    sidecar = json.loads(NET.with_name(NET.name + ".json").read_text(encoding="utf-8"))
    if sidecar["file"]["sha256"] != hashlib.sha256(NET.read_bytes()).hexdigest():
        raise SystemExit(f"{{NET}} is not the file that its sidecar describes; export the model again")
    settings = sidecar["loader"]
    network = netx.hdf5.Network(net_config=str(NET), **settings)
    print(network)
    values = np.load(options.input)
    steps = len(values)
    # Lava wants time last and images as (W, H, C).
    shape = network.inp.shape
    data = np.stack([row.reshape(shape[::-1]).transpose() for row in values], axis=-1).astype(np.int32)
    source = io.source.RingBuffer(data=data)
    sink = io.sink.RingBuffer(shape=network.out.shape, buffer=steps)

    if options.simulate:
        source.s_out.connect(network.inp)
        network.out.connect(sink.a_in)
        config = Loihi2SimCfg(select_tag="fixed_pt")  # without the tag Lava runs float models and gives other spikes
    else:
        from lava.proc import embedded_io as eio

        to_chip = eio.spike.PyToNxAdapter(shape=shape, num_message_bits=settings["input_message_bits"])
        from_chip = eio.spike.NxToPyAdapter(shape=network.out.shape)
        source.s_out.connect(to_chip.inp)
        to_chip.out.connect(network.inp)
        network.out.connect(from_chip.inp)
        from_chip.out.connect(sink.a_in)
        config = Loihi2HwCfg()

    network.run(condition=RunSteps(num_steps=steps), run_cfg=config)
    spikes = sink.data.get()
    network.stop()
    rows = spikes.transpose().reshape(steps, -1).astype(np.uint8)
    np.save(options.output, rows)
    print(rows.sum(), "spikes in", steps, "steps,", "simulated on CPU" if options.simulate else "on Loihi 2")


if __name__ == "__main__":
    main()
'''


@dataclass(frozen=True)
class Endless:
    """A file without resets: steps from a frame to its answer, frames per second, frames that a decision counts.

    A frame is followed by `steps_per_frame` − 1 steps of silence.
    """

    latency: int
    rate: float | None = None
    window: int | None = None
    steps_per_frame: int = 1


def deployment_script(net: str, *, script: str = "run_on_loihi2.py", endless: Endless | None = None) -> str:
    """The text of a Python script that runs the netx file named `net`, which lies beside it with its sidecar."""
    code, net, script = ascii(PurePath(net).name), _in_words(net), _in_words(script)
    return SCRIPT.format(net=net, code=code, script=script, protocol=_protocol(net, endless))


def _in_words(path: str) -> str:
    """A file's name for the script's own description, which a quote or a line break in it would end."""
    return re.sub(r"[^\w.+-]", "_", PurePath(path).name, flags=re.ASCII)


def _protocol(net: str, endless: Endless | None) -> str:
    if endless is None:
        return SAMPLES.format(net=net)
    rate = "" if endless.rate is None else f", {endless.rate:g} of them a second"
    window = "frames, as many as you choose" if endless.window is None else f"{endless.window} frames"
    silent = endless.steps_per_frame - 1
    steps = f"one frame every {silent + 1} time steps, rows of zeros between" if silent else "one frame per time step"
    return STREAM.format(net=net, latency=endless.latency, rate=rate, window=window, steps=steps)
