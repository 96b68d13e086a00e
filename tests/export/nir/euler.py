"""NIR's equations, written out: forward Euler in float64, one step and one sample at a time."""

import nir
import numpy as np
import torch
from torch.nn import functional as F

LINEAR = (
    nir.Linear, nir.Affine, nir.Conv1d, nir.Conv2d, nir.SumPool2d, nir.AvgPool2d, nir.Scale, nir.Flatten, nir.Output,
)  # fmt: skip


def simulate(graph, inputs, dt, output="out"):
    """Spikes (T, N) that reach `output`, for inputs (T, *shape); flat graphs only, loops see the step before."""
    state = {name: np.zeros(2) for name in graph.nodes}
    fired = {name: np.zeros(np.shape(getattr(node, "v_threshold", 0.0))) for name, node in graph.nodes.items()}
    shown = []
    for now in inputs:
        done, fired = {}, {**fired}
        value(graph, output, now.astype(np.float64), state, fired, done, dt)
        shown.append(np.ravel(done[output]))
    return np.array(shown)


def value(graph, name, now, state, fired, done, dt):
    """A node's output at this step, kept in `done`; `fired` has every layer's last spikes, `state` its u and v."""
    if name in done:
        return done[name]
    node = graph.nodes[name]
    if isinstance(node, nir.Input):
        done[name] = now
        return now
    if not isinstance(node, LINEAR):
        done[name] = fired[name]  # what a loop sees, until the new spikes are known
    total = sum(value(graph, a, now, state, fired, done, dt) for a, b in graph.edges if b == name)
    if isinstance(node, LINEAR):
        done[name] = linear(node, total)
    else:
        state[name], fired[name] = neuron(node, state[name], total, dt)
        done[name] = fired[name]
    return done[name]


def neuron(node, state, current, dt):
    """u and v after a step, and the spikes; u is the current of a CubaLIF."""
    u, v = state
    v = v if np.ndim(v) else np.broadcast_to(np.asarray(node.v_reset, dtype=np.float64), np.shape(current)) * 1.0
    if isinstance(node, nir.IF):
        v = v + dt * node.r * current
    elif isinstance(node, nir.LIF):
        v = v + dt / node.tau * (node.v_leak - v + node.r * current)
    else:
        u = u + dt / node.tau_syn * (-u + node.w_in * current)
        v = v + dt / node.tau_mem * (node.v_leak - v + node.r * u)
    fired = v > node.v_threshold
    return (u, np.where(fired, node.v_reset, v)), fired.astype(np.float64)


def linear(node, x):
    """The output of a node without state."""
    if isinstance(node, (nir.Output, nir.Flatten)):
        return np.ravel(x) if isinstance(node, nir.Flatten) else x
    if isinstance(node, (nir.Linear, nir.Affine)):
        return node.weight @ x + getattr(node, "bias", 0.0)
    if isinstance(node, nir.Scale):
        return x * node.scale
    if isinstance(node, (nir.Conv1d, nir.Conv2d)):
        fold = F.conv1d if isinstance(node, nir.Conv1d) else F.conv2d
        fields = {name: plain(getattr(node, name)) for name in ("stride", "padding", "dilation")}
        return fold(tensor(x)[None], tensor(node.weight), tensor(node.bias), groups=node.groups, **fields)[0].numpy()
    size, stride, padding = (plain(n) for n in (node.kernel_size, node.stride, node.padding))
    count = size[0] * size[1] if isinstance(node, nir.SumPool2d) else 1
    return F.avg_pool2d(tensor(x)[None], size, stride, padding)[0].numpy() * count


def tensor(x):
    return torch.tensor(np.asarray(x, dtype=np.float64))


def plain(value):
    return value if isinstance(value, (str, int)) else tuple(int(n) for n in value)
