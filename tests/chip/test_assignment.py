import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.chip import assignment
from mksgn_neuro.chip.assignment import assign


def mesh(width: int, height: int) -> np.ndarray:
    y, x = np.divmod(np.arange(width * height), width)
    return (np.abs(x[:, None] - x) + np.abs(y[:, None] - y)).astype(float)


def random_flow(seed: int, size: int, most: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    flow = np.triu(rng.integers(0, most, (size, size)) * (rng.random((size, size)) < 0.2), 1)
    return (flow + flow.T).astype(float)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), width=st.integers(1, 14), height=st.integers(1, 8), bits=st.integers(1, 45))
def test_sums_are_exact_so_that_their_order_is_of_no_matter(seed, width, height, bits):
    compared = []

    def exactly(flow, places, distance):
        whole = [each.astype(np.int64) for each in (flow, places, distance)]
        assert all((each == part).all() for each, part in zip(whole, (flow, places, distance)))
        sums, exact = between(flow, places, distance), whole[0] @ whole[1] @ whole[2]
        compared.append(np.abs(exact).max())
        assert (sums.astype(np.int64) == exact).all()
        return sums

    between = assignment._between
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assignment, "_between", exactly)
        place = assign(random_flow(seed, width * height, 1 << bits), mesh(width, height))
    assert sorted(place) == list(range(width * height)) and 0 <= max(compared) < 1 << 52


@pytest.mark.parametrize("parts", [1, 64])
def test_a_place_costs_less_than_the_order_of_the_numbers(parts):
    flow, distance = random_flow(1, 112, 50), mesh(14, 8) / parts
    place = assign(flow, distance)
    assert (flow * distance[np.ix_(place, place)]).sum() < 0.8 * (flow * distance).sum()


def test_nothing_to_send_is_no_error():
    assert sorted(assign(np.zeros((6, 6)), mesh(3, 2))) == list(range(6))
