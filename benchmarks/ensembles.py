"""What several trained networks recognise together: their class spikes added up, frame by frame.

python -m benchmarks.ensembles DATA MODEL MODEL ...
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import click

from benchmarks.protocols import class_spikes
from mksgn_neuro.data.protocols import PROTOCOLS, streams
from mksgn_neuro.data.recognition import recognition
from mksgn_neuro.errors import BadInput
from mksgn_neuro.workflows.inputs import Request, clips_for, timing_of
from mksgn_neuro.workflows.load import load_networks


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.argument("models", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--protocol", type=click.Choice(PROTOCOLS), default="clip", show_default=True)
def main(data: Path, models: tuple[Path, ...], protocol: str) -> None:
    """Accuracy of every combination of MODELs on the test clips of DATA, all and without duplicates in training."""
    networks = [load_networks(model).default_representation[1] for model in models]
    timing = timing_of(networks[0].task)
    if any(timing_of(network.task) != timing for network in networks):
        raise BadInput("networks of different frame rates, windows or numbers of frames cannot be counted together")
    clips = clips_for(networks[0].task, Request(path=data))
    given, rate = streams(protocol, clips, timing), timing.rate or clips.rate
    spikes = [class_spikes(network, given, clips) for network in networks]
    for size in range(1, len(networks) + 1):
        for chosen in combinations(range(len(networks)), size):
            added = [sum(parts) for parts in zip(*(spikes[i] for i in chosen))]
            accuracy = recognition(added, given, clips, rate)["accuracy"]
            names = " + ".join(str(models[i]) for i in chosen)
            click.echo(f"{accuracy['standard']:.2%} / {accuracy['clean']:.2%}  {names}")


if __name__ == "__main__":
    main()
