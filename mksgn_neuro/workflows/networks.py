"""A network of any origin, not a trained model: written for a target, and compared with what was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from mksgn_neuro.errors import BadInput, Unsupported
from mksgn_neuro.export.lava_graph import write_lava_bundle
from mksgn_neuro.export.netx.deployment import Endless, deployment_script
from mksgn_neuro.export.netx.reader import read_file
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.export.nir.writer import write_nir
from mksgn_neuro.export.slayer import write_slayer_file
from mksgn_neuro.files import write_text
from mksgn_neuro.ir import Network
from mksgn_neuro.lowering import balance, levelize
from mksgn_neuro.lowering.pad_for_netx import fit as netx_fit
from mksgn_neuro.workflows.export import Deployed
from mksgn_neuro.workflows.forms import by_emulator, by_reference
from mksgn_neuro.workflows.subject import Subject, by_sample
from mksgn_neuro.workflows.verify import Rung, Truth, compare, file_rungs
from mksgn_neuro.workflows.verify_file import RATES, random_inputs


def chain_of(network: Network) -> Network:
    """The levels in a row that netx can hold; raises Unsupported where there is none.

    A network in time steps is taken as it is and has to be one already, which the writer checks.
    """
    return netx_fit(levelize(network) if network.hop == 0 else network)


def write_network(network: Network, target: str, stem: Path, *, period: int | None = None) -> Deployed:
    """Write `network` for a target of WRITERS into files whose names begin with `stem`.

    `period`: state is zeroed every so many time steps; without, never.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    return WRITERS[target](network, stem, period)


def _loihi2(network: Network, stem: Path, period: int | None) -> Deployed:
    chain = chain_of(network)
    written = write_netx(chain, stem.with_suffix(".net"), period=period)
    script = stem.with_name(f"{stem.name}_on_loihi2.py")
    endless = Endless(chain.level[chain.readout]) if period is None else None
    write_text(deployment_script(written.net.name, script=script.name, endless=endless), script)
    return Deployed((written.net, written.sidecar, script), chain, period)


def _lava(network: Network, stem: Path, period: int | None) -> Deployed:
    network = balance(network)
    return Deployed(tuple(write_lava_bundle(network, stem.with_name(f"{stem.name}_lava"))), network, period)


def _slayer(network: Network, stem: Path, period: int | None) -> Deployed:
    chain, path = chain_of(network), stem.with_name(f"{stem.name}_slayer.net")
    write_slayer_file(chain, path)
    return Deployed((path,), chain, period)


def _nir(network: Network, stem: Path, period: int | None) -> Deployed:
    path = stem.with_suffix(".nir")
    write_nir(network, path)
    return Deployed((path,), network, period)


WRITERS: dict[str, Callable[[Network, Path, int | None], Deployed]] = {
    "loihi2": _loihi2,
    "lava": _lava,
    "slayer": _slayer,
    "nir": _nir,
}


def check_network(
    network: Network, file: Path, target: str = "loihi2", *, samples: int, steps: int, seed: int = 0,
    period: int | None = None, lava: bool = True,
) -> Iterator[Rung]:  # fmt: skip
    """Compare the file of a target with the network, every population at every step, on random inputs.

    `samples` of `steps` steps each, each with its own rate: one stream, with a `period` so that each sample has one,
    with the silence after it. Without `lava` only our own simulators run. A network in time steps is compared with a
    netx file only. Raises BadInput for a period that is too short.
    """
    rng = np.random.default_rng(seed)
    rates = np.linspace(*RATES, samples) if samples > 1 else [0.5]
    inputs = np.stack([random_inputs(network, steps, rate, rng) for rate in rates])
    if network.hop:
        yield from _in_steps(network, file, target, _spaced(network, inputs, period), period)
        return
    truth = Truth.of(network, inputs, reset=False) if period is None else _with_period(network, inputs, period)
    yield truth.against_steps("emulator", by_emulator)
    yield truth.against_chain("chain of levels", truth.subject.chain, by_emulator)
    yield from file_rungs(truth, file, target, lava=lava)


def _with_period(network: Network, inputs: np.ndarray, period: int) -> Truth:
    """What the reference says in time steps: a reset leaves alone what is on its way in a loop, as on the chip."""
    _require_silence(network, inputs, period)
    subject = Subject(network, balance(network), levelize(network), inputs, period)
    depth = len(subject.chain.populations) + subject.steps.flush
    fired = by_reference(subject.steps, subject.stream(depth), period)
    expected = {name: by_sample(spikes, subject.steps.level[name], subject) for name, spikes in fired.items()}
    return Truth(subject, expected, expected, expected)


def _spaced(network: Network, inputs: np.ndarray, period: int | None) -> np.ndarray:
    """One stream of all samples, with the silence after each where there is a period."""
    if period is not None:
        _require_silence(network, inputs, period)
        inputs = np.pad(inputs, ((0, 0), (0, period - inputs.shape[1]), (0, 0)))
    return inputs.reshape(-1, inputs.shape[2])


def _require_silence(network: Network, inputs: np.ndarray, period: int) -> None:
    needed = inputs.shape[1] + network.flush
    if period < needed:
        problem = f"a period of {period} steps holds no sample of {inputs.shape[1]} and {network.flush} of silence"
        raise BadInput(problem, remedy=f"give samples fewer steps, or a period of at least {needed}")


def _in_steps(network: Network, file: Path, target: str, stream: np.ndarray, period: int | None) -> Iterator[Rung]:
    """A chain that was written as it is: by its own names, which the file has too."""
    if target != "loihi2":
        problem = f"a network in time steps is compared with a netx file, not with one for {target}"
        raise Unsupported(problem, place=str(file), remedy="export it for loihi2")
    expected = by_reference(network, stream, period)
    chain = read_file(file).network
    for name, found in (
        ("emulator", by_emulator(network, stream, period)),
        ("netx file, our reader", by_emulator(chain, stream, period)),
    ):
        pairs = ((p.name, expected[p.name][None], found[p.name][None, :, : p.size]) for p in network.order)
        rung = compare("reference", name, network, pairs)
        yield replace(rung, steps=0 if period else len(stream))
