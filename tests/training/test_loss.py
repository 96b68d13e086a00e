"""What is learned by does not depend on how many processes a batch is spread over."""

from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from mksgn_neuro.nn.collective import all_sum
from mksgn_neuro.training.loss import frame_errors, normalised, own_share, useless_gates

FRAMES, ROWS, CLASSES = 7, 5, 4


def found(rows: slice) -> torch.Tensor:
    """The whole batch's error and gates' penalty, then their gradients by logits and spikes, of some of its rows."""
    g = torch.Generator().manual_seed(0)
    logits = torch.randn(2, FRAMES, ROWS, CLASSES, generator=g, dtype=torch.float64)[:, :, rows].requires_grad_()
    labels = torch.randint(CLASSES, (FRAMES, ROWS), generator=g)[:, rows]
    weight = torch.rand(FRAMES, ROWS, generator=g, dtype=torch.float64)
    weight[:, 0] *= 0.01  # a row whose frames hardly count
    weight = weight[:, rows]
    spikes = torch.rand(3, FRAMES, ROWS, 6, generator=g, dtype=torch.float64)[:, :, rows].requires_grad_()
    network = SimpleNamespace(nodes=[SimpleNamespace(name="gate", role="gate")])
    penalty = useless_gates(SimpleNamespace(spikes={"gate": 0.3 * spikes}, class_spikes=spikes), network)
    error = frame_errors(logits, labels, normalised(weight), 0.1)
    shares = torch.stack([error, penalty]) * own_share(weight.shape[1], weight)
    shares.sum().backward()
    whole = [torch.zeros(n, FRAMES, ROWS, c, dtype=torch.float64) for n, c in ((2, CLASSES), (3, 6))]
    for all_of_it, own in zip(whole, (logits, spikes)):
        all_of_it[:, :, rows] = own.grad
    return all_sum(torch.cat([shares.detach(), *(x.flatten() for x in whole)]))


def one_of_two(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    result = found(slice(rank, None, 2))
    if rank == 0:
        torch.save(result, f"{folder}/found.pt")
    dist.destroy_process_group()


def test_two_processes_find_the_loss_and_the_gradients_of_one(tmp_path):
    mp.spawn(one_of_two, (str(tmp_path),), nprocs=2)
    together, alone = torch.load(tmp_path / "found.pt", weights_only=True), found(slice(None))
    assert alone[1] > 0 and together.numpy() == pytest.approx(alone.numpy(), rel=1e-12, abs=1e-14)
