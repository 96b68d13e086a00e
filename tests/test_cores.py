"""The package asks for nothing that only Linux has."""

import ast
import os
from pathlib import Path

import numpy as np
import pytest

import mksgn_neuro
from mksgn_neuro.cores import usable_cores
from mksgn_neuro.data.parallel import in_order
from mksgn_neuro.sim import reference
from mksgn_neuro.sim.engine import Emulator
from tests.networks import random_network

PACKAGE = Path(mksgn_neuro.__file__).parent
# of Python's documentation of os and signal: "Availability: Linux"
LINUX_ONLY = {
    "copy_file_range", "eventfd", "getrandom", "listxattr", "memfd_create", "pidfd_open", "sched_getaffinity",
    "sched_setaffinity", "setns", "signalfd", "splice", "timerfd_create", "unshare",
}  # fmt: skip


@pytest.fixture
def elsewhere(monkeypatch):
    """As on macOS and Windows."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)


def test_all_cores_are_used_where_the_system_does_not_say_which(elsewhere, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert usable_cores() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not say which cores")
def test_only_allowed_cores_are_used_where_the_system_says_which(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2, 5, 6})
    assert usable_cores() == 3


def test_the_emulator_and_the_readers_run_without_it(elsewhere):
    network = random_network(0)
    inputs = np.random.default_rng(0).integers(-5, 6, (50, network.source.size))
    found = Emulator(network).run(inputs, record="all")
    for name, trace in reference.run(network, inputs).items():
        assert np.array_equal(found.spikes[name][0], trace.spikes)
    assert list(in_order(abs, [-1, 2, -3])) == [1, 2, 3]


def test_no_module_calls_what_exists_on_linux_only():
    called = {
        f"{path.relative_to(PACKAGE)}: {node.attr}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in LINUX_ONLY
    }
    assert called == set()
