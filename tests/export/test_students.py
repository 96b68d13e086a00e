"""Networks lowered from a student, in every file form."""

import pytest

from mksgn_neuro.export.netx.reader import read_netx
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.export.nir.reader import read_nir
from mksgn_neuro.export.nir.writer import write_nir
from mksgn_neuro.ir.compare import first_difference
from mksgn_neuro.lowering import as_layered, balance_delays, lower, steps_per_sample
from mksgn_neuro.lowering.pad_for_netx import pad_for_netx
from tests.students import firing_student


@pytest.fixture(scope="module", params=["gated", "spike-driven", "none"])
def network(request):
    return lower(firing_student(12, attention=request.param))


def test_its_chain_needs_no_silent_neuron_and_comes_back_from_netx(network, tmp_path):
    layered = as_layered(network)
    assert pad_for_netx(layered) is layered
    files = write_netx(layered, tmp_path / "student.net", reset_interval=steps_per_sample(layered, 12))
    again, findings = read_netx(files.net)
    assert first_difference(layered, again) is None and findings == []


def test_it_comes_back_from_nir_in_frames_and_in_steps(network, tmp_path):
    for representation in (network, balance_delays(network)):
        write_nir(representation, tmp_path / "student.nir")
        again, findings = read_nir(tmp_path / "student.nir")
        assert first_difference(representation, again) is None and findings == []
