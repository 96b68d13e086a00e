import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir.remembered import remembered
from mksgn_neuro.models.store import save_model
from mksgn_neuro.workflows import lowered
from mksgn_neuro.workflows.load import load_networks, resolve
from tests.networks import random_network
from tests.small_models import small_model


@pytest.fixture
def cached(tmp_path, monkeypatch):
    monkeypatch.setenv("MKSGN_NEURO_CACHE", str(tmp_path / "cache"))
    return tmp_path


def saved_model(path):
    save_model(small_model(), path)
    return path


def same(one, two):
    assert [p.name for p in one.populations] == [p.name for p in two.populations] and one.task == two.task
    for a, b in zip(one.populations, two.populations):
        assert a.vth == b.vth and a.groups == b.groups
        assert all(np.array_equal(getattr(a, n), getattr(b, n)) for n in ("i_decay", "v_decay", "bias"))
    for a, b in zip(one.projections, two.projections, strict=True):
        assert (a.pre, a.post, a.delay, a.weight_exp) == (b.pre, b.post, b.delay, b.weight_exp)
        assert (a.matrix != b.matrix).nnz == 0


def test_second_start_finds_the_same_network_and_still_the_model(cached):
    model = saved_model(cached / "model.pt")
    first, second = load_networks(model), load_networks(model)
    assert first.trained is not None and second.trained is None
    same(first.given, second.given)
    assert second.model is not None and second.model.hash() == first.model.hash()


def test_another_content_or_another_source_finds_nothing(cached, monkeypatch):
    model = saved_model(cached / "model.pt")
    load_networks(model)
    assert lowered.recall(model) is not None
    source = cached / "source"
    source.mkdir()
    monkeypatch.setattr(lowered, "PACKAGE", source)
    assert lowered.recall(model) is None
    monkeypatch.undo()
    with model.open("ab") as file:
        file.write(b"more")
    assert lowered.recall(model) is None


def test_what_cannot_be_kept_or_is_damaged_is_lowered_again(cached, monkeypatch):
    model = saved_model(cached / "model.pt")
    load_networks(model)
    lowered.entry(model).write_bytes(b"no network")
    assert load_networks(model).trained is not None
    (cached / "file").write_text("")
    monkeypatch.setenv("MKSGN_NEURO_CACHE", str(cached / "file"))
    assert load_networks(model).trained is not None
    model.write_bytes(model.read_bytes()[:100])
    with pytest.raises(BadInput):
        load_networks(model)


def test_only_the_newest_are_kept(cached, monkeypatch):
    monkeypatch.setattr(lowered, "KEPT", 2)
    for seed in range(3):
        (cached / f"{seed}.pt").write_text(str(seed))
        lowered.keep(cached / f"{seed}.pt", random_network(seed, populations=2, max_size=4))
    assert len(list((cached / "cache" / "lowered").iterdir())) == 2


def test_shipped_model_is_inspected_without_torch_and_without_compiled_code(cached):
    load_networks(resolve("nw-ucla"))
    program = (
        "import sys; from mksgn_neuro.chip.catalog import LOIHI2; from mksgn_neuro.workflows.inspect import inspect; "
        "from mksgn_neuro.workflows.load import load_networks, resolve; "
        "inspect(load_networks(resolve('nw-ucla')), LOIHI2).as_json(); "
        "assert not {'torch', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_shipped_model_is_simulated_without_torch(cached):
    networks = load_networks(resolve("nw-ucla"))
    np.save(cached / "x.npy", np.ones((networks.given.source.size, 4), dtype=np.int32))
    command = ["mksgn-neuro", "simulate", "nw-ucla", "--input", str(cached / "x.npy"), "--json"]
    program = f"import sys; sys.argv = {command!r}; from mksgn_neuro.cli import main; main()"
    program += "; assert 'torch' not in sys.modules"
    run = subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True)
    assert '"spikes"' in run.stdout


def test_what_was_made_of_a_network_is_made_once_and_for_that_network_only():
    made = []
    build = remembered(lambda network, *more: made.append(more) or object())
    one = random_network(0, populations=2, max_size=4)
    assert build(one) is build(one) and build(one, 1) is build(one, 1) and build(one) is build(one)
    assert made == [(), (1,), ()]
    build(replace(one))
    assert len(made) == 4
