"""Damaged files against every reader, in processes of their own: python -m tests.fuzz.run [CASES] [READER ...].

A child reads cases one after the other, each with limits of its own, and ends with the first that is neither read nor
refused; the next child goes on after it. The files of such cases are kept.

What must come of a case: the file is read, or one line says why not. Counted is everything else: a traceback, a crash
(a signal), a hang (over 10 s of processor time, or 60 s of waiting), more than 1 GiB.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mksgn_neuro.errors import UserError
from tests.fuzz import mutate
from tests.fuzz.poses import POSES
from tests.fuzz.readers import READERS, Reader

CASES, SEED, BATCH = 2000, 0, 50
CPU_SECONDS, WALL_SECONDS = 10, 60
GIB = 1 << 30
ADDRESSES = 6 * GIB  # more than the process has already; what asks for more gets MemoryError
COLUMNS = ("read", "refused", "traceback", "crash", "hang", "over 1 GiB")
KEPT = Path(tempfile.gettempdir()) / "mksgn-fuzz-kept"
EVERY = (*READERS, *POSES)
Read = Callable[[Path], object]


class Outcome(NamedTuple):
    """One of COLUMNS, whether it took more than 1 GiB, and what it said."""

    column: str
    large: bool
    said: str


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


def outcome(read: Read, path: Path) -> Outcome:
    """What comes of reading one file in a child."""
    return next(outcomes(read, [path]))


def outcomes(read: Read, paths: Sequence[Path]) -> Iterator[Outcome]:
    """What comes of each file, in order; a child reads one after the other up to the first that ends it."""
    gc.freeze()  # a collection in the child would copy every page
    log, left = paths[0].parent / "log", list(paths)
    while left:
        theirs, ours = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(theirs)
            os._exit(_child(read, left, log, ours))
        os.close(ours)
        with os.fdopen(theirs) as said:
            answers = [json.loads(line) for line in said]
        _, status, usage = os.wait4(child, 0)
        for column, large, words in answers:
            yield Outcome(column, large, words)
        left = left[len(answers) :]
        if os.WIFSIGNALED(status):
            name = "hang" if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM) else "crash"
            yield Outcome(name, (usage.ru_maxrss << 10) - _pages(1) > GIB, f"signal {os.WTERMSIG(status)}")
            left = left[1:]
        elif os.WEXITSTATUS(status):  # it ended itself in the middle of a file
            yield Outcome("crash", False, f"exit status {os.WEXITSTATUS(status)}")
            left = left[1:]


def _pages(column: int) -> int:
    """Bytes of this process: 0, its addresses; 1, what is in memory."""
    return int(Path("/proc/self/statm").read_text().split()[column]) * os.sysconf("SC_PAGE_SIZE")


def _child(read: Read, paths: list[Path], log: Path, answers: int) -> int:
    """Reads the files and answers with a line for each; ends after the first that is neither read nor refused."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_pages(0) + ADDRESSES,) * 2)
    with open(log, "w") as words:
        os.dup2(words.fileno(), 1)
        os.dup2(words.fileno(), 2)
    for path in paths:
        log.write_text("")
        spent = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(spent.ru_utime + spent.ru_stime) + 1 + CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
        signal.alarm(WALL_SECONDS)
        Path("/proc/self/clear_refs").write_text("5")  # the peak of memory begins anew
        before = _pages(1)
        column, said = _read(read, path)
        large = _peak() - before > GIB
        said += log.read_text(errors="replace") if column == "traceback" else ""
        os.write(answers, (json.dumps([column, large, said[-3000:]]) + "\n").encode())
        if large or column == "traceback":
            break
    return 0


def _peak() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def _read(read: Read, path: Path) -> tuple[str, str]:
    """Column and what there is to say."""
    try:
        read(path)
        return "read", ""
    except UserError as error:
        text = str(error)
        plain = "\n" not in text and all(c.isprintable() for c in text) and len(text) < 2000
        return ("refused", "") if plain else ("traceback", f"not one plain line: {text!r}")
    except BaseException:
        import traceback

        return "traceback", traceback.format_exc()


def fuzz(reader: Reader, number: int, folder: Path, report: Callable[[str], None], seed: int = SEED) -> Counter:
    """Counts by column; what is neither read nor refused is kept in `folder`/kept and reported."""
    made = folder / "sound"
    made.mkdir(parents=True)
    os.environ["MKSGN_NEURO_FUZZ_CACHE"] = str(made)
    files = reader.make(made)
    for path in files:
        reader.read(_copied(path, path.read_bytes(), folder / "case"))  # what is imported and compiled is so for all
        column, large, said = outcome(reader.read, _copied(path, path.read_bytes(), folder / "case"))
        if column != "read" or large:
            raise SystemExit(f"{reader.name}: the sound file {path.name} is not read ({column})\n{said}")
    counts: Counter = Counter()
    numbered = enumerate(cases(reader, files, number, seed))
    while batch := list(islice(numbered, BATCH)):
        paths = [_copied(path, data, folder / "cases" / str(i)) for i, (path, data) in batch]
        for (i, (path, data)), (column, large, said) in zip(batch, outcomes(reader.read, paths), strict=True):
            counts[column] += 1
            counts["over 1 GiB"] += large
            if large or column not in ("read", "refused"):
                mutate.write(KEPT / reader.name.replace(" ", "-") / f"{i}{path.name}", data)
                report(f"{reader.name} case {i}: {column}{', over 1 GiB' if large else ''}: {said.strip()[-1500:]}")
        shutil.rmtree(folder / "cases")
    return counts


def _copied(path: Path, data: bytes, folder: Path) -> Path:
    mutate.write(folder / path.name, data)
    return folder / path.name


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else CASES
    chosen = [reader for reader in EVERY if not sys.argv[2:] or reader.name in sys.argv[2:]]
    if unknown := set(sys.argv[2:]) - {reader.name for reader in EVERY}:
        sys.exit(f"no such reader: {', '.join(sorted(unknown))}; there are {', '.join(r.name for r in EVERY)}")
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
