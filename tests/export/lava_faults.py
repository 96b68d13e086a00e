"""The child of run_lava with a source that hangs or raises in its own OS process, as the variable FAULT says."""

import os
import time
from pathlib import Path

from mksgn_neuro.export.child import serve
from mksgn_neuro.export.lava.run import work
from mksgn_neuro.export.lava.tracebacks import print_tracebacks


def run_spk(self):
    if os.environ["FAULT"] == "raise":
        raise ArithmeticError("in a Lava process")
    while True:
        time.sleep(1)


if __name__ == "__main__":
    from lava.proc.io.source import PySendModelFixed  # after ours, which may have to repair it

    PySendModelFixed.run_spk = run_spk
    Path(os.environ["FAULT_GROUP"]).write_text(str(os.getpgid(0)))
    print_tracebacks()
    serve(work)
