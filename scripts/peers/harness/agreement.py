"""How close a runtime's outputs come to f32."""

import numpy as np

from . import model as models


def reference(model: models.Model, sequences: list[list[int]]) -> dict[str, np.ndarray]:
    """Logits and pooled outputs of the checkpoint in f32."""
    logits, pooled = zip(*(models.forward(model, ids) for ids in sequences), strict=True)
    return {"logits": np.array(logits), "pooled": np.array(pooled)}


def compare(found: dict[str, list], wanted: dict[str, np.ndarray]) -> dict[str, float]:
    """Cosines of the pooled outputs, and how far the scores, the sigmoid of the logits, are off."""
    left, right = np.array(found["pooled"], np.float64), wanted["pooled"].astype(np.float64)
    cosines = (left * right).sum(1) / (np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1))
    scores = [1 / (1 + np.exp(-np.array(logits, np.float64))) for logits in (found["logits"], wanted["logits"])]
    off = np.abs(scores[0] - scores[1])
    return {"cosine_mean": float(cosines.mean()), "cosine_min": float(cosines.min()),
            "score_error_mean": float(off.mean()), "score_error_max": float(off.max())}
