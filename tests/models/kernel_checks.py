"""The fused kernels of a device against those of the CPU: integers to the bit, floats to rounding."""

from __future__ import annotations

import sys

import torch
from torch import Tensor

from mksgn_neuro.models import scan, scan_cuda

SHAPES = ((2, 5, 3, 7), (1, 3, 40, 9))
NEURONS = ((128, 2458, 300), (1, 0, 131071), (131071, 1, 131071), (500, 4096, 900))  # vth, v_decay, largest sum


def check(device: str) -> None:
    """Raises AssertionError where a Triton kernel on `device` differs from its numba like."""
    torch.manual_seed(0)
    for shape in SHAPES:
        check_floats(shape, device)
        check_taps(shape, device)
        for neuron in NEURONS:
            check_integers(shape, *neuron, device)


def check_floats(shape: tuple[int, ...], device: str) -> None:
    x, scale, shift = 2 * torch.randn(shape), torch.randn(shape[-1]), 0.3 * torch.randn(shape[-1])
    grad = torch.randn(shape)
    spikes, v = scan.lif_forward(x, scale, shift, 0.4)
    found, found_v = scan_cuda.lif_forward(*on(device, x, scale, shift), 0.4)
    close(found_v, v, rtol=1e-5, atol=1e-6)
    assert torch.equal(found.cpu(), spikes) and 0 < spikes.mean() < 1
    for a, b in zip(scan_cuda.reverse(*on(device, grad, v, x), 0.4, 2.0), scan.reverse(grad, v, x, 0.4, 2.0)):
        close(a, b)
    close(scan_cuda.channel_sums(x.to(device)), scan.channel_sums(x), rtol=1e-5, atol=1e-8)
    arguments = (grad, x, scale, shift, scale)
    close(scan_cuda.affine(*on(device, *arguments)), scan.affine(*arguments), rtol=1e-5, atol=1e-5)


def check_taps(shape: tuple[int, ...], device: str) -> None:
    for taps, dilation in ((1, 1), (3, 1), (5, 2)):
        x, grad, kernel = torch.randn(shape), torch.randn(shape), torch.randn(taps, shape[-1])
        close(scan_cuda.taps_forward(*on(device, x, kernel), dilation), scan.taps_forward(x, kernel, dilation))
        found = scan_cuda.taps_backward(*on(device, grad, x, kernel), dilation)
        for a, b in zip(found, scan.taps_backward(grad, x, kernel, dilation)):
            close(a, b)


def check_integers(shape: tuple[int, ...], vth: int, v_decay: int, limit: int, device: str) -> None:
    sums = torch.randint(-limit, limit + 1, shape).float()
    bias = torch.randint(-4096, 4096, shape[-1:])
    expected = scan.integer_forward(sums, bias, vth, v_decay)
    found = scan_cuda.integer_forward(*on(device, sums, bias), vth, v_decay)
    assert all(torch.equal(a.cpu(), b) for a, b in zip(found, expected)), (vth, v_decay)


def close(found: Tensor, expected: Tensor, rtol: float = 1e-4, atol: float = 1e-4) -> None:
    torch.testing.assert_close(found.cpu(), expected, rtol=rtol, atol=atol)


def on(device: str, *tensors: Tensor) -> list[Tensor]:
    return [tensor.to(device) for tensor in tensors]


if __name__ == "__main__":
    check(*sys.argv[1:])
    print("equal")
