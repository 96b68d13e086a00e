"""Damaged files against every reader, each case in a process of its own: python -m tests.fuzz.run [CASES] [READER ...].

What must come of a case: the file is read, or one line says why not. Counted is everything else: a traceback, a crash
(a signal), a hang (over 10 s of processor time, or 60 s of waiting), more than 1 GiB.
"""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from mksgn_neuro.errors import UserError
from tests.fuzz import mutate
from tests.fuzz.readers import READERS, Reader

CASES, SEED = 2000, 0
CPU_SECONDS, WALL_SECONDS = 10, 60
GIB = 1 << 30
ADDRESSES = 6 * GIB  # more than the process has already; what asks for more gets MemoryError
READ, REFUSED, TRACEBACK = 0, 3, 4
COLUMNS = ("read", "refused", "traceback", "crash", "hang", "over 1 GiB")


def cases(reader: Reader, files: list[Path], number: int, seed: int = SEED) -> Iterator[tuple[Path, bytes]]:
    """Damaged files of a reader: every other one changed within its container, the same for every run."""
    for i in range(number):
        name = int.from_bytes(hashlib.blake2b(reader.name.encode(), digest_size=4).digest(), "big")
        rng = np.random.default_rng((seed, name, i))
        path = files[int(rng.integers(len(files)))]
        data = path.read_bytes()
        try:
            changed = reader.bend(data, rng) if i % 2 else mutate.damaged(data, rng)
        except (ValueError, TypeError, OverflowError):  # that change cannot be written into such a container
            changed = mutate.damaged(data, rng)
        yield path, changed


def outcome(read: Callable[[Path], object], path: Path) -> tuple[str, bool, str]:
    """(column, whether it took more than 1 GiB, what it said) of reading one file in a child."""
    log = path.parent / "log"
    child = os.fork()
    if child == 0:
        os._exit(_child(read, path, log))
    _, status, usage = os.wait4(child, 0)
    large = (usage.ru_maxrss << 10) - _own_size() > GIB
    said = log.read_text(errors="replace") if log.exists() else ""
    if os.WIFSIGNALED(status):
        name = "hang" if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM) else "crash"
        return name, large, f"signal {os.WTERMSIG(status)}"
    return {READ: "read", REFUSED: "refused"}.get(os.WEXITSTATUS(status), "traceback"), large, said


def _own_size() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _child(read: Callable[[Path], object], path: Path, log: Path) -> int:
    with open(log, "w") as words:
        os.dup2(words.fileno(), 1)
        os.dup2(words.fileno(), 2)
    signal.alarm(WALL_SECONDS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    pages = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (pages + ADDRESSES,) * 2)
    try:
        read(path)
        return READ
    except UserError as error:
        text = str(error)
        plain = "\n" not in text and all(c.isprintable() for c in text) and len(text) < 2000
        if not plain:
            os.write(2, f"not one plain line: {text!r}".encode())
        return REFUSED if plain else TRACEBACK
    except BaseException:
        import traceback

        os.write(2, traceback.format_exc().encode(errors="replace"))
        return TRACEBACK


def fuzz(reader: Reader, number: int, folder: Path, report: Callable[[str], None], seed: int = SEED) -> Counter:
    """Counts by column; what is neither read nor refused is kept in `folder`/kept and reported."""
    made = folder / "sound"
    made.mkdir(parents=True)
    os.environ["MKSGN_NEURO_FUZZ_CACHE"] = str(made)
    files = reader.make(made)
    for path in files:
        column, large, said = outcome(reader.read, _copied(path, path.read_bytes(), folder / "case"))
        if column != "read" or large:
            raise SystemExit(f"{reader.name}: the sound file {path.name} is not read ({column})\n{said}")
        reader.read(_copied(path, path.read_bytes(), folder / "case"))  # what is imported and compiled is so for all
    counts: Counter = Counter()
    for i, (path, data) in enumerate(cases(reader, files, number, seed)):
        column, large, said = outcome(reader.read, _copied(path, data, folder / "case"))
        counts[column] += 1
        counts["over 1 GiB"] += large
        if large or column not in ("read", "refused"):
            mutate.write(folder / "kept" / f"{i}{path.name}", data)
            report(f"{reader.name} case {i}: {column}{', over 1 GiB' if large else ''}: {said.strip()[-1500:]}")
    return counts


def _copied(path: Path, data: bytes, folder: Path) -> Path:
    mutate.write(folder / path.name, data)
    return folder / path.name


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else CASES
    chosen = [reader for reader in READERS if not sys.argv[2:] or reader.name in sys.argv[2:]]
    bad = 0
    print(f"| reader | cases | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 2)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="mksgn-fuzz-") as folder:
        for i, reader in enumerate(chosen):
            counts = fuzz(reader, number, Path(folder) / str(i), lambda line: print(line, file=sys.stderr, flush=True))
            print(f"| {reader.name} | {number} | {' | '.join(str(counts[c]) for c in COLUMNS)} |", flush=True)
            bad += sum(counts[column] for column in COLUMNS[2:])
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
