"""mksgn-neuro simulate: a network on clips or on an array, every spike counted."""

from __future__ import annotations

from pathlib import Path

import click

from mksgn_neuro.commands.arrays import ONLY_ARRAYS, ONLY_CLIPS, ArrayRequest, array_options, print_array
from mksgn_neuro.commands.options import (
    Output,
    chip_option,
    dataset_options,
    energy_option,
    find_model,
    json_option,
    print_findings,
    print_json,
    print_populations,
    refuse_options,
    say,
    seed_option,
)
from mksgn_neuro.commands.recording_options import map_option
from mksgn_neuro.errors import BadInput
from mksgn_neuro.names import BACKENDS, PROTOCOLS, SPLITS


@click.command(short_help="Measure accuracy, spikes, energy and cores, on CPU.")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@dataset_options(default=None)
@click.option(
    "--protocol",
    type=click.Choice(("all", *PROTOCOLS)),
    default="all",
    show_default=True,
    help="offline: clips stretched to one length; clip: frames as recorded, from rest; continuous: one endless stream.",
)
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True, help="Which clips of the data.")
@click.option("--limit", type=click.IntRange(1), help="At most N clips, evenly spaced.")
@map_option
@click.option("--measure-spikes", is_flag=True, help="Print spikes and synaptic operations per population.")
@click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    default="emulator",
    show_default=True,
    help="All give the same spikes; emulator is the fastest.",
)
@energy_option
@chip_option
@array_options
@click.option("--save-spikes", type=Output(), help="OUT.npz: the spikes of each population, time first.")
@click.option("--states", is_flag=True, help="With --save-spikes: currents and voltages too.")
@click.option("--report", "report_path", type=Output(), help="Also write the page of `report`, FILE.html.")
@seed_option
@json_option
def command(
    model: Path | None, dataset: str | None, data_path: Path | None, skip_bad: bool, protocol: str, split: str,
    limit: int | None, renames: dict[str, str], measure_spikes: bool, backend: str, chip_name: str, energy_profile: str,
    input_path: Path | None, axes: str | None, reset_interval: int | None, input_shape: tuple[int, ...] | None,
    input_bits: int | None, save_spikes: Path | None, states: bool, report_path: Path | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Simulate MODEL (a model.pt, .net, .nir or .ir.h5) on CPU, in exactly the integers of the chip."""
    from mksgn_neuro.chip.catalog import load_chip
    from mksgn_neuro.commands.reading import load_clips, recognise_clips
    from mksgn_neuro.data.recordings import DEPTH_LEFT_OUT
    from mksgn_neuro.processes.together import is_first
    from mksgn_neuro.workflows.inputs import Request, clips_for
    from mksgn_neuro.workflows.load import Port, load_networks
    from mksgn_neuro.workflows.recognise import default_protocols, document_of

    if states and not save_spikes:
        raise BadInput("--states without a file to save them to", hint="add --save-spikes OUT.npz")
    chip = load_chip(chip_name)
    path = find_model(model)
    if input_path is not None:
        refuse_options(ONLY_CLIPS, "is for clips, not for --input", "leave it out")
        networks = load_networks(path, Port(input_bits, input_shape))
        shown = {"measure_spikes": measure_spikes, "as_json": as_json}
        return print_array(
            networks, ArrayRequest(input_path, axes, reset_interval, backend, save_spikes, states=states, **shown)
        )
    refuse_options(ONLY_ARRAYS, "is for arrays", "give it with --input X.npy")
    if report_path:
        from mksgn_neuro.report.shown import require_own_streams

        require_own_streams(protocol)
    networks = load_networks(path)
    representation, network = networks.default_representation
    if network.task is None:
        hint = "give --input X.npy, last axis time"
        raise BadInput("does not say what clips it takes", location=str(path), hint=hint)
    clips = clips_for(network.task, Request(dataset, data_path, split, limit, skip_bad, seed, renames), load_clips)
    if DEPTH_LEFT_OUT in clips.assumed:
        say(f"{clips.dataset}: {DEPTH_LEFT_OUT}")
    if network.task.rate is None:
        say(f"{path} has no frame rate: it was trained on clips stretched to {network.task.frames} frames")
    protocols = default_protocols(network.task) if protocol == "all" else (protocol,)
    runs = recognise_clips(network, clips, protocols, backend=backend, chip=chip, seed=seed)
    document = document_of(path, representation, runs, energy_profile, protocols) | {"findings": networks.findings}
    if not is_first():
        return None
    shown = runs[document["protocol"]]
    if save_spikes:
        from mksgn_neuro.workflows.arrays import save_recording

        run = shown.simulation
        save_recording(
            network, shown.inputs[: run.streams], save_spikes, states=states, reset_interval=run.reset_interval
        )
    if report_path:
        from mksgn_neuro.commands.report import collected
        from mksgn_neuro.report.page import write_report

        write_report(collected(path, runs, document, checks=None), report_path)
        say(f"wrote {report_path}")
    return print_json(document) if as_json else print_summary(document, measure_spikes)


def print_summary(document: dict, measure_spikes: bool) -> None:
    """The same figures for people."""
    print_findings(document["findings"])
    if document["partial"]:
        click.echo("interrupted: partial result")
    for line in protocol_lines(document):
        click.echo(line)
    if measure_spikes:
        print_populations(document["populations"])
    operations, energy = document["synaptic_operations"], document["energy"]
    constants = ", ".join(f"{name} {value} pJ" for name, value in energy["constants"].items())
    click.echo(
        f"per clip ({document['protocol']}): {operations['Effective_ACs']:.0f} ACs, "
        f"{operations['Effective_MACs']:.0f} MACs (dense: {operations['Dense']:.0f})"
    )
    stream = document["protocols"].get("continuous", {}).get("milliwatts")
    power = f", {stream:.4f} mW on an endless stream" if stream is not None else ""
    click.echo(
        f"energy {energy['joules_per_sample'] * 1e3:.4f} mJ per clip{power}, profile {energy['profile']} ({constants})"
    )
    where = "" if document["chip"] == "loihi2" else f" of {document['chip']}"
    click.echo(f"{document['cores']} cores{where}, {document['steps_per_sample']:.1f} time steps per clip")
    for violation in document["violations"]:
        click.echo(f"does not fit {document['chip']}: {violation['layer']}: {violation['rule']} {violation['value']}")
    click.echo(f"{document['throughput']['samples_per_s']:.0f} clips/s on this CPU")


def protocol_lines(document: dict) -> list[str]:
    """What each protocol's accuracy is, in words."""
    found, lines = document["protocols"], []
    window = document["window"]
    if "continuous" in found:
        c = found["continuous"]
        took = c["median_frames_to_decision"]
        delay = "never right" if took is None else f"right after {took:.0f} frames (median)"
        lines.append(
            f"continuous, all clips in one stream, last {window} frames: {_both(c['accuracy'])} at each clip's end, "
            f"{c['second_half']:.2%} of the frames of second halves, {delay}, "
            f"{c['false_changes_per_minute']:.1f} false changes a minute{_false_decisions(c)}"
        )
    if "clip" in found:
        c = found["clip"]
        lines.append(
            f"clip, frames as recorded from rest: {_both(c['accuracy'])} at its last frame, "
            f"{_both(c['accuracy_held'])} when its last pose was held"
        )
    if "offline" in found:
        lines.append(f"offline, each clip stretched: {_both(found['offline']['accuracy'])}")
    leak = f", {document['leaked']} of which are also in training (leaked)" if document["leaked"] else ""
    lines.append(
        f"{document['samples']} clips{leak}, simulated on CPU "
        f"({document['backend']}, {document['representation']} representation)"
    )
    return lines


def _false_decisions(found: dict) -> str:
    """Of a network that knows `none of these`."""
    per_hour = found.get("false_decisions_per_hour")
    if per_hour is None:
        return ""
    nothing = found["false_decisions_per_hour_of_nothing"]
    while_nothing = "" if nothing is None else f" ({nothing:.0f} while none of its actions goes on)"
    return f", {per_hour:.0f} false decisions an hour{while_nothing}"


def _both(accuracy: dict) -> str:
    """The accuracy on all clips and, where it is another, on those that are not leaked."""
    standard, clean = accuracy["standard"], accuracy["clean"]
    return f"{standard:.2%}" if clean in (standard, None) else f"{standard:.2%} ({clean:.2%} without leaked clips)"
