"""What test_child.py runs in a process of its own."""

import multiprocessing
import os
import signal
import time
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

from mksgn_neuro.export.child import serve


def divide():
    return 1 // 0


def fail():
    raise KeyError("in a fork")


def hang(file=None):
    if file:
        with Path(file).open("a") as pids:
            pids.write(f"{os.getpid()}\n")
    while True:
        time.sleep(1)


def fork(target, *args):
    process = multiprocessing.get_context("fork").Process(target=target, args=args)
    process.start()


def work(payload):
    what = str(payload["what"])
    if what == "double":
        return {"x": 2 * payload["x"]}
    if what == "raise":
        divide()
    if what == "exit":
        os._exit(7)
    if what == "be_killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "vanish":
        os._exit(0)
    if what == "hang":
        fork(hang, str(payload["file"]))
        segment = SharedMemory(create=True, size=64)
        Path(f"{payload['file']}.shm").write_text(segment.name)
        hang(str(payload["file"]))
    if what == "compute":
        while True:
            pass
    if what == "sleep":
        time.sleep(3)
    if what == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "stop":
        Path(str(payload["file"])).write_text(f"{os.getpid()}\n")
        os.kill(os.getpid(), signal.SIGSTOP)
    if what == "fork_raises":
        fork(fail)
        hang()
    return {}


if __name__ == "__main__":
    serve(work)
