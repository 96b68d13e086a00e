"""The Triton kernels, run by Triton's interpreter on CPU, against the numba kernels."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import torch
from mksgn_neuro.models import scan, scan_cuda

torch.manual_seed(0)
for shape in ((2, 5, 3, 7), (1, 3, 40, 9)):
    x, scale, shift = 2 * torch.randn(shape), torch.randn(shape[-1]), 0.3 * torch.randn(shape[-1])
    grad = torch.randn(shape)
    spikes, v = scan.lif_forward(x, scale, shift, 0.4)
    found, found_v = scan_cuda.lif_forward(x, scale, shift, 0.4)
    assert torch.allclose(found_v, v, atol=1e-6) and torch.equal(found, spikes) and 0 < spikes.mean() < 1
    for a, b in zip(scan.reverse(grad, v, x, 0.4, 2.0), scan_cuda.reverse(grad, v, x, 0.4, 2.0)):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-4)
    assert torch.allclose(scan.channel_sums(x), scan_cuda.channel_sums(x), rtol=1e-5)
    arguments = (grad, x, scale, shift, scale)
    assert torch.allclose(scan.affine(*arguments), scan_cuda.affine(*arguments), atol=1e-5)
    for vth, v_decay, limit in ((128, 2458, 300), (1, 0, 131071), (131071, 1, 131071), (500, 4096, 900)):
        sums = torch.randint(-limit, limit + 1, shape).float()
        bias = torch.randint(-4096, 4096, shape[-1:])
        expected, found = (m.integer_forward(sums, bias, vth, v_decay) for m in (scan, scan_cuda))
        assert all(torch.equal(a, b) for a, b in zip(found, expected)), (vth, v_decay)
print("equal")
"""


@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed here")
def test_triton_kernels_equal_the_numba_kernels():
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250)
    assert process.stdout.strip() == "equal", process.stderr
