import torch
from assay.augment.draw import Draw
from assay.augment.mixup import mixup

IDS = torch.arange(256)
# Pixel and target of image i are both the unit vector i, so a mixed image names its partner and its weight.
UNIT = torch.eye(256)


def mixed(alpha, epoch=0):
    images, targets = mixup(UNIT[:, :, None, None], UNIT, Draw(0, epoch, IDS), alpha=alpha)
    assert torch.equal(images[:, :, 0, 0], targets), "images and targets must share partner and weight"
    return targets


def test_each_result_is_a_convex_pair_with_itself():
    targets = mixed(1.0)
    torch.testing.assert_close(targets.sum(1), torch.ones(256))
    assert (targets >= 0).all()
    assert ((targets > 0).sum(1) <= 2).all()
    own = targets.diagonal()
    partners = (targets - torch.diag(own)).argmax(1)[own < 1]
    assert len(partners.unique()) == len(partners), "partners are a permutation"
    assert abs(own.mean() - 0.5) < 0.06  # Beta(1, 1) has mean 1/2


def test_small_alpha_is_the_limit_of_no_mixing():
    targets = mixed(1e-4)
    assert ((targets > 0.999).sum(1) == 1).float().mean() > 0.99


def test_large_alpha_is_the_limit_of_even_mixing():
    own = mixed(1e4).diagonal()
    assert ((own - 0.5).abs() < 0.03).float().mean() > 0.95


def test_weights_do_not_depend_on_neighbours():
    whole = mixed(0.7).diagonal()
    some = torch.arange(10, 20)
    part, _ = mixup(UNIT[some][:, :, None, None], UNIT[some], Draw(0, 0, IDS[some]), alpha=0.7)
    own = part[torch.arange(10), some, 0, 0]
    moved = own < 1  # an image that is its own partner shows no weight
    in_whole = whole[some] < 1
    torch.testing.assert_close(own[moved & in_whole], whole[some][moved & in_whole])
    assert (moved & in_whole).any()
