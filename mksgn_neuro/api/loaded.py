"""What was loaded or trained, with the verbs of the command line; and what verifying it came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import require_writable
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.inputs import require_count
from mksgn_neuro.workflows.load import Networks, Port, of_model, stem_of

if TYPE_CHECKING:
    from mksgn_neuro.data.clips import Clips
    from mksgn_neuro.models.store import Model
    from mksgn_neuro.training.preset import Preset
    from mksgn_neuro.training.stage import Report
    from mksgn_neuro.workflows.arrays import Recording
    from mksgn_neuro.workflows.equivalence import EquivalenceCheck
    from mksgn_neuro.workflows.export import Deployed
    from mksgn_neuro.workflows.inputs import Drawn
    from mksgn_neuro.workflows.inspect import Inspected
    from mksgn_neuro.workflows.recognise import Recognised
    from mksgn_neuro.workflows.streaming import Recogniser
    from mksgn_neuro.workflows.verdict import Verdict

File = str | Path
Target = Literal["loihi2", "lava", "slayer", "nir"]
Backend = Literal["emulator", "reference", "lava"]
IN_MEMORY = Path("network")  # the name of a network that came from no file


@dataclass(frozen=True)
class Verified:
    """The comparisons of one verification, what they were made on, and what is odd about the file."""

    checks: tuple[EquivalenceCheck, ...]
    inputs: str
    findings: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What the comparisons come to: `ok`, `verified` only where all ran, and both in words."""
        from mksgn_neuro.workflows.verdict import Verdict

        return Verdict.of(self.checks)

    @property
    def ok(self) -> bool:
        """The verdict's: no spike differs. A comparison that could not run here does not fail: see `not_run`."""
        return self.verdict.ok

    @property
    def not_run(self) -> tuple[str, ...]:
        """What could not be compared with, and why."""
        return tuple(f"{check.target}: {check.not_run}" for check in self.checks if check.not_run)

    def __str__(self) -> str:
        lines = [f"{check.source} → {check.target}: {check.verdict}" for check in self.checks]
        notes = [f"note: {finding}" for finding in self.findings]
        return "\n".join([f"on {self.inputs}, simulated on CPU", *notes, *lines, str(self.verdict)])


@dataclass(frozen=True)
class Loaded:
    """A network that can be simulated, exported, verified and inspected; `load` and `train` make one."""

    networks: Networks

    @property
    def network(self) -> Network:
        """The integer network that `simulate` runs, in time steps of the chip."""
        return self.networks.default_representation[1]

    @property
    def model(self) -> Model | None:
        """The trained model, where it is one."""
        return self.networks.model

    @property
    def findings(self) -> tuple[str, ...]:
        """What was rounded, guessed or ignored when the file was read; empty if nothing was."""
        return tuple(self.networks.findings)

    def simulate(
        self,
        inputs: np.ndarray,
        *,
        states: bool = False,
        reset_interval: int | None = None,
        backend: Backend = "emulator",
    ) -> Recording:
        """Run integers (T, N_in) from rest; spikes uint8 (T, N) by population, with `states` u and v int32 too.

        A population at level k answers k steps after its input. `reset_interval`: u and v are zeroed every so many
        steps. Raises BadInput for another shape, or values that the input cannot send.
        """
        from mksgn_neuro.ir.inputs import checked
        from mksgn_neuro.workflows.arrays import simulate_array

        inputs = checked(self.network.source, inputs)
        return simulate_array(self.network, inputs, backend=backend, states=states, reset_interval=reset_interval)

    def recognise(
        self, clips: Clips, *, protocol: str | None = None, split: str = "test", limit: int | None = None,
        backend: Backend = "emulator", seed: int = 0,
    ) -> Recognised:  # fmt: skip
        """Run labelled clips, of a `split` and at most `limit`, evenly spaced; raises BadInput where they do not fit.

        `protocol`: "offline", "clip" or "continuous", as `simulate --protocol`; the default is "clip", for a network
        without a frame rate "offline". The result has `predictions()`, class spikes, and `as_json(energy_profile)`.
        """
        from mksgn_neuro.workflows.inputs import Request, chosen
        from mksgn_neuro.workflows.recognise import HEADLINE, default_protocols, recognise

        task = self.network.task
        if task is None:
            location, hint = str(self.networks.path), "run arrays with simulate"
            raise BadInput("does not say what clips it takes", location=location, hint=hint)
        protocols = default_protocols(task)
        request = Request(split=split, limit=limit, seed=seed)
        wanted = chosen(clips, task, request, clips.dataset)
        name = protocol or (HEADLINE if HEADLINE in protocols else protocols[0])
        return recognise(self.network, wanted, name, backend=backend, seed=seed)

    def stream(self, *, rate: float | None = None, window: int | None = None) -> Recogniser:
        """A function of one frame after another, joints (V, 3) in metres; its answer has scores and decision.

        `rate`: the camera's in Hz, `window`: decide on so many frames; the defaults are the network's own.
        """
        from mksgn_neuro.workflows.streaming import Recogniser

        return Recogniser(self.networks.given, rate=rate, window=window, location=str(self.networks.path))

    def export(
        self, target: Target = "loihi2", output: File | None = None, *, reset: bool | None = None,
        reset_interval: int | None = None, steps_per_frame: int = 1, prune: bool = False,
    ) -> Deployed:  # fmt: skip
        """Write the network for a target; the files are named after `output`, by default after the file loaded.

        `reset`, `steps_per_frame` and `prune` as in the command; `reset_interval`, of what is no trained model: state
        is zeroed every so many time steps. Raises Unsupported for what the target cannot hold exactly. Nothing is
        compared: that is `verify`.
        """
        from mksgn_neuro.lowering.passes import Options
        from mksgn_neuro.workflows.export import write_file, write_target

        require_count(reset_interval, "reset_interval")
        require_count(steps_per_frame, "steps_per_frame")
        if output is None and self.networks.path == IN_MEMORY:
            raise BadInput("a network in memory has no file to write beside", hint="give output")
        stem, options = stem_of(Path(output or self.networks.path)), Options(steps_per_frame, prune)
        if self.model is None:
            return write_file(self.networks, target, stem, reset=reset, reset_interval=reset_interval, options=options)
        refuse({"reset_interval": reset_interval}, "is for networks that are not trained models", "give reset")
        return write_target(self.model, target, stem, reset=reset, options=options)

    def verify(
        self, file: File | None = None, *, target: Target = "loihi2", samples: int = 3, steps: int = 50, seed: int = 0,
        reset_interval: int | None = None, lava: bool = True, everything: bool = False, full: bool = False,
        dataset: str | None = None, data: File | None = None,
    ) -> Verified:  # fmt: skip
        """Compare every spike of this network's representations, and of `file`, which it was exported to for `target`.

        A trained model is compared on clips (of `dataset`, `data`) or random walks, any other network on random inputs,
        `samples` of `steps` steps each, `seed`, each followed by a reset where there is a `reset_interval`. A .net
        without `file` is compared with what Intel's loader runs of it. With `everything` also as SLAYER blocks and Lava
        graph; without `lava` only our simulators run; `full`: a large .net as a whole in Intel's loader, not level by
        level. Never raises for a spike that differs: see `ok`.
        """
        from mksgn_neuro.workflows.inputs import Drawn, Request
        from mksgn_neuro.workflows.verify_model import check_model

        for name, count in (("samples", samples), ("steps", steps), ("reset_interval", reset_interval)):
            require_count(count, name)
        if self.model is not None:
            refuse({"reset_interval": reset_interval}, "is for networks that are not trained models", "leave it out")
            request = Request(dataset, None if data is None else Path(data), limit=samples, seed=seed)
            path = self.networks.path.with_suffix(".net") if file is None else _existing(file)
            checks, what = check_model(self.model, target, path, request, everything=everything, lava=lava, full=full)
            return Verified(tuple(checks), what, self.findings)
        refuse({"dataset": dataset, "data": data}, "is for trained models", "leave it out")
        drawn, ways = Drawn(samples, steps, seed, reset_interval), {"lava": lava, "full": full}
        if file is None and self.networks.kind == "netx":
            return self._against_intel(drawn, ways)
        return self._against_file(
            None if file is None else _existing(file), target, drawn, ways | {"everything": everything}
        )

    def _against_file(self, file: Path | None, target: str, drawn: Drawn, ways: dict[str, bool]) -> Verified:
        from mksgn_neuro.workflows.targets import build
        from mksgn_neuro.workflows.verify import check_network

        built = build(self.networks.given, target)
        options: dict[str, Any] = {**asdict(drawn), **ways}
        checks = check_network(built, target, file, **options)
        return Verified(tuple(checks), str(drawn), self.findings)

    def _against_intel(self, drawn: Drawn, ways: dict[str, bool]) -> Verified:
        from mksgn_neuro.workflows.verify_file import check_file, read_for_check

        source = self.network.source
        port = Port(source.message_bits, source.shape if source.is_image else None)
        file, findings = read_for_check(self.networks.path, port)
        drawn = replace(drawn, reset_interval=drawn.reset_interval or file.reset_interval)
        options: dict[str, Any] = {**asdict(drawn), **ways}
        checks = check_file(self.networks.path, file, **options)
        return Verified(tuple(checks), str(drawn), tuple(findings))

    def inspect(self, chip: File = "loihi2", chips: int = 1) -> Inspected:
        """What is in it, the cores it takes on `chips` chips ("loihi2", "loihi1" or a .toml file), what is broken.

        Never raises for a network that does not fit: see `fit.violations`.
        """
        from mksgn_neuro.chip.catalog import load_chip
        from mksgn_neuro.workflows.inspect import inspect

        return inspect(self.networks, load_chip(str(chip)), chips)

    def tune(
        self, clips: Clips, preset: str = "base", output: File = "runs/tuned", *, seed: int = 0, resume: bool = False,
        report: Report | None = None, **changes: Any,
    ) -> Loaded:  # fmt: skip
        """Train a trained model further, in integers, on clips of its classes; writes `output`/model.pt.

        `changes` are fields of the preset (`training.preset.Preset`), `report(kind, record)` hears of every epoch.
        """
        from mksgn_neuro.training.presets import preset as named
        from mksgn_neuro.training.train import say_nothing
        from mksgn_neuro.training.tune import tune
        from mksgn_neuro.workflows.inputs import fitted

        if self.model is None:
            raise BadInput("is no trained model", location=str(self.networks.path), hint="give a model.pt")
        clips = fitted(clips, self.model.task(), clips.dataset)
        chosen, directory = named(preset, **changes), require_writable(Path(output), folder=True)
        config = {"model": str(self.networks.path), **config_of(clips, preset, chosen, seed)}
        options: dict[str, Any] = {"seed": seed, "resume": resume, "config": config, "report": report or say_nothing}
        tuned = tune(self.model, clips, chosen, directory, **options)
        return Loaded(of_model(tuned, directory / "model.pt"))


def config_of(clips: Clips, name: str, chosen: Preset, seed: int) -> dict[str, Any]:
    """What config.json says, as the commands write it."""
    return {"dataset": clips.dataset, "preset": name, "seed": seed, **asdict(chosen)}


def _existing(file: File) -> Path:
    path = Path(file)
    if not path.exists():
        raise BadInput("no such file", location=str(path), hint="export it first")
    return path


def refuse(given: dict[str, object], because: str, hint: str) -> None:
    """Raises BadInput if one of these was given: nothing that is asked for is ignored."""
    for name, value in given.items():
        if value is not None:
            raise BadInput(f"{name} {because}", hint=hint)
