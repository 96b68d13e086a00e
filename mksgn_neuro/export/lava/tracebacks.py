"""Make Lava print what goes wrong in its processes."""

from __future__ import annotations

import traceback

from lava.magma.runtime.message_infrastructure.multiprocessing import SystemProcess


def print_tracebacks() -> None:
    """Print an exception where it is raised: Lava puts it into a pipe and reads that only once all have ended, which
    they do not, for they wait for the one that raised.
    """
    SystemProcess.run = _run


def _run(self: SystemProcess, quietly: object = SystemProcess.run) -> None:
    target = self._target

    def loudly(*args: object, **kwargs: object) -> object:
        try:
            return target(*args, **kwargs)
        except Exception:
            traceback.print_exc()
            raise

    self._target = loudly
    quietly(self)
