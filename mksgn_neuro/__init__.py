"""Compiler from spiking graph networks on skeletons to Loihi-style hardware, exact spike for spike."""

__version__ = "0.2.0"
