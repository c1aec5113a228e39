"""What one training step is made of: loss, parameter groups, learning rate, gradient exchange."""

import math

import torch
import torch.distributed as dist
from torch.nn import functional

from .batches import Batch
from .heads import HEADS, SPEECH
from .model import Guard

#: Rows of a typical batch.
_USUAL_ROWS = 32
#: The learning rate ends at this share of its peak.
_FLOOR = 0.02
#: No head weighs more than exp(2) times what it does at first.
_SUREST = -2.0


def freeze(guard: Guard, layers: int, learned: list[int] | None = None) -> None:
    """Keeps the embeddings and the lowest layers as they were trained upstream; 0 freezes nothing.

    Where `learned` names layers, these alone learn: not the heads, nor any other layer.
    """
    if layers:
        for part in (guard.trunk.embeddings, *guard.trunk.encoder["layer"][:layers]):
            part.requires_grad_(False)
    if learned is not None:
        guard.requires_grad_(False)
        for number in learned:
            guard.trunk.encoder["layer"][number].requires_grad_(True)


def groups(guard: Guard, settings: dict) -> list[dict]:
    """Parameter groups: lower layers learn more slowly; vectors do not decay."""
    found: dict[tuple[float, float], list] = {}
    for name, parameter in guard.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith(("heads.", "exits.")):
            rate = settings["head_rate"]
        else:
            depth = int(name.split(".layer.")[1].split(".")[0]) + 1 if ".layer." in name else 0
            rate = settings["trunk_rate"] * settings["layer_decay"] ** (guard.shape.layers - depth)
        decay = settings["weight_decay"] if parameter.ndim > 1 else 0.0
        found.setdefault((rate, decay), []).append(parameter)
    return [{"params": parameters, "lr": rate, "rate": rate, "weight_decay": decay}
            for (rate, decay), parameters in found.items()]


def rate_factor(done: float, warm: float) -> float:
    """Linear warm-up, then half a cosine; `done` and `warm` are shares of the run."""
    if done < warm:
        return max(done, 1e-3) / warm
    return _FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, (done - warm) / (1 - warm))))


def positive_weights(records: list[dict], order: list[int], cap: float) -> torch.Tensor:
    """Weight of a positive per head: the root of the imbalance over the visits, capped."""
    up, down = [1.0] * len(HEADS), [1.0] * len(HEADS)
    for index in order:
        labels = records[index]["labels"]
        for column, head in enumerate(HEADS):
            if head in labels:
                up[column] += labels[head]
                down[column] += 1 - labels[head]
    return torch.tensor([min(cap, max(1.0, math.sqrt(n / p))) for p, n in zip(up, down, strict=True)])


def masked_loss(logits: torch.Tensor, batch: Batch, weights: torch.Tensor, log_variance: torch.Tensor | None = None
                ) -> torch.Tensor:
    """Binary cross-entropy summed over known labels.

    Divided by the root of the row count: a batch holds as many rows as fit its token budget, and a plain mean
    would let one long row count as much as sixteen short ones. With `log_variance` [heads], which is learned too, each
    head's sum is weighed by the uncertainty of its task (Kendall et al. 2018, arXiv 1705.07115).
    """
    raw = functional.binary_cross_entropy_with_logits(logits, batch.targets, pos_weight=weights, reduction="none")
    each, count = (raw * batch.known).sum(0), batch.known.sum(0)
    if log_variance is not None:
        log_variance = log_variance.clamp(min=_SUREST)
        each = each * (-log_variance).exp() + 0.5 * count * log_variance
    return each.sum() / _rows(batch)


def twin_loss(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """How far the logits of the heads about speech part between twins: square where near, straight where far."""
    first, second = (logits[batch.twins[:, side]][:, :len(SPEECH)] for side in (0, 1))
    return functional.smooth_l1_loss(first, second, reduction="sum") / _rows(batch)


def taught_loss(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Binary cross-entropy against the teachers' chances, for every head, its label known or not."""
    return functional.binary_cross_entropy_with_logits(logits, batch.taught, reduction="sum") / _rows(batch)


def _rows(batch: Batch) -> float:
    return math.sqrt(len(batch.ids) * _USUAL_ROWS)


def exchange(parameters: list[torch.nn.Parameter], workers: int, loss: torch.Tensor, done: float
             ) -> tuple[torch.Tensor, float]:
    """Averages gradients, in place, loss and progress over the workers in one transfer."""
    if workers == 1:
        return loss, done
    flat = torch.cat([parameter.grad.flatten() for parameter in parameters] + [torch.tensor([loss, done])])
    dist.all_reduce(flat)
    flat /= workers
    start = 0
    for parameter in parameters:
        parameter.grad.copy_(flat[start : start + parameter.numel()].view_as(parameter))
        start += parameter.numel()
    return flat[start], float(flat[start + 1])
