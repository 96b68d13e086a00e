"""The answer in a glance: how well clips are recognised under each protocol, what it costs, whether forms agree."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from mksgn_neuro.report.collect import Report
from mksgn_neuro.report.markup import card, number, quantity
from mksgn_neuro.workflows.verdict import Verdict


def verdict(report: Report) -> str:
    """Protocols, then cards."""
    cards = "".join((*_costs(report), *_times(report), _cores(report), _decided(report), _verified(report)))
    return f'{_recognition(report)}<dl class="cards">{cards}</dl>'


def _recognition(report: Report) -> str:
    """A card for each protocol that was run, and what "clean" means here."""
    s = report.simulation
    found = "".join(words(report) for name, words in PROTOCOL_WORDS.items() if name in s["protocols"])
    several = f"{s['samples']} clips of {escape(s['dataset'])}" + (", interrupted" if s["partial"] else "")
    old = ""
    if s["rate"] is None:
        old = (
            f" This network has no frame rate: it was trained on clips stretched to {report.task.frames} frames, "
            "and its accuracy is that on stretched clips."
        )
    return f'<dl class="cards protocols">{found}</dl><p class="note">{several}. {_leaked(s)}{old}</p>'


def _leaked(simulation: dict) -> str:
    if not simulation["leaked"]:
        return "None of them is byte-identical to a training clip (leaked): the clean accuracy is that on all clips."
    return f"Clean: without the {simulation['leaked']} of them that are byte-identical to a training clip (leaked)."


def _continuous(report: Report) -> str:
    """The endless stream."""
    s = report.simulation
    key, found = "protocols.continuous", s["protocols"]["continuous"]
    meaning = (
        f"All clips one after another in one endless stream, nothing ever reset; the class spikes of {_window(report)} "
        "decide, here at each clip's last frame."
    )
    took = found["median_frames_to_decision"]
    delay = "never decided for good"
    if took is not None:
        seconds = f"{took / found['rate']:.2f} s"
        delay = f"decided for good after {number(f'{key}.median_frames_to_decision', took, f'{took:g}')} frames"
        delay += f" ({seconds}, median)"
    false = found["false_changes_per_minute"]
    more = (
        f"Right at {number(f'{key}.second_half', found['second_half'], format(found['second_half'], '.1%'))} of the "
        f"frames of second halves; {delay}; {number(f'{key}.false_changes_per_minute', false, f'{false:.1f}')} false "
        "changes a minute."
    )
    return _protocol("continuous", "on an endless stream", found, meaning, more)


def _window(report: Report) -> str:
    window, rate = report.simulation["window"], report.simulation["protocols"]["continuous"]["rate"]
    return f"the last {window} frames ({window / rate:.2f} s)" if window else "all frames since it began"


def _clip(report: Report) -> str:
    """Clips as recorded."""
    found = report.simulation["protocols"]["clip"]
    meaning = (
        f"Each clip as a camera delivers it, {found['rate']:g} frames a second, from rest; all class spikes so far "
        "decide at its last frame."
    )
    held = _both("clip", "accuracy_held", found)
    more = f"With its last pose held until {report.task.frames} frames were seen: {held}."
    return _protocol("clip", "on single clips", found, meaning, more)


def _offline(report: Report) -> str:
    """Stretched clips."""
    found = report.simulation["protocols"]["offline"]
    meaning = (
        f"Each clip stretched to {report.task.frames} frames, its end known in advance: the convention of the "
        "literature, and nothing that a camera could deliver."
    )
    return _protocol("offline", "on stretched clips", found, meaning, "")


PROTOCOL_WORDS: dict[str, Callable[[Report], str]] = {"continuous": _continuous, "clip": _clip, "offline": _offline}


def _protocol(name: str, where: str, found: dict, meaning: str, more: str) -> str:
    """A card with the accuracy on all clips and on clean ones; `more` is HTML."""
    values = "".join(
        f'<dd class="{part}">{_percent(f"protocols.{name}.accuracy.{part}", found["accuracy"][part])} '
        f"<small>{what}</small></dd>"
        for part, what in (("standard", "all clips"), ("clean", "clean"))
    )
    rest = f'<dd class="note">{more}</dd>' if more else ""
    title = f"accuracy {where} <code>{name}</code>"
    return f'<div><dt>{title}</dt>{values}<dd class="note">{escape(meaning)}</dd>{rest}</div>'


def _percent(key: str, value: float | None) -> str:
    return "no clip" if value is None else number(key, value, f"{value:.2%}")


def _both(protocol: str, name: str, found: dict) -> str:
    """An accuracy on all clips and on clean ones, in a sentence."""
    standard, clean = (_percent(f"protocols.{protocol}.{name}.{part}", found[name][part]) for part in found[name])
    return f"{standard}, clean {clean}"


def _costs(report: Report) -> list[str]:
    """Energy per clip, and power on the stream beside it."""
    s = report.simulation
    joules, profile = s["energy"]["joules_per_sample"], s["energy"]["profile"]
    text = number("energy.joules_per_sample", joules, quantity(joules, "J"))
    cards = [card("energy per clip", text, f"{s['protocol']}, profile {profile}; {_against(report)}")]
    stream = s["protocols"].get("continuous")
    if stream:
        text = number(
            "protocols.continuous.milliwatts", stream["milliwatts"], quantity(stream["milliwatts"] / 1e3, "W")
        )
        cards.append(card("power on the stream", text, f"continuous, profile {profile}, {stream['rate']:g} frames/s"))
    return cards


def _against(report: Report) -> str:
    ours = next(row for row in report.energy if row.what.endswith(report.simulation["energy"]["profile"]))
    teacher = next((row for row in report.energy if row.what.endswith("fp32")), None)
    if teacher is None or ours.joules == 0:
        return "no teacher to compare with"
    return f"{ours.joules / teacher.joules:.2%} of its teacher in fp32"


def _times(report: Report) -> list[str]:
    """Frame rate, window and latency."""
    s = report.simulation
    rate, window, latency = s["rate"], s["window"], s["latency_steps"]
    cards = []
    if rate is not None:
        cards.append(card("frame rate", number("rate", rate, f"{rate:g} Hz"), "of the frames that the network takes"))
    if window is not None:
        seconds = f"{window / rate:.2f} s, " if rate else ""
        text = number("window", window, f"{window} frames")
        cards.append(card("window", text, f"{seconds}whose class spikes decide on the stream"))
    seconds = f", {latency / rate:.2f} s at a step per frame" if rate else ""
    text = number("latency_steps", latency, f"{latency} steps")
    return [*cards, card("latency", text, f"from a frame to the class spikes that it causes{seconds}")]


def _cores(report: Report) -> str:
    text = number("cores", report.simulation["cores"], str(report.simulation["cores"]))
    fits = "" if not report.simulation["violations"] else ", which it does not fit"
    used = f"fullest {max(c.load for c in report.cores):.0%} used"
    return card("neurocores", text, f"on chip {escape(report.simulation['chip'])}{fits}, {used}")


def _decided(report: Report) -> str:
    middle, shown = report.shown.median_settled, report.shown
    of = f" of {shown.frames}" if shown.rate is None else f", {shown.seconds(middle)}" if middle else ""
    note = f"median of the clips that are recognised ({shown.protocol})"
    return card("decided for good by", f"frame {middle}{of}" if middle else "never right", note)


def _verified(report: Report) -> str:
    title = "same spikes in every representation"
    if report.checks is None:
        return card(title, "not checked here", "mksgn-neuro verify MODEL does")
    found = Verdict.of(report.checks)
    return card(title, found.word, f"{found.details}; every population at every step")
