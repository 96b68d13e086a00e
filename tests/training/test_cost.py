import pytest
import torch

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.lowering import lower
from mksgn_neuro.nn.stages import quantize
from mksgn_neuro.training.cost import synapse_shares
from tests.students import warm_student


@pytest.mark.parametrize("attention", ["gated", "spike-driven", "none"])
def test_shares_add_up_and_follow_the_network(attention):
    student = quantize(warm_student(0, attention=attention))
    shares, network = synapse_shares(student), lower(student)
    fed = [sum(q.synapses for q in network.projections if q.pre == name) for name in ("fuse", "encode")]
    assert sum(shares.values()) == pytest.approx(1) and "readout" not in shares
    assert shares["fuse"] / shares["encode"] == pytest.approx(fed[0] / fed[1])


def test_what_cannot_be_deployed_has_no_known_cost():
    with pytest.raises(Unsupported):
        synapse_shares(warm_student(0, attention="ssa"))


def test_the_students_own_weights_stay_as_they_are():
    student = warm_student(0)
    before = {name: value.clone() for name, value in student.state_dict().items()}
    synapse_shares(student)
    assert all(torch.equal(before[name], value) for name, value in student.state_dict().items())
