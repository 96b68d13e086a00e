"""The answer in a glance: what is recognised under each protocol, what it costs, whether representations agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from mksgn_neuro.report.collect import Report
from mksgn_neuro.report.markup import Card, Number, quantity
from mksgn_neuro.workflows.verdict import Verdict


@dataclass(frozen=True)
class ProtocolCard:
    """`accuracy` on all clips and on clean ones: (part, figure, words)."""

    name: str
    where: str
    accuracy: tuple[tuple[str, Number | str, str], ...]
    meaning: str
    more: str


def verdict(report: Report) -> dict:
    """Protocols, what they were run on, then cards."""
    s = report.simulation
    return {
        "protocols": [words(report) for name, words in PROTOCOL_WORDS.items() if name in s["protocols"]],
        "about": _about(report),
        "cards": [*_costs(report), *_times(report), _cores(report), _decided(report), _verified(report)],
    }


def _about(report: Report) -> str:
    """The clips, and what "clean" means here."""
    s = report.simulation
    several = f"{s['samples']} clips of {s['dataset']}" + (", interrupted" if s["partial"] else "")
    old = ""
    if s["rate"] is None:
        old = (
            f" This network has no frame rate: it was trained on clips stretched to {report.task.frames} frames, "
            "and its accuracy is that on stretched clips."
        )
    return f"{several}. {_leaked(s)}{old}"


def _leaked(simulation: dict) -> str:
    if not simulation["leaked"]:
        return "None of them is byte-identical to a training clip (leaked): the clean accuracy is that on all clips."
    return f"Clean: without the {simulation['leaked']} of them that are byte-identical to a training clip (leaked)."


def _continuous(report: Report) -> ProtocolCard:
    """The endless stream."""
    s = report.simulation
    key, found = "protocols.continuous", s["protocols"]["continuous"]
    meaning = (
        f"All clips one after another in one endless stream, nothing ever reset; the class spikes of {_window(report)} "
        "decide, here at each clip's last frame."
    )
    second_half, false = found["second_half"], found["false_changes_per_minute"]
    more = Markup("Right at {} of the frames of second halves; {}; {} false changes a minute.").format(
        Number(f"{key}.second_half", second_half, f"{second_half:.1%}"),
        _delay(key, found),
        Number(f"{key}.false_changes_per_minute", false, f"{false:.1f}"),
    )
    return _protocol("continuous", "on an endless stream", found, meaning, more)


def _delay(key: str, found: dict) -> str:
    took = found["median_frames_to_decision"]
    if took is None:
        return "never decided for good"
    frames = Number(f"{key}.median_frames_to_decision", took, f"{took:g}")
    seconds = f"{took / found['rate']:.2f}"
    return Markup("decided for good after {} frames ({} s, median)").format(frames, seconds)


def _window(report: Report) -> str:
    window, rate = report.simulation["window"], report.simulation["protocols"]["continuous"]["rate"]
    return f"the last {window} frames ({window / rate:.2f} s)" if window else "all frames since it began"


def _clip(report: Report) -> ProtocolCard:
    """Clips as recorded."""
    found = report.simulation["protocols"]["clip"]
    meaning = (
        f"Each clip as a camera delivers it, {found['rate']:g} frames a second, from rest; all class spikes so far "
        "decide at its last frame."
    )
    held = _both("clip", "accuracy_held", found)
    more = Markup("With its last pose held until {} frames were seen: {}, clean {}.").format(report.task.frames, *held)
    return _protocol("clip", "on single clips", found, meaning, more)


def _offline(report: Report) -> ProtocolCard:
    """Stretched clips."""
    found = report.simulation["protocols"]["offline"]
    meaning = (
        f"Each clip stretched to {report.task.frames} frames, its end known in advance: the convention of the "
        "literature, and nothing that a camera could deliver."
    )
    return _protocol("offline", "on stretched clips", found, meaning, "")


PROTOCOL_WORDS: dict[str, Callable[[Report], ProtocolCard]] = {
    "continuous": _continuous,
    "clip": _clip,
    "offline": _offline,
}


def _protocol(name: str, where: str, found: dict, meaning: str, more: str) -> ProtocolCard:
    standard, clean = _both(name, "accuracy", found)
    accuracy = (("standard", standard, "all clips"), ("clean", clean, "clean"))
    return ProtocolCard(name, where, accuracy, meaning, more)


def _both(protocol: str, name: str, found: dict) -> tuple[Number | str, Number | str]:
    """An accuracy on all clips and on clean ones."""
    return tuple(_percent(f"protocols.{protocol}.{name}.{part}", found[name][part]) for part in ("standard", "clean"))


def _percent(key: str, value: float | None) -> Number | str:
    return "no clip" if value is None else Number(key, value, f"{value:.2%}")


def _costs(report: Report) -> list[Card]:
    """Energy per clip, and power on the stream beside it."""
    s = report.simulation
    joules, profile = s["energy"]["joules_per_sample"], s["energy"]["profile"]
    text = Number("energy.joules_per_sample", joules, quantity(joules, "J"))
    cards = [Card("energy per clip", text, f"{s['protocol']}, profile {profile}; {_against(report)}")]
    stream = s["protocols"].get("continuous")
    if stream:
        text = Number(
            "protocols.continuous.milliwatts", stream["milliwatts"], quantity(stream["milliwatts"] / 1e3, "W")
        )
        cards.append(Card("power on the stream", text, f"continuous, profile {profile}, {stream['rate']:g} frames/s"))
    return cards


def _against(report: Report) -> str:
    ours = next(row for row in report.energy if row.what.endswith(report.simulation["energy"]["profile"]))
    teacher = next((row for row in report.energy if row.what.endswith("fp32")), None)
    if teacher is None or ours.joules == 0:
        return "no teacher to compare with"
    return f"{ours.joules / teacher.joules:.2%} of its teacher in fp32"


def _times(report: Report) -> list[Card]:
    """Frame rate, window and latency."""
    s = report.simulation
    rate, window, latency = s["rate"], s["window"], s["latency_steps"]
    cards = []
    if rate is not None:
        cards.append(Card("frame rate", Number("rate", rate, f"{rate:g} Hz"), "of the frames that the network takes"))
    if window is not None:
        seconds = f"{window / rate:.2f} s, " if rate else ""
        text = Number("window", window, f"{window} frames")
        cards.append(Card("window", text, f"{seconds}whose class spikes decide on the stream"))
    seconds = f", {latency / rate:.2f} s at a step per frame" if rate else ""
    text = Number("latency_steps", latency, f"{latency} steps")
    return [*cards, Card("latency", text, f"from a frame to the class spikes that it causes{seconds}")]


def _cores(report: Report) -> Card:
    text = Number("cores", report.simulation["cores"], str(report.simulation["cores"]))
    fits = "" if not report.simulation["violations"] else ", which it does not fit"
    used = f"fullest {max(c.load for c in report.cores):.0%} used"
    return Card("neurocores", text, f"on chip {report.simulation['chip']}{fits}, {used}")


def _decided(report: Report) -> Card:
    middle, shown = report.shown.median_settled, report.shown
    of = f" of {shown.frames}" if shown.rate is None else f", {shown.seconds(middle)}" if middle else ""
    note = f"median of the clips that are recognised ({shown.protocol})"
    return Card("decided for good by", f"frame {middle}{of}" if middle else "never right", note)


def _verified(report: Report) -> Card:
    title = "same spikes in every representation"
    if report.checks is None:
        return Card(title, "not checked here", "mksgn-neuro verify MODEL does")
    found = Verdict.of(report.checks)
    return Card(title, found.word, f"{found.details}; every population at every step")
