import torch

from train import average, checkpoint, optimize
from train.model import Guard, Shape, as_int8, shrink
from train.teacher import buckets


def state(shape: Shape) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in Guard(shape, seed=3).trunk.state_dict().items()}


def test_a_lower_trunk_takes_every_other_layer():
    tall = state(Shape())
    low = dict(tall)
    shrink(Shape(layers=3), low)
    name = "encoder.layer.{}.output.dense.weight"
    assert torch.equal(low[name.format(1)], tall[name.format(2)])
    assert torch.equal(low[name.format(2)], tall[name.format(4)])
    assert name.format(3) not in low


def test_narrow_word_rows_keep_what_a_projection_can():
    words = torch.randn(30522, 8) @ torch.randn(8, 384)
    found = {"embeddings.word_embeddings.weight": words.clone(), "encoder.layer.0.x": torch.zeros(1)}
    shrink(Shape(layers=1, rank=8), found)
    again = found["embeddings.word_embeddings.weight"] @ found["embeddings.projection.weight"].T
    assert again.shape == words.shape
    assert (again - words).abs().max() < 1e-3


def test_each_exit_judges_the_states_after_its_layer():
    guard = Guard(Shape(layers=3, exits=(1,)), seed=1).eval()
    ids, mask = torch.randint(0, 30522, (2, 8)), torch.ones(2, 8, dtype=torch.bool)
    early, last = guard.every_exit(ids, mask)
    assert torch.allclose(last, guard(ids, mask)[0])
    assert torch.allclose(early, guard.exits["1"](guard.trunk(ids, mask)[0], mask)[0])


def test_named_layers_learn_alone():
    guard = Guard(Shape(layers=3, exits=(1,)))
    optimize.freeze(guard, 0, [1])
    learned = {name for name, part in guard.named_parameters() if part.requires_grad}
    assert learned and all(name.startswith("trunk.encoder.layer.1.") for name in learned)


def test_distances_fall_into_the_published_buckets():
    found = buckets(200, torch.device("cpu"))
    # Behind the query 0..15, ahead of it 16..31; exact up to 7, then by the logarithm.
    assert found[5, 5] == 0 and found[5, 2] == 3 and found[2, 5] == 19
    assert found[8, 0] == 8 and found[199, 0] == 15 and found[0, 199] == 31


def test_a_linear_as_int8_is_close_and_learns():
    torch.manual_seed(3)
    linear = torch.nn.Linear(64, 32)
    x = torch.randn(5, 64)
    exact, rounded = linear(x), as_int8(linear, x)
    assert 0 < (exact - rounded).abs().max() < 0.05
    rounded.sum().backward()
    assert torch.allclose(linear.weight.grad, x.sum(0).expand(32, 64), atol=0.1)


def test_the_average_of_a_model_and_itself_is_the_model(tmp_path):
    guard = Guard(Shape(layers=1), seed=5)
    checkpoint.save_weights(tmp_path / "a.pt", guard.shape, guard.state_dict())
    shape, mean = average.average([average.named(f"{tmp_path / 'a.pt'}:3"), average.named(str(tmp_path / "a.pt"))])
    assert shape == guard.shape
    assert all(torch.equal(mean[name].half(), tensor.half()) for name, tensor in guard.state_dict().items())
