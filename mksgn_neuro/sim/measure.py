"""What the counted events of an emulation mean: activity, synaptic operations, updates, with NeuroBench's names.

A synaptic operation is one spike at one synapse with a non-zero weight, whatever it does there: counted exactly, from
the spikes of each neuron and the synapses it has. It belongs to the population that receives it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from mksgn_neuro.ir import Network, Projection
from mksgn_neuro.sim.counts import Counts


@dataclass(frozen=True)
class Activity:
    """One population over all clips: `spike_rate` per neuron and time step; `synops` received; neuron `updates`."""

    name: str
    role: str
    neurons: int
    spikes: int
    spike_rate: float
    synops: int
    updates: int
    max_step_spikes: int


@dataclass(frozen=True)
class SynapticOperations:
    """Totals over all clips: `acs` caused by binary spikes, `macs` by non-zero graded inputs.

    `dense` is every synapse of the network at every time step: what the same network costs if nothing is skipped.
    """

    acs: int
    macs: int
    dense: int


@dataclass(frozen=True)
class Measurement:
    """All that was counted in `clips` clips of `steps` time steps in all."""

    clips: int
    steps: int
    populations: tuple[Activity, ...]
    operations: SynapticOperations
    max_step_synops: int

    def as_json(self, clips: int) -> dict:
        """The keys that `simulate --json` promises; operations per clip of `clips`, as NeuroBench gives them."""
        per_clip = {
            "Effective_ACs": self.operations.acs / clips,
            "Effective_MACs": self.operations.macs / clips,
            "Dense": self.operations.dense / clips,
        }
        return {
            "populations": [asdict(activity) for activity in self.populations],
            "synaptic_operations": per_clip,
            "max_step_synops": self.max_step_synops,
        }


def measure(network: Network, counts: Counts) -> Measurement:
    """Turn the counts of a run of this network into what its report says."""
    received = {p.name: 0 for p in network.populations}
    acs = macs = 0
    for q in network.projections:
        synops = projection_synops(q, counts)
        received[q.post] += synops
        if q.pre == network.source.name and network.source.message_bits:
            macs += synops
        else:
            acs += synops
    dense = counts.steps * sum(q.synapses for q in network.projections)
    activities = []
    for p in network.populations:
        spikes, updates = int(counts.spikes[p.name].sum()), p.size * counts.steps
        rate = spikes / updates if updates else 0.0
        most = counts.max_step_spikes[p.name]
        activities.append(Activity(p.name, p.role, p.size, spikes, rate, received[p.name], updates, most))
    operations = SynapticOperations(acs, macs, dense)
    return Measurement(counts.clips, counts.steps, tuple(activities), operations, counts.max_step_synops)


def projection_synops(q: Projection, counts: Counts) -> int:
    """Synaptic operations of one projection: spikes of each pre neuron times the synapses that they reach."""
    return int(counts.spikes[q.pre] @ q.out_degree)
