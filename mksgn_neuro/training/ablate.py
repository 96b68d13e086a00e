"""What each part of MK-SGN is worth: the same training without it, in the shape of the paper's ablations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.models.store import Model
from mksgn_neuro.training.evaluate import evaluate, spike_rate
from mksgn_neuro.training.preset import Preset
from mksgn_neuro.training.stage import Report
from mksgn_neuro.training.train import train

FULL = "full"


@dataclass(frozen=True)
class Outcome:
    """One variant's integer student: `held_out` and `test` figures by protocol, empty without such clips.

    `spike_rate` is the mean over the populations of blocks and encoder, gates apart, on the training clips.
    """

    variant: str
    held_out: dict[str, dict]
    test: dict[str, dict]
    spike_rate: float
    parameters: int

    def as_json(self) -> dict:
        """Plain values."""
        return asdict(self)


def variants(preset: Preset) -> dict[str, Preset]:
    """The preset and what is left of it without one part each, by name."""
    changed = {
        FULL: preset,
        "no SMF: modalities concatenated": replace(preset, mutual_information=False),
        "no attention": replace(preset, attention="none"),
        "no FTM": replace(preset, feature_weight=0.0),
        "no soft labels": replace(preset, soft_label_weight=0.0),
        "no teacher": replace(preset, feature_weight=0.0, soft_label_weight=0.0),
    }
    return changed | {f"{name} only": replace(preset, modalities=(name,)) for name in preset.modalities}


def ablate(
    clips: Clips, preset: Preset, directory: Path, *, seed: int, resume: bool, teacher: Path | None, report: Report
) -> Iterator[Outcome]:
    """Train every variant into its own folder of `directory`; all learn from the same teachers."""
    for name, changed in variants(preset).items():
        folder = directory / name.replace(":", "").replace(" ", "-")
        options = {"seed": seed, "resume": resume, "report": _named(report, name)}
        model = train(clips, changed, folder, teacher=teacher if changed.distils else None, **options)
        if name == FULL and teacher is None:
            teacher = folder / "teachers"
        yield outcome(name, model, clips)


def _named(report: Report, variant: str) -> Report:
    """Stages of different variants are different lines of the display."""

    def named(kind: str, record: dict) -> None:
        report(kind, record | {"stage": f"{variant}: {record['stage']}"})

    return named


def outcome(name: str, model: Model, clips: Clips) -> Outcome:
    """A trained variant in figures."""
    seen = evaluate(model.student, clips.subset(clips.train), model.scaling, model.timing, ("continuous",))
    return Outcome(
        variant=name,
        held_out=model.training["held_out"].get("integer", {}),
        test=model.training["test"].get("integer", {}),
        spike_rate=spike_rate(model.student, seen.rates),
        parameters=sum(p.numel() for p in model.student.parameters()),
    )
