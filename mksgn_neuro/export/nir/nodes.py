"""What each NIR node between two layers of neurons does to a signal: one entry per type in `STEPS`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import nir
import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.nir.maps import Kernel, Map
from mksgn_neuro.ir.spec import MAX_NEURONS

Shape = tuple[int, ...]
Fail = Callable[[str, str], BadInput]  # problem and hint; it knows the node's name


@dataclass(frozen=True)
class Step:
    """A node's output `shape`, its weights (None: values pass as they are), `bias` and `delay` in seconds (N,).

    `elementwise` weights keep neurons apart, so that a delay of each neuron can stand before or after them.
    """

    shape: Shape
    weights: Map | None = None
    bias: np.ndarray | None = None
    delay: np.ndarray | None = None
    elementwise: bool = False


def _matrix(node: nir.Linear | nir.Affine, shape: Shape, fail: Fail) -> Step:
    weight = np.asarray(node.weight, dtype=np.float64)
    if weight.ndim != 2:
        raise fail(f"has weights of shape {weight.shape}", "give a matrix")
    if weight.shape[1] != np.prod(shape):
        problem = f"maps {weight.shape[1]} inputs, gets {int(np.prod(shape))} of shape {shape}"
        raise fail(problem, _without_time(shape) if shape[-1:] == weight.shape[1:] else "make the shapes fit")
    return Step((len(weight),), sp.csr_matrix(weight), _full(getattr(node, "bias", 0.0), (len(weight),), fail))


def _without_time(shape: Shape) -> str:
    """What to do where an axis in front is one too many: sinabs writes its sample's time axis into the shape."""
    one_step = ", ".join(map(str, (1, 1, *shape[1:])))
    return f"if {shape[0]} are time steps, write the graph of one: in sinabs to_nir(model, zeros({one_step}))"


def _conv2d(node: nir.Conv2d, shape: Shape, fail: Fail) -> Step:
    values = np.asarray(node.weight, dtype=np.float64)
    image = _image(shape, values.shape[1] * int(node.groups), 2, node.input_shape, fail)
    fields = {name: _numbers(getattr(node, name), 2) for name in ("stride", "dilation")}
    return _convolution(node, values, image, node.padding, fields, fail)


def _conv1d(node: nir.Conv1d, shape: Shape, fail: Fail) -> Step:
    """A convolution over images one pixel high."""
    values = np.asarray(node.weight, dtype=np.float64)[:, :, None, :]
    channels, length = _image(shape, values.shape[1] * int(node.groups), 1, node.input_shape, fail)
    fields = {name: (1, *_numbers(getattr(node, name), 1)) for name in ("stride", "dilation")}
    padding = node.padding if isinstance(node.padding, str) else (0, *_numbers(node.padding, 1))
    step = _convolution(node, values, (channels, 1, length), padding, fields, fail)
    return Step((step.shape[0], step.shape[2]), step.weights, step.bias)


def _convolution(
    node: nir.NIRNode, values: np.ndarray, image: Shape, padding: object, fields: dict, fail: Fail
) -> Step:
    if isinstance(padding, str):
        values, padding = _named_padding(padding, values, fields, fail)
    kernel = Kernel.of(values, image, padding=_numbers(padding, 2), groups=int(node.groups), **fields)
    out = kernel.taps.output_shape
    if min(out) < 1 or len(values) % int(node.groups):
        raise fail(f"has kernels of {values.shape[2:]} for an image of {image[1:]}", "make the shapes fit")
    if math.prod(out) > MAX_NEURONS:
        raise fail(f"makes {math.prod(out)} outputs, limit {MAX_NEURONS}", "split the layer")
    return Step(out, kernel, np.repeat(_full(node.bias, (len(values),), fail), out[1] * out[2]))


def _named_padding(name: str, values: np.ndarray, fields: dict, fail: Fail) -> tuple[np.ndarray, Shape]:
    """'valid' and 'same' in numbers; for 'same', a tap of zero in front makes even kernels symmetric."""
    if name == "valid":
        return values, (0, 0)
    if name != "same" or any(s != 1 for s in fields["stride"]):
        raise fail(f"pads '{name}' with a stride of {fields['stride']}", "give the padding in numbers")
    even = [k % 2 == 0 for k in values.shape[2:]]
    if any(e and d != 1 for e, d in zip(even, fields["dilation"])):
        raise fail("pads 'same' around an even, dilated kernel", "give the padding in numbers")
    values = np.pad(values, [(0, 0), (0, 0), *((int(e), 0) for e in even)])
    return values, tuple((k - 1) // 2 * d for k, d in zip(values.shape[2:], fields["dilation"]))


def _pool(node: nir.SumPool2d | nir.AvgPool2d, shape: Shape, fail: Fail) -> Step:
    """A sum over a window is a weight of 1 from each; padding counts as zeros, in an average too."""
    image = _image(shape, None, 2, None, fail)
    size, stride, padding = (_numbers(getattr(node, name), 2) for name in ("kernel_size", "stride", "padding"))
    weight = 1.0 if isinstance(node, nir.SumPool2d) else 1.0 / (size[0] * size[1])
    values = np.full((image[0], 1, *size), weight)
    kernel = Kernel.of(values, image, stride=stride, padding=padding, groups=image[0])
    if min(kernel.taps.output_shape) < 1:
        raise fail(f"has windows of {size} for an image of {image[1:]}", "make the shapes fit")
    return Step(kernel.taps.output_shape, kernel)


def _scale(node: nir.Scale, shape: Shape, fail: Fail) -> Step:
    """Per channel, where it is, so that a convolution beside it stays one."""
    full = _full(node.scale, shape, fail)
    channels = full.reshape(shape[-3], -1) if len(shape) >= 3 and np.prod(shape[:-3]) == 1 else None
    if channels is not None and np.all(channels == channels[:, :1]):
        kernel = Kernel.of(channels[:, 0].reshape(-1, 1, 1, 1), shape[-3:], groups=len(channels))
        return Step(shape, kernel, elementwise=True)
    return Step(shape, sp.csr_matrix(sp.diags(full)), elementwise=True)


def _delay(node: nir.Delay, shape: Shape, fail: Fail) -> Step:
    return Step(shape, delay=_full(node.delay, shape, fail))


def _flatten(node: nir.Flatten, shape: Shape, fail: Fail) -> Step:
    """Only the shape changes: neurons are numbered row-major (C order) before and after."""
    first, last = (int(n) + (len(shape) if n < 0 else 0) for n in (node.start_dim, node.end_dim))
    first, last = min(first, len(shape) - 1), min(last, len(shape) - 1)
    return Step((*shape[:first], int(np.prod(shape[first : last + 1])), *shape[last + 1 :]))


def _image(shape: Shape, channels: int | None, axes: int, given: object, fail: Fail) -> Shape:
    """`shape` as (C, H, W) or (C, L): without a batch of one, or as the node's own input_shape has it."""
    while len(shape) > axes + 1 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) == axes + 1 and channels in (None, shape[0]):
        return shape
    if given is not None and channels is not None:
        own = (channels, *(int(n) for n in np.ravel(given)))
        if len(own) == axes + 1 and np.prod(own) == np.prod(shape):
            return own
    if len(shape) > axes + 1 and channels in (None, shape[-axes - 1]):
        raise fail(f"takes one image, gets {shape}", _without_time(shape))
    wanted = f"{'C' if channels is None else channels}, {'H, W' if axes == 2 else 'L'}"
    raise fail(f"takes an input of shape ({wanted}), gets {shape}", "make the shapes fit")


def _numbers(value: object, count: int) -> tuple[int, ...]:
    return tuple(int(n) for n in np.resize(np.ravel(value), count))


def _full(value: object, shape: Shape, fail: Fail) -> np.ndarray:
    """One value per neuron, (N,), from a scalar, one per neuron or what broadcasts."""
    value = np.asarray(value, dtype=np.float64)
    if value.size == np.prod(shape):
        return value.ravel()
    try:
        return np.broadcast_to(value, shape).ravel()
    except ValueError as error:
        raise fail(f"has values of shape {value.shape} for a signal of shape {shape}", "make the shapes fit") from error


NEURONS = (nir.LIF, nir.CubaLIF, nir.IF)
STEPS: dict[type, Callable[[nir.NIRNode, Shape, Fail], Step]] = {
    nir.Linear: _matrix,
    nir.Affine: _matrix,
    nir.Conv1d: _conv1d,
    nir.Conv2d: _conv2d,
    nir.SumPool2d: _pool,
    nir.AvgPool2d: _pool,
    nir.Scale: _scale,
    nir.Delay: _delay,
    nir.Flatten: _flatten,
}
KNOWN = (*NEURONS, *STEPS, nir.Input, nir.Output)


def supported() -> str:
    """The names of all nodes that can be read."""
    names = [cls.__name__ for cls in (nir.Input, nir.Output, *STEPS, *NEURONS)]
    return f"{', '.join(names)} and graphs of these"
