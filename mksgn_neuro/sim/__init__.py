"""Exact simulation of an IR network."""
