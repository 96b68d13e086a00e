"""The integer network that every stage agrees on."""

from mksgn_neuro.ir.network import ROLES, Group, Network, Population, Projection, Source, Task
from mksgn_neuro.ir.weights import ConvKernel, Weights

__all__ = ["ROLES", "ConvKernel", "Group", "Network", "Population", "Projection", "Source", "Task", "Weights"]
