import numpy as np
import pytest

from mksgn_neuro.data.skeleton import KINECT_20, KINECT_25, PARTITIONS, Skeleton, from_parents, partitions
from mksgn_neuro.errors import BadInput

# docs/design.md#data: bones (child, parent) of NW-UCLA, from 1.
NW_UCLA_BONES = [
    *((1, 2), (2, 3), (4, 3), (5, 3), (6, 5), (7, 6), (8, 7), (9, 3), (10, 9), (11, 10)),
    *((12, 11), (13, 1), (14, 13), (15, 14), (16, 15), (17, 1), (18, 17), (19, 18), (20, 19)),
]


def test_kinect_20_has_the_bones_of_nw_ucla():
    assert KINECT_20.bones == tuple((c - 1, p - 1) for c, p in NW_UCLA_BONES)
    assert KINECT_20.joint_names[4:8] == ("left shoulder", "left elbow", "left wrist", "left hand")


def test_sides_of_both_kinects_mirror_each_other():
    for skeleton in (KINECT_20, KINECT_25):
        names = skeleton.joint_names
        parent = {names[v]: names[p] for v, p in skeleton.bones}
        for child in [name for name in names if name.startswith("left")]:
            assert parent[child.replace("left", "right")] == parent[child].replace("left", "right")


def test_pair_counts_of_the_design():
    assert np.count_nonzero(partitions(KINECT_20, graph_radius=1)) == 58
    assert np.count_nonzero(partitions(KINECT_20)) == 102


def test_partitions_are_disjoint_and_rows_sum_to_one():
    stack = partitions(KINECT_25)
    assert stack.dtype == np.float32 and len(stack) == len(PARTITIONS)
    assert (np.count_nonzero(stack, axis=0) <= 1).all()
    sums = stack.sum(axis=2)
    assert np.allclose(sums[sums > 0], 1)


def test_direction_of_partitions():
    chain = from_parents([-1, 0, 1])
    self_, inward, outward, inward2, outward2, sibling = partitions(chain)
    x = np.array([1.0, 10.0, 100.0])
    assert (self_ @ x).tolist() == [1, 10, 100]
    assert (inward @ x).tolist() == [10, 100, 0]
    assert (outward @ x).tolist() == [0, 1, 10]
    assert (inward2 @ x).tolist() == [100, 0, 0]
    assert (outward2 @ x).tolist() == [0, 0, 1]
    assert not sibling.any()


def test_two_bodies_do_not_mix():
    one, two = partitions(KINECT_25), partitions(KINECT_25.repeated(2))
    assert np.array_equal(two[:, :25, :25], one) and np.array_equal(two[:, 25:, 25:], one)
    assert not two[:, :25, 25:].any() and not two[:, 25:, :25].any()


@pytest.mark.parametrize("parents", [[1, 0], [0], [-1, 5], [-1, -2], []])
def test_what_is_no_forest_is_refused(parents):
    with pytest.raises(BadInput, match="parents"):
        from_parents(parents)


def test_bad_fields_are_refused():
    with pytest.raises(BadInput, match="names"):
        Skeleton(("a",), (-1, 0))
    with pytest.raises(BadInput, match="centre"):
        Skeleton(("a", "b"), (-1, 0), centre_joint=2)
