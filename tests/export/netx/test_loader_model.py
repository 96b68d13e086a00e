import numpy as np
import scipy.sparse as sp

from mksgn_neuro.export.child import run_child
from mksgn_neuro.export.netx.loader_model import as_loaded, kernel_changes, load_weights
from tests.export.lava import needs_lava

LIMITS = [0, 1, 2, 3, 63, 64, 127, 128, 129, 200, 254, 255, 256, 257, 300, 512]


def matrices(count=600):
    """Random ones and, mostly, ones made of the values at which something changes."""
    rng = np.random.default_rng(7)
    values = np.array([*LIMITS, *(-n for n in LIMITS)])
    for i in range(count):
        chosen = rng.choice(values, rng.integers(1, 4))
        signs = rng.choice([-1, 0, 1])
        pool = chosen if signs == 0 else signs * np.abs(chosen)
        shape = rng.integers(1, 4, 2)
        weight = rng.choice(pool, shape)
        rec = rng.choice(pool, (shape[0], shape[0])) if i % 3 == 0 else None
        yield weight, rec


@needs_lava
def test_loaded_weights_are_what_lava_makes_of_them():
    cases = list(matrices())
    payload = {"count": np.array(len(cases))}
    for i, (weight, rec) in enumerate(cases):
        payload[f"{i}.weight"] = weight
        if rec is not None:
            payload[f"{i}.weight_rec"] = rec
    answer = run_child("tests.export.netx.stock_weights", payload, limit=120)
    raised = 0
    for i, (weight, rec) in enumerate(cases):
        loaded = load_weights(weight, rec)
        if loaded is None:
            assert f"{i}.bits" not in answer
            raised += 1
            continue
        assert all(part.bits == answer[f"{i}.bits"] for part in loaded), (weight, rec)
        for name, part in zip(("weight", "weight_rec"), loaded):
            assert np.array_equal(part.values, answer[f"{i}.{name}"]), (weight, rec, part)
    assert 0 < raised < len(cases) / 2


def test_legal_weights_are_never_changed_unless_all_are_zero_or_a_power_of_two_below():
    """What the writer relies on: the two exceptions are its own errors."""
    rng = np.random.default_rng(1)
    for _ in range(500):
        shape = rng.integers(1, 5, 2)
        low = int(rng.integers(-128, 1))
        weights = 2 * rng.integers(low, 128, shape) if low < 0 else rng.integers(0, 256, shape)
        exceptional = weights.max() <= 0 and (-weights.min() & (-weights.min() - 1)) == 0
        assert bool(changes(weights)) == exceptional, weights


def changes(weights):
    """What is said of one matrix; the loader's own error where it raises."""
    loaded = as_loaded(sp.csr_matrix(weights))
    return ("raises",) if loaded is None else loaded[0].changes


def test_changes_name_the_first_entry_and_the_count():
    expected = ("the stock loader runs -254 instead of -256 at [1, 0] and changes 1 more",)
    assert changes([[-2, -4], [-256, -256]]) == expected
    assert changes(np.zeros((2, 2), int)) == ("raises",)
    assert "9 bits" in changes([[-3, 129]])[0]


def test_fractions_are_kept_as_integers_and_an_exponent():
    """None positive and the lowest a power of two: shifted by 6, -256 does not fit the synapse, -224 is kept."""
    (synapses,) = as_loaded(sp.csr_matrix([[-4, 0, -1]]))
    assert synapses.exponent == -6 and synapses.weights.toarray().tolist() == [[-224, 0, -64]]
    assert synapses.changes == ("the stock loader runs -3.5 instead of -4 at [0, 0]",)
    (whole,) = as_loaded(sp.csr_matrix([[300, -100]]))
    assert whole.exponent == 0 and whole.weights.toarray().tolist() == [[254, -100]]


def test_convolutions_keep_weights_that_no_synapse_holds():
    assert list(kernel_changes(np.array([[[[-256, 255]]]]))) == []
    assert "simulates 300 as it stands" in next(kernel_changes(np.array([[[[300]]]])))
