"""The packed layout and the int8 numbers in it."""

import numpy as np
import pytest

from train import layout, quantize


def test_packing_places_four_inputs_of_sixteen_channels():
    q = np.arange(32 * 8, dtype=np.int64).reshape(32, 8).astype(np.int8)
    packed = layout.pack(q)
    assert packed.shape == (2, 2, 16, 4)
    for p, g, c, j in ((0, 0, 0, 0), (1, 1, 15, 3), (1, 0, 7, 2), (0, 1, 3, 1)):
        assert packed[p, g, c, j] == q[16 * p + c, 4 * g + j]
    assert (layout.unpack(packed) == q).all()


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="multiple"):
        layout.pack(np.zeros((15, 8), np.int8))


def test_files_are_aligned_and_read_back(tmp_path):
    tensors = {"odd.small": np.ones(3, np.float32), "odd.large": np.ones(33, np.float32),
               "q": np.ones((16, 4, 16, 4), np.int8), "s": np.ones(16, np.float32)}
    path = tmp_path / "x.safetensors"
    layout.write(path, tensors, {"format": "test"})
    found, metadata, offsets = layout.read(path)
    assert metadata == {"format": "test"} and found.keys() == tensors.keys()
    assert all((found[name] == tensors[name]).all() for name in tensors)
    assert [offsets[name] % 64 for name in ("q", "s", "odd.large")] == [0, 0, 0]


def test_rows_quantize_within_half_a_step():
    matrix = np.random.default_rng(0).normal(size=(16, 64))
    q, scale = quantize.quantize_rows(matrix)
    assert q.min() >= -127 and q.dtype == np.int8
    error = np.abs(q * scale[:, None] - matrix)
    inside = np.abs(matrix) <= 127 * scale[:, None]
    assert (error <= scale[:, None] / 2 + 1e-6)[inside].all()
    assert (error**2).mean() < (matrix**2).mean() * 1e-3


def test_rounding_together_beats_rounding_alone():
    draw = np.random.default_rng(3)
    inputs = draw.normal(size=(500, 32)) @ draw.normal(size=(32, 64)) + draw.normal(size=(500, 64)) * 0.1
    matrix = draw.normal(size=(16, 64))
    moments = inputs.T @ inputs / len(inputs)
    scale = (np.abs(matrix).max(1) / 32).astype(np.float32)
    alone = np.rint(matrix / scale[:, None])
    together = quantize.round_together(matrix, scale.astype(np.float64), moments)
    errors = [np.square(inputs @ (q * scale[:, None] - matrix).T).mean() for q in (alone, together)]
    assert errors[1] < errors[0] * 0.5


def test_linears_keep_the_bound_and_stay_close():
    draw = np.random.default_rng(4)
    inputs = draw.normal(size=(400, 60)) * draw.uniform(0.1, 3, size=60)
    matrix, moments = draw.standard_t(3, size=(24, 60)), inputs.T @ inputs / len(inputs)
    q, scale = quantize.quantize_linear(matrix, moments)
    for quad in range(quantize.quads(60).max() + 1):
        codes = q[:, quantize.quads(60) == quad].astype(int)
        assert np.maximum(codes, 0).sum(1).max() <= 128 and np.minimum(codes, 0).sum(1).min() >= -128
    wanted = inputs @ matrix.T
    assert np.square(inputs @ (q * scale[:, None]).T - wanted).mean() < 1e-3 * np.square(wanted).mean()


def test_input_scales_even_out_large_inputs():
    sizes = np.array([1.0, 1.0, 10.0, 0.0])
    even = quantize.input_scales("layers.0.ffn_input", np.diag(sizes**2))
    assert np.isfinite(even).all() and (even > 0).all() and even[2] < even[0] == even[1] < even[3]
    assert (quantize.input_scales("layers.0.ffn_output", np.diag(sizes**2)) == 1).all()
