"""The integer network that every stage agrees on."""

from mksgn_neuro.ir.network import Group, Network, Population, Projection, Source
from mksgn_neuro.ir.roles import ROLES, Role, role_of
from mksgn_neuro.ir.task import Task
from mksgn_neuro.ir.weights import ConvKernel, Weights

__all__ = [
    "ROLES",
    "ConvKernel",
    "Group",
    "Network",
    "Population",
    "Projection",
    "Role",
    "Source",
    "Task",
    "Weights",
    "role_of",
]
