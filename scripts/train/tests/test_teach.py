import torch

from train import teach
from train.batches import collate
from train.heads import HEADS, SPEECH


class Teacher:
    def __call__(self, ids, _):
        return ids[:, :1].float().expand(-1, len(HEADS)), None


def test_twins_are_taught_the_same_of_how_they_speak():
    batch = collate([([1], {}), ([2], {}), ([3], {})], twins=[(0, 2)])
    chances = teach._chances([Teacher()], batch, halved=False)
    alone = torch.tensor([1.0, 2.0, 3.0]).sigmoid()
    speech, other = chances[:, : len(SPEECH)], chances[:, len(SPEECH) :]
    assert torch.allclose(other, alone[:, None].expand_as(other))
    both = (alone[0] + alone[2]) / 2
    assert torch.allclose(speech, torch.stack([both, alone[1], both])[:, None].expand_as(speech))
