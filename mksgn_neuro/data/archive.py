"""A folder or a zip as the same thing: named entries that are read one at a time."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath

from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.arrays import unpacked_limit
from mksgn_neuro.gates.regular import require_regular, shown

ENTRY_BYTES = 1 << 25  # one clip is a hundredth of that
Entries = dict[str, Callable[[], bytes]]


@contextmanager
def opened(path: Path, suffix: str) -> Iterator[Entries]:
    """Entries that end in `suffix`, sorted: name -> a function that reads it.

    `path` is a folder, searched through; a folder of zips, where no such file lies in it; or a zip.
    Raises BadInput where there is no entry, or where a zip entry's name points outside its folder.
    """
    with ExitStack() as open_zips:
        entries: Entries = {}
        if path.is_dir():
            files = sorted(p for p in path.rglob(f"*{suffix}") if p.is_file())
            entries = {str(p.relative_to(path)): partial(_read_file, p) for p in files}
            for archive in sorted(path.glob("*.zip")) if not files else ():
                inside = _zip_entries(open_zips.enter_context(_open_zip(archive)), archive, suffix)
                entries.update({f"{archive.name}/{name}": read for name, read in inside.items()})
        else:
            entries = _zip_entries(open_zips.enter_context(_open_zip(path)), path, suffix)
        if not entries:
            raise BadInput(f"no {suffix} file in it", location=str(path), hint="give the folder or zip that holds them")
        yield entries


def _read_file(path: Path) -> bytes:
    require_regular(path, "leave it out", most=ENTRY_BYTES)
    return path.read_bytes()


def _open_zip(path: Path) -> zipfile.ZipFile:
    if not path.exists():
        raise BadInput("no such file or folder", location=str(path), hint="check --data")
    require_regular(path, "give a zip or a folder")
    try:
        return zipfile.ZipFile(path)
    except Exception as error:  # damaged directories raise more than BadZipFile
        hint = "download it again, or give the unpacked folder"
        raise BadInput(f"not a readable zip ({shown(error)})", location=str(path), hint=hint) from error


def _zip_entries(archive: zipfile.ZipFile, path: Path, suffix: str) -> Entries:
    infos = [info for info in archive.infolist() if info.filename.endswith(suffix) and not info.is_dir()]
    _refuse_escapes((info.filename for info in infos), path)
    unpacked, limit = sum(info.file_size for info in infos), unpacked_limit(path.stat().st_size)
    largest = max((info.file_size for info in infos), default=0)
    if unpacked > limit or largest > ENTRY_BYTES:
        problem = f"unpacks to {unpacked} bytes, limit {limit}, {ENTRY_BYTES} of one entry"
        raise BadInput(problem, location=str(path), hint="give the unpacked folder if you trust it")
    ordered = sorted(infos, key=lambda info: info.filename)
    return {info.filename: _reader(archive, info, path) for info in ordered if not _is_resource_fork(info)}


def _is_resource_fork(info: zipfile.ZipInfo) -> bool:
    """macOS packs a shadow of each file under this name."""
    return info.filename.startswith("__MACOSX/")


def _refuse_escapes(names: Iterable[str], path: Path) -> None:
    for name in names:
        pure = PurePosixPath(name.replace("\\", "/"))
        if pure.is_absolute() or ".." in pure.parts or ":" in pure.parts[0]:
            raise BadInput("entry points outside its folder", location=f"{path}, entry {name}", hint="repack the zip")


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return archive.read(info)
        except Exception as error:  # what damage raises is anybody's guess: zlib, struct, RuntimeError, …
            where = f"{path}, entry {info.filename}"
            raise BadInput(f"damaged entry ({shown(error)})", location=where, hint="download the zip again") from error

    return read
