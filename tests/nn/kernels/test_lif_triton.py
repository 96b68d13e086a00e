"""The Triton kernels, run by Triton's interpreter on CPU, against the numba kernels."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed here")
def test_triton_kernels_equal_the_numba_kernels():
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.nn.kernels.kernel_checks", "cpu"]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250)
    assert process.stdout.strip() == "equal", process.stderr
