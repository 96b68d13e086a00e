"""What each part of MK-SGN is worth: the same training without it, in the shape of the paper's ablations."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.models.store import Model
from mksgn_neuro.training.evaluate import evaluate, spike_rate
from mksgn_neuro.training.preset import Preset
from mksgn_neuro.training.stage import Report
from mksgn_neuro.training.train import train

FULL = "full"
TORCH_ONLY = "self-attention in torch, not deployable"  # the upper line


@dataclass(frozen=True)
class Price:
    """What a variant costs on the chip: `cores` of a netx file, `millijoules` a clip; None: it does not lower."""

    cores: int | None = None
    millijoules: float | None = None


PriceOf = Callable[[Model, Clips], Price]


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
    price: Price = Price()

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
    changed |= {f"{name} only": preset.only(name) for name in preset.modalities}
    return changed | ({} if preset.attention == "ssa" else {TORCH_ONLY: replace(preset, attention="ssa")})


def ablate(
    clips: Clips, preset: Preset, directory: Path, *, seed: int, resume: bool, teacher: Path | None, report: Report,
    pretrained: Model | None = None, only: Container[str] | None = None, price_of: PriceOf | None = None,
) -> Iterator[Outcome]:  # fmt: skip
    """Train every variant, or those named in `only`, into its own folder of `directory`.

    All learn from the same teachers and begin with the same `pretrained` network; `price_of` says what each costs.
    """
    for name, changed in variants(preset).items():
        if only is not None and name not in only:
            continue
        folder = directory / folder_of(name)
        options = {"seed": seed, "resume": resume, "report": _named(report, name), "pretrained": pretrained}
        model = train(clips, changed, folder, teacher=teacher if changed.distils else None, **options)
        if name == FULL and teacher is None:
            teacher = folder / "teachers"
        yield outcome(name, model, clips, price_of)


def folder_of(variant: str) -> str:
    """The name of a variant's folder."""
    return re.sub(r"[:,]", "", variant).replace(" ", "-")


def _named(report: Report, variant: str) -> Report:
    """Stages of different variants are different lines of the display."""

    def named(kind: str, record: dict) -> None:
        report(kind, record | {"stage": f"{variant}: {record['stage']}"})

    return named


def outcome(name: str, model: Model, clips: Clips, price_of: PriceOf | None = None) -> Outcome:
    """A trained variant in figures."""
    seen = evaluate(model.student, clips.subset(clips.train), model.scaling, model.timing, ("continuous",))
    return Outcome(
        variant=name,
        held_out=model.training["held_out"].get("integer", {}),
        test=model.training["test"].get("integer", {}),
        spike_rate=spike_rate(model.student, seen.rates),
        parameters=sum(p.numel() for p in model.student.parameters()),
        price=price_of(model, clips) if price_of else Price(),
    )
