"""Ranking, threshold and calibration metrics on score and label arrays."""

import numpy as np


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve, ties at half (Mann and Whitney)."""
    positives = labels >= 0.5
    count, rest = int(positives.sum()), int((~positives).sum())
    if not count or not rest:
        return float("nan")
    _, inverse, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(sizes) - (sizes - 1) / 2
    return float((ranks[inverse][positives].sum() - count * (count + 1) / 2) / (count * rest))


def average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the precision-recall curve by steps, ties taken together."""
    positives = (labels >= 0.5).astype(float)
    if not positives.sum():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits, sorted_scores = np.cumsum(positives[order]), scores[order]
    last = np.append(np.flatnonzero(np.diff(sorted_scores)), len(scores) - 1)
    precision, recall = hits[last] / (last + 1), hits[last] / hits[-1]
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def threshold_at(negatives: np.ndarray, rate: float) -> float:
    """The lowest threshold that at most a share `rate` of the negatives reaches."""
    if not len(negatives):
        return float("nan")
    allowed = int(np.floor(rate * len(negatives)))
    ordered = np.sort(negatives)[::-1]
    return float(np.nextafter(ordered[min(allowed, len(ordered) - 1)], np.inf))


def share_at(scores: np.ndarray, threshold: float) -> float:
    """Share of the scores that reach the threshold; NaN without scores."""
    return float((scores >= threshold).mean()) if len(scores) else float("nan")


def recall_at(scores: np.ndarray, labels: np.ndarray, threshold: float) -> float:
    """Share of the positives that reach the threshold."""
    return share_at(scores[labels >= 0.5], threshold)


def fit_platt(logits: np.ndarray, labels: np.ndarray, rounds: int = 50) -> tuple[float, float]:
    """Slope and intercept of the logistic curve of greatest likelihood (Platt 1999, with his soft targets)."""
    positive = labels >= 0.5
    up, down = positive.sum(), (~positive).sum()
    if not up or not down:
        return 1.0, 0.0
    target = np.where(positive, (up + 1) / (up + 2), 1 / (down + 2))
    design = np.stack([logits, np.ones_like(logits)], 1)
    guess = np.array([1.0, 0.0])
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(design @ guess, -35, 35)))
        gradient = design.T @ (chance - target) + 1e-6 * guess
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        guess = guess - step
        if np.abs(step).max() < 1e-9:
            break
    return float(guess[0]), float(guess[1])


def calibration_error(chances: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error over bins of equal count; NaN without rows."""
    if not len(chances):
        return float("nan")
    order = np.argsort(chances, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    return float(sum(abs(chances[part].mean() - (labels[part] >= 0.5).mean()) * len(part) for part in parts) / len(order))
