"""The fused kernels of a device against those of the CPU: integers to the bit, floats to rounding."""

from __future__ import annotations

import sys

import torch
from torch import Tensor

from mksgn_neuro.nn.kernels import lif_numba, lif_triton

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
    spikes, v = lif_numba.lif_forward(x, scale, shift, 0.4)
    found, found_v = lif_triton.lif_forward(*on(device, x, scale, shift), 0.4)
    close(found_v, v, rtol=1e-5, atol=1e-6)
    assert torch.equal(found.cpu(), spikes) and 0 < spikes.mean() < 1
    for a, b in zip(lif_triton.reverse(*on(device, grad, v, x), 0.4, 2.0), lif_numba.reverse(grad, v, x, 0.4, 2.0)):
        close(a, b)
    close(lif_triton.channel_sums(x.to(device)), lif_numba.channel_sums(x), rtol=1e-5, atol=1e-8)
    arguments = (grad, x, scale, shift, scale)
    close(lif_triton.affine(*on(device, *arguments)), lif_numba.affine(*arguments), rtol=1e-5, atol=1e-5)


def check_taps(shape: tuple[int, ...], device: str) -> None:
    for taps, dilation in ((1, 1), (3, 1), (5, 2)):
        x, grad, kernel = torch.randn(shape), torch.randn(shape), torch.randn(taps, shape[-1])
        close(lif_triton.taps_forward(*on(device, x, kernel), dilation), lif_numba.taps_forward(x, kernel, dilation))
        found = lif_triton.taps_backward(*on(device, grad, x, kernel), dilation)
        for a, b in zip(found, lif_numba.taps_backward(grad, x, kernel, dilation)):
            close(a, b)


def check_integers(shape: tuple[int, ...], vth: int, v_decay: int, limit: int, device: str) -> None:
    sums = torch.randint(-limit, limit + 1, shape).float()
    bias = torch.randint(-4096, 4096, shape[-1:])
    expected = lif_numba.integer_forward(sums, bias, vth, v_decay)
    found = lif_triton.integer_forward(*on(device, sums, bias), vth, v_decay)
    assert all(torch.equal(a.cpu(), b) for a, b in zip(found, expected)), (vth, v_decay)


def close(found: Tensor, expected: Tensor, rtol: float = 1e-4, atol: float = 1e-4) -> None:
    torch.testing.assert_close(found.cpu(), expected, rtol=rtol, atol=atol)


def on(device: str, *tensors: Tensor) -> list[Tensor]:
    return [tensor.to(device) for tensor in tensors]


if __name__ == "__main__":
    check(*sys.argv[1:])
    print("equal")
