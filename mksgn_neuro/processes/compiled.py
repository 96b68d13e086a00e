"""Where numba keeps what it compiles, and when it does: kernels' import fails where it finds no place to write to."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

VARIABLE, MATPLOTLIBS = "NUMBA_CACHE_DIR", "MPLCONFIGDIR"
PACKAGE = Path(__file__).resolve().parents[1]
FALLBACK = "mksgn-neuro-numba"


def find_cache_folder() -> str:
    """Point numba, before it is imported, to a temporary folder where neither this package's nor the user's is one.

    Returns what there is to say about it, nothing where numba finds a place itself.
    """
    if any(_is_writable(location) for location in _numbas_own()):
        return ""
    with suppress(OSError):
        os.environ[VARIABLE] = _private_folder()
        os.environ.setdefault(MATPLOTLIBS, os.environ[VARIABLE])  # which would warn, and make a new one each time
        return f"compiled code is kept in {os.environ[VARIABLE]}: neither {PACKAGE} nor a cache folder is writable"
    return ""


def _numbas_own() -> Iterator[Path]:
    """What the variable names, the folder of the source, the user's cache: numba's order."""
    if os.environ.get(VARIABLE):
        yield Path(os.environ[VARIABLE])
    yield PACKAGE / "__pycache__"
    with suppress(RuntimeError):  # no home, and no entry of this user that names one
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "numba"


def _is_writable(location: Path) -> bool:
    try:
        while not location.exists() and location != location.parent:
            location = location.parent
    except OSError:
        return False
    return location.is_dir() and os.access(location, os.W_OK | os.X_OK)


def _private_folder() -> str:
    """This user's folder, the same every time; a new one where somebody else might write into it: it holds code."""
    folder = Path(tempfile.gettempdir()) / f"{FALLBACK}-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    private = found.st_uid == os.getuid() and not found.st_mode & 0o077 and folder.is_dir() and not folder.is_symlink()
    return str(folder) if private else tempfile.mkdtemp(prefix=f"{FALLBACK}-")


class Compiling:
    """What numba compiled in this process because its cache did not hold it: `seconds`, and whom it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.tell: Callable[[str], None] | None = None
        self._watches, self._within, self._started = False, 0, 0.0

    def watch(self) -> None:
        """From now on; modules with kernels call it, so that others need not load numba."""
        from numba.core import event

        if self._watches:
            return
        self._watches, compiling = True, self

        class Listener(event.Listener):
            def on_start(self, started: event.Event) -> None:
                compiling._start(started.data["dispatcher"].stats.cache_path)

            def on_end(self, _: event.Event) -> None:
                compiling._end()

        event.register("numba:compile", Listener())

    def _start(self, folder: str | None) -> None:
        """One thread compiles at a time, but what one function calls is compiled within its time."""
        if self._within == 0:
            self._started = time.perf_counter()
        self._within += 1
        if folder and self.tell:
            self.tell(f"compiling for this processor, once; kept in {folder}")
            self.tell = None

    def _end(self) -> None:
        self._within -= 1
        if self._within == 0:
            self.seconds += time.perf_counter() - self._started


COMPILING = Compiling()
