"""metrics.json grows epoch by epoch; TensorBoard gets the same figures, and its absence is said in one line."""

import json
import sys
from types import SimpleNamespace

import pytest

from mksgn_neuro.errors import BadInput
from mksgn_neuro.training.record import Recorder, TensorBoard
from tests.training.runs import silent

EPOCH = {
    "stage": "float", "epoch": 0, "loss": 1.5, "accuracy": 0.25, "validation_accuracy": 0.5, "learning_rate": 1e-3,
    "seconds": 2.0, "validation_rates": {"b1.graph": 0.125},
}  # fmt: skip


def test_metrics_hold_every_epoch_restored_ones_too(tmp_path):
    shown = []
    recorder = Recorder(tmp_path, lambda kind, record: shown.append(kind))
    recorder.report("restored", {"stage": "float", "history": [EPOCH]})
    recorder.report("step", {"stage": "float"})
    recorder.report("epoch", EPOCH | {"epoch": 1})
    history = json.loads((tmp_path / "metrics.json").read_text())["history"]
    assert [record["epoch"] for record in history] == [0, 1] and history[0] == EPOCH
    assert shown == ["restored", "step", "epoch"]


def test_tensorboard_gets_scalars_by_stage(tmp_path, monkeypatch):
    written = {}

    class Writer:
        def __init__(self, directory):
            assert directory == str(tmp_path)

        def add_scalar(self, name, value, epoch):
            written[name, epoch] = value

        def flush(self):
            pass

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=Writer))
    board = TensorBoard(tmp_path, silent)
    board.report("restored", {"stage": "float", "history": [EPOCH]})
    board.report("step", {"stage": "float"})
    board.report("epoch", EPOCH | {"epoch": 1, "loss": 1.25})
    assert written["float/loss", 0] == 1.5 and written["float/loss", 1] == 1.25
    assert written["float/rate/b1.graph", 1] == 0.125 and len(written) == 12


def test_without_tensorboard_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(BadInput, match="pip install tensorboard"):
        TensorBoard(tmp_path, silent)
