"""HDF5: plain data sets come back as written; every other thing a file can hold is one line."""

import os
import resource
import subprocess
import sys
import zlib

import h5py
import numpy as np
import pytest

from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.hdf5 import Group, opened


def written(path, make):
    with h5py.File(path, "w") as file:
        make(file)
    return path


def test_numbers_and_texts_come_back_as_written(tmp_path):
    arrays = {
        "int": np.arange(6, dtype=">i4").reshape(2, 3),
        "float": np.float32(0.5),
        "bool": np.array([True, False]),
        "none": np.zeros((0, 3), dtype=np.uint8),
        "packed": np.arange(3000, dtype=np.uint16),
    }

    def make(file):
        for name, array in arrays.items():
            packed = {"compression": "gzip", "shuffle": True} if name == "packed" else {}
            file.create_dataset(f"a/b/{name}", data=array, **packed)
        file["fixed"], file["free"] = np.array([b"dense"]), "ä text"
        file["pairs"] = np.array([["x", "y"]], dtype=object)
        file.attrs.update(number=3, text="t", pair=(1, 2))

    with opened(written(tmp_path / "x.h5", make), "") as root:
        for name, array in arrays.items():
            found = root.array(f"a/b/{name}")
            assert np.array_equal(found, array) and found.dtype == array.dtype.newbyteorder("=")
            assert found.shape == root[f"a/b/{name}"].shape
        ((rows, columns, block),) = root["a/b/int"].blocks()
        assert (rows, columns) == (slice(0, 2), slice(0, 3)) and np.array_equal(block, arrays["int"])
        assert (root.text("fixed"), root.text("free")) == ("dense", "ä text")
        assert root.array("pairs").tolist() == [["x", "y"]]
        assert (root.attrs["number"], root.attrs["text"], root.attrs["pair"].tolist()) == (3, "t", [1, 2])
        assert "a/b" in root and "a/c" not in root and "fixed/x" not in root and isinstance(root["a"], Group)


def _loop(file):
    file.create_group("a")
    file["a/again"] = file["a"]


def _virtual(file):
    layout = h5py.VirtualLayout((4,), "i4")
    layout[:] = h5py.VirtualSource(".", "v", (4,))  # of itself
    file.create_virtual_dataset("v", layout)


def _external(file):
    file.create_dataset("e", (8,), "u1", external=[("/etc/passwd", 0, 8)])


REFUSED = {
    "soft link": lambda file: file.update(x=h5py.SoftLink("/y")),
    "external link": lambda file: file.update(x=h5py.ExternalLink("/etc/passwd", "/")),
    "loop": _loop,
    "virtual": _virtual,
    "external storage": _external,
    "reference": lambda file: file.update(x=np.array([file.ref], dtype=h5py.ref_dtype)),
    "compound": lambda file: file.update(x=np.zeros(2, dtype=[("a", "i4"), ("b", "f4")])),
    "vlen": lambda file: file.create_dataset("x", (2,), h5py.vlen_dtype(np.int32)),
    "opaque": lambda file: file.update(x=np.zeros(2, dtype="V4")),
    "complex": lambda file: file.update(x=np.zeros(2, dtype=complex)),
    "empty": lambda file: file.update(x=h5py.Empty("f4")),
    "named type": lambda file: file.update(x=np.dtype("i4")),
    "never written": lambda file: file.create_dataset("x", (10**9,), "i8"),
    "chunks never written": lambda file: file.create_dataset("x", (10**9,), "i8", chunks=(100,)),
    "lzf": lambda file: file.create_dataset("x", data=np.zeros(1000), compression="lzf"),
    "reference in attribute": lambda file: file.attrs.update(x=file.ref),
    "deep": lambda file: file.create_group("/".join("a" * 30)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_all_else_is_refused_when_the_file_is_opened(tmp_path, name):
    path = written(tmp_path / "x.h5", REFUSED[name])
    with pytest.raises(BadInput, match="holds what a plain file does not") as caught, opened(path, "give another"):
        pytest.fail("opened")
    assert "\n" not in str(caught.value) and "root:" not in str(caught.value)


def zeros(file, name, size):
    """So many bytes of zeros, packed once and written as every chunk."""
    data = file.create_dataset(name, (size,), "u1", chunks=(2**20,), compression="gzip")
    packed = zlib.compress(bytes(2**20))
    for start in range(0, size, 2**20):
        data.id.write_direct_chunk((start,), packed)


def test_a_gigabyte_of_zeros_is_not_read(tmp_path):
    path = written(tmp_path / "x.h5", lambda file: zeros(file, "x", 2**29))
    with pytest.raises(BadInput, match="more than 268435456 bytes"), opened(path, "") as root:
        root.array("x")


def test_many_arrays_together_are_too_many(tmp_path):
    path = written(tmp_path / "x.h5", lambda file: [zeros(file, f"x{i}", 2**26) for i in range(5)])
    with pytest.raises(BadInput, match="more than 268435456 bytes"), opened(path, "") as root:
        for name in root:
            root.array(name)


def test_pipes_and_noise_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "noise").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500))
    (tmp_path / "cut").write_bytes(written(tmp_path / "x", lambda f: f.update(x=np.zeros(999))).read_bytes()[:3000])
    for name in ("pipe", "noise", "cut"):
        with pytest.raises(BadInput), opened(tmp_path / name, ""):
            pytest.fail("opened")


def test_a_heap_of_texts_that_libhdf5_would_go_round_in_for_ever_is_refused(tmp_path):
    """Found by `make fuzz`: an object of no size."""
    path = written(tmp_path / "x.h5", lambda file: file.update({"texts": np.array(["one", "two"], dtype=object)}))
    data = bytearray(path.read_bytes())
    heap = data.index(b"GCOL")
    with opened(path, "") as file:
        assert file.array("texts").tolist() == ["one", "two"]
    for size in (0, 2**40):
        free = max(data.rindex(b"one"), data.rindex(b"two")) + 8
        assert int.from_bytes(data[free : free + 2], "little") == 0 and free > heap
        data[free + 8 : free + 16] = size.to_bytes(8, "little")
        path.write_bytes(data)
        with pytest.raises(BadInput, match="a heap of texts with an object of"), opened(path, ""):
            pass


def test_a_text_that_says_it_has_gigabytes_takes_none(tmp_path):
    """Found by `make fuzz`: libhdf5 allocates what the reference says, then looks."""
    path = written(tmp_path / "x.h5", lambda file: file.update({"text": "one"}))
    with h5py.File(path) as file:
        at = file["text"].id.get_offset()
    data = bytearray(path.read_bytes())
    data[at : at + 4] = (3 << 30).to_bytes(4, "little")
    path.write_bytes(data)
    code = (
        "import resource, sys\n"
        "from mksgn_neuro.errors import BadInput\n"
        "from mksgn_neuro.gates.hdf5 import opened\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    with opened(sys.argv[1], '') as file:\n"
        "        file.array('text')\n"
        "except BadInput as error:\n"
        "    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "    print(grown < 2**19, resource.getrlimit(resource.RLIMIT_AS))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, cwd=os.getcwd())
    assert done.stdout == f"True {resource.getrlimit(resource.RLIMIT_AS)}\n", done.stdout + done.stderr
