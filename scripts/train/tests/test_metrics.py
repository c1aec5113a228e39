"""Metrics against counts by hand."""

import numpy as np

from train import metrics
from train.evaluate import budgeted_thresholds


def test_auc_counts_ties_as_half():
    assert metrics.auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([0, 0, 1, 1])) == 0.875


def test_average_precision_of_a_perfect_order_is_one():
    assert metrics.average_precision(np.array([3.0, 2.0, 1.0]), np.array([1, 1, 0])) == 1.0


def test_threshold_lets_at_most_the_rate_through():
    negatives = np.arange(1000.0)
    threshold = metrics.threshold_at(negatives, 0.01)
    assert (negatives >= threshold).mean() <= 0.01


def test_platt_recovers_a_logistic_curve():
    draw = np.random.default_rng(1)
    logits = draw.normal(size=20000) * 2
    labels = (draw.random(20000) < 1 / (1 + np.exp(-(1.5 * logits - 1)))).astype(float)
    slope, intercept = metrics.fit_platt(logits, labels)
    assert abs(slope - 1.5) < 0.1 and abs(intercept + 1) < 0.1


def test_heads_share_one_budget():
    logits = np.random.default_rng(2).normal(size=(4000, 10)).astype(np.float32)
    thresholds = budgeted_thresholds(logits, ["chat"] * 2000 + ["code"] * 2000, 0.01)
    flagged = (logits >= thresholds).any(1).mean()
    assert 0.006 < flagged <= 0.01
