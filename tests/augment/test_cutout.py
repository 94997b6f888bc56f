import torch
from assay.augment.cutout import cutout
from assay.augment.draw import Draw

IDS = torch.arange(500)


def blanked(share, side=8, inside=False):
    images = torch.ones(500, 3, side, side)
    out, _ = cutout(images, torch.ones(500, 1), Draw(0, 0, IDS), share=share, fill=0.25, inside=inside)
    assert set(out.unique().tolist()) <= {0.25, 1.0}
    assert torch.equal(out[:, 0], out[:, 2]), "all channels lose the same pixels"
    return out[:, 0] == 0.25


def test_each_image_loses_one_square_that_may_be_cut_by_the_border():
    hidden = blanked(0.5)
    rows, columns = hidden.any(2).sum(1), hidden.any(1).sum(1)
    assert torch.equal(hidden.sum((1, 2)), rows * columns), "a rectangle"
    assert set(rows.tolist()) == {2, 3, 4}  # centres are uniform, so at most half of the square is outside
    centred = (rows == 4) & (columns == 4)
    assert 0.25 < centred.float().mean() < 0.55  # (5 of 8 places)^2 = 0.39


def test_expected_share_of_hidden_pixels():
    # The same share on each axis: the mean over centres of the part that stays inside, here 5 x 4 + 2 + 3 + 3 of 64.
    per_axis = (5 * 4 + 2 + 3 + 3) / 64
    assert abs(blanked(0.5).float().mean() - per_axis**2) < 0.01


def test_neighbours_do_not_matter():
    images = torch.rand(500, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    options = {"share": 0.4, "fill": 0.0, "inside": False}
    whole = cutout(images, images, Draw(1, 2, IDS), **options)[0]
    assert torch.equal(cutout(images[9:11], images[9:11], Draw(1, 2, IDS[9:11]), **options)[0], whole[9:11])


def test_inside_hides_the_whole_square_at_every_place_it_fits():
    hidden = blanked(0.375, side=8, inside=True)  # three pixels of eight, so six places on each axis
    assert set(hidden.sum((1, 2)).tolist()) == {9}
    first = hidden.any(2).float().argmax(1)
    assert set(first.tolist()) == set(range(6))
    assert torch.bincount(first).min() > 50  # of 500, 83 on average
    assert blanked(1.0, inside=True).all()
