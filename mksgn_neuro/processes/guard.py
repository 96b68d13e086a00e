"""A small process that outlives its parent for a moment: it owns a temporary folder and runs one command.

`guarded.Guard` starts it by path with `python -I -S`, so it imports nothing of ours. Its stdin is a pipe whose other
end only the parent has: it ends when the parent does, killed or not, and then the command's whole process group is
killed and the folder removed. Both sides speak JSON, a line each.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
REAP_SECONDS = 10.0  # a killed process that waits for a disk needs a moment to go
LONGEST_FOLDER = 60  # bytes; multiprocessing adds /pymp-xxxxxxxx/listener-xxxxxxxx to it
SHARED_MEMORY = "/dev/shm/"


def main(parent: str, prefix: str) -> None:
    """Make the folder, wait for a command, run it, say how it ended, wait for the parent's end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)  # handlers, unlike SIG_IGN, are not handed down to the command
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        folder = tempfile.mkdtemp(prefix=prefix, dir=parent)
    except OSError as error:
        return _say(problem=f"{error.strerror}: {parent}")
    group = 0
    try:
        home = os.open(".", os.O_RDONLY)
        os.chdir(folder)
        _say(folder=folder)
        request = sys.stdin.buffer.readline()
        if request:
            group = _start(**json.loads(request), folder=folder, home=home)
            _say(pid=group)
            _wait(group, wake)
    finally:
        if group:
            _end(group)
        shutil.rmtree(folder, ignore_errors=True)


def _say(**message: object) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody is left to be told
        os.write(1, json.dumps(message).encode() + b"\n")


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _start(command: list, log: str, folder: str, home: int) -> int:
    """The command in a process group of its own, which dies with this process; its temporary files lie in `folder`."""
    guard = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.fchdir(home)
        os.setpgid(0, 0)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        printed = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        os.execve(command[0], command, {**os.environ, "TMPDIR": _short(folder, guard)})
    finally:
        os._exit(127)


def _short(folder: str, guard: int) -> str:
    """A name under which sockets fit into a socket's 107 bytes: Lava's listen in the folder for temporary files."""
    return folder if len(folder) < LONGEST_FOLDER or sys.platform != "linux" else f"/proc/{guard}/cwd"


def _wait(group: int, wake: int) -> None:
    """Until the parent is gone; says how the command ended as soon as it has, once its group is gone too."""
    ended = False
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            status = _reap().get(group)
            if status is not None and not ended:
                ended = True
                _end(group)
                _say(status=os.waitstatus_to_exitcode(status))
        if 0 in ready and not os.read(0, 4096):
            return


def _reap() -> dict:
    """Status of each process that has ended: children, and orphans of theirs, which Linux hands to this process."""
    found = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if not pid:
            return found
        found[pid] = status


def _end(group: int) -> None:
    """Kill all that is left of the group, wait until it is gone, and remove the shared memory that it had open."""
    if not _signal(group, signal.SIGSTOP):
        return
    segments = _shared_memory(group)
    _signal(group, signal.SIGKILL)
    deadline = time.monotonic() + REAP_SECONDS
    while _signal(group, 0) and time.monotonic() < deadline:
        _reap()
        time.sleep(0.005)
    for segment in segments:
        with contextlib.suppress(OSError):  # its owner has removed it
            os.unlink(segment)


def _signal(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS refuses where only zombies are left
        return False
    return True


def _shared_memory(group: int) -> set:
    """Files of shared memory that the group has mapped: multiprocessing's own cleaner is killed with the group."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        try:
            if os.getpgid(int(pid)) != group:
                continue
            with open(f"/proc/{pid}/maps", errors="surrogateescape") as maps:
                paths = (line.rstrip("\n").split(None, 5)[-1] for line in maps)
                found.update(path for path in paths if path.startswith(SHARED_MEMORY + "psm_"))
        except OSError:
            continue  # ended meanwhile
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
