"""Lava processes that write what they saw to a file at the last step. Imports Lava: for child processes only.

Lava's own sinks are read back with `Var.get()`, one message per scalar, which takes longer than the run.
"""

from __future__ import annotations

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyRefPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, RefPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class Recorder(AbstractProcess):
    """Saves what arrives at `a_in` as int32 (steps, *shape) in the .npy file `path`."""

    def __init__(self, shape: tuple[int, ...], path: str, steps: int) -> None:
        super().__init__(path=path, steps=steps)
        self.a_in = InPort(shape=shape)


class Probe(AbstractProcess):
    """Saves a variable of another process at the end of every step, as Recorder does."""

    def __init__(self, variable: object, path: str, steps: int) -> None:
        super().__init__(path=path, steps=steps)
        self.state = RefPort(variable.shape)
        self.state.connect_var(variable)


class _Saver(PyLoihiProcessModel):
    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.rows: list[np.ndarray] = []

    def keep(self, row: np.ndarray) -> None:
        self.rows.append(np.array(row, dtype=np.int32))
        if len(self.rows) == self.proc_params["steps"]:
            np.save(self.proc_params["path"], np.stack(self.rows))


@implements(proc=Recorder, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyRecorder(_Saver):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        self.keep(self.a_in.recv())


@implements(proc=Probe, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyProbe(_Saver):
    state: PyRefPort = LavaPyType(PyRefPort.VEC_DENSE, np.int32)

    def post_guard(self) -> bool:
        return True

    def run_post_mgmt(self) -> None:
        self.keep(self.state.read())
