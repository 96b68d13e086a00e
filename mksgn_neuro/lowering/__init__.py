"""Passes from a trained model to the integer IR, one per file."""

from typing import TYPE_CHECKING

from mksgn_neuro.lowering.balance_delays import balance_delays, steps_per_sample
from mksgn_neuro.lowering.passes import as_layered

if TYPE_CHECKING:
    from mksgn_neuro.ir import Network, Task
    from mksgn_neuro.nn.network import SpikingNetwork

__all__ = ["as_layered", "balance_delays", "lower", "steps_per_sample"]


def lower(network: "SpikingNetwork", task: "Task | None" = None) -> "Network":
    """The network in integers; raises Unsupported for what no CUBA neuron computes."""
    from mksgn_neuro.lowering.trained import lower_trained  # it loads torch, which no other pass needs

    return lower_trained(network, task)
