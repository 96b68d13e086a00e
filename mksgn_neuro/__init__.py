"""Compiler from spiking graph networks on skeletons to Loihi-style hardware, exact spike for spike."""

from mksgn_neuro.processes.compiled import find_place

__version__ = "0.1.0"
SAID_OF_COMPILED_CODE = find_place()  # before anything imports numba
