"""torch.save's archives: read as torch.load reads them; a program or a lie about sizes is refused, never run."""

import io
import pickle
import zipfile
from collections import OrderedDict

import pytest
import torch
from torch import nn

from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.torch_file import read_torch

DTYPES = [
    *(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.bool),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8),
]


def read(path):
    return read_torch(path, "give another")


def equal(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return a.dtype is b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    return type(a) is type(b) and a == b


def test_what_torch_load_reads_is_read_the_same(tmp_path):
    base = torch.arange(24)
    content = {
        "tensors": {str(dtype): (torch.rand(3, 4) * 2).to(dtype) for dtype in DTYPES},
        "views": [base[3:], base.view(4, 6).T, base[::2], torch.tensor(7), torch.empty(0, 3), base[None, :0]],
        "plain": (1, -(2**70), 0.5, "ä\n", None, True, [()], {1: {"a": [2]}}),
        "state": OrderedDict(nn.Linear(2, 3).state_dict()),
        "parameter": nn.Parameter(torch.ones(2)),
    }
    torch.save(content, tmp_path / "x.pt")
    expected = torch.load(tmp_path / "x.pt", weights_only=True) | {"state": dict(content["state"])}
    assert equal(read(tmp_path / "x.pt"), expected | {"parameter": torch.ones(2)})


def test_tensors_that_share_numbers_still_share_them(tmp_path):
    base = torch.zeros(4)
    torch.save([base, base[1:]], tmp_path / "x.pt")
    whole, part = read(tmp_path / "x.pt")
    part.fill_(5)
    assert whole.tolist() == [0, 5, 5, 5]


def writes_a_file(target) -> torch.jit.ScriptModule:
    """TorchScript that writes bytes where it likes as soon as it is called, the payload of CVE-2025-32434."""

    class Module(nn.Module):
        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            torch.from_file(self.path, shared=True, size=4).copy_(x)
            return x

    return torch.jit.script(Module(str(target)))


@pytest.mark.filterwarnings("ignore")
def test_torchscript_is_refused_before_torch_sees_it(tmp_path, monkeypatch):
    torch.jit.save(writes_a_file(tmp_path / "written"), tmp_path / "model.pt")
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("given to torch.jit.load"))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("given to torch.load"))
    with pytest.raises(BadInput, match="TorchScript program") as caught:
        read(tmp_path / "model.pt")
    assert "\n" not in str(caught.value) and not (tmp_path / "written").exists()


def repacked(path, **changes):
    """The same archive with entries replaced (bytes), or added."""
    with zipfile.ZipFile(path) as archive:
        entries = {info.filename.split("/", 1)[1]: archive.read(info) for info in archive.infolist()}
    for name, value in changes.items():
        entries[name] = value(entries.get(name)) if callable(value) else value
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(f"x/{name}", data)
    return path


def saved(path, content=None):
    torch.save({"a": torch.arange(6.0)} if content is None else content, path)
    return path


class Pickled:
    """A pickle that calls `function` with `arguments`, then sets `state`."""

    def __init__(self, function, arguments, state=None):
        self.function, self.arguments, self.state = function, arguments, state

    def __reduce__(self):
        return (self.function, self.arguments) if self.state is None else (self.function, self.arguments, self.state)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"constants.pkl": b"x"}, "TorchScript"),
        ({"code/__torch__.py": b"x"}, "TorchScript"),
        ({"extra": b"x"}, "entry 'x/extra'"),
        ({"data/0": b"\0" * 23}, "storage of 23 bytes for 6 values"),
        ({"data/0": b"\0" * 28}, "storage of 28 bytes for 6 values"),
        ({"byteorder": b"big"}, "big-endian"),
        ({"data.pkl": lambda data: data[:-5]}, "not a torch file"),
        ({"data.pkl": lambda data: data + b"N."}, "more bytes after its end"),
        ({"data.pkl": lambda data: data.replace(b"K\x06\x85", b"K\x07\x85")}, r"shape \(7,\) in a storage of 6"),
        ({"data.pkl": lambda data: data.replace(b"K\x00K\x06\x85", b"K\x01K\x06\x85")}, "in a storage of 6"),
        ({"data.pkl": lambda data: data.replace(b"_rebuild_tensor_v2", b"_rebuild_nested_te")}, "wants to run"),
        ({"data.pkl": b"\x80\x02" + b"Nr\xff\xff\xff\x7f" + b"."}, "memo entry"),
        ({"data.pkl": pickle.dumps([Pickled(OrderedDict, ()), Pickled(print, ("ran",))], 2)}, "wants to run"),
        ({"data.pkl": b"\x80\x02ctorch\nFloatStorage\nN}X\x05\x00\x00\x00dtypeNs\x86b."}, "sets the state"),
        ({"data.pkl": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n."}, "a function among its values"),
        ({"data.pkl": b"\x80\x02" + b"]q\x00" + b"h\x00a" + b"."}, "nested too deep"),
    ],
)
def test_damage_is_one_line(tmp_path, capsys, changes, match):
    path = repacked(saved(tmp_path / "x.pt"), **changes)
    with pytest.raises(BadInput, match=match) as caught:
        read(path)
    assert "\n" not in str(caught.value) and "ran" not in capsys.readouterr().out


def test_a_list_of_lists_of_lists_is_not_unfolded(tmp_path):
    value = ["x"]
    for _ in range(40):
        value = [value, value]
    with pytest.raises(BadInput, match="larger than its bytes"):
        read(repacked(saved(tmp_path / "x.pt"), **{"data.pkl": pickle.dumps(value, 2)}))


def test_compressed_entries_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", pickle.dumps([0] * 10_000, 2))
    with pytest.raises(BadInput, match="compressed"):
        read(tmp_path / "x.pt")


def test_files_from_before_zip_are_refused(tmp_path):
    buffer = io.BytesIO()
    torch.save({"a": torch.ones(2)}, buffer, _use_new_zipfile_serialization=False)
    (tmp_path / "x.pt").write_bytes(buffer.getvalue())
    with pytest.raises(BadInput, match="not a torch file"):
        read(tmp_path / "x.pt")
