"""Contrast of windows, by sample and by feature, against loops in NumPy."""

import math

import numpy as np
import pytest
import torch
from assay.distill.contract import Output
from assay.distill.multi_scale_contrast import MultiScaleContrast, by_feature, by_sample, windows
from assay.errors import MethodError
from scipy.special import log_softmax


def array(tensor):
    return tensor.detach().double().numpy()


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def test_windows_slide_by_half_their_side():
    maps = torch.arange(16.0).view(1, 1, 4, 4)
    assert windows(maps, 1).tolist() == [[[7.5]]]
    # Three by three windows of two places a side: the first holds 0, 1, 4 and 5.
    assert windows(maps, 2)[0, :, 0].tolist() == [2.5, 3.5, 4.5, 6.5, 7.5, 8.5, 10.5, 11.5, 12.5]
    assert windows(maps, 4)[0, :, 0].tolist() == list(range(16))


def test_by_sample_is_its_equation(numbers):
    own, its = (torch.randn(3, 4, 5, generator=numbers) for _ in range(2))
    total = []
    for b in range(3):
        for r in range(4):
            others = [array(its[c, s]) for c in range(3) for s in range(4) if c != b]
            close = np.array([cosine(array(own[b, r]), other) for other in [array(its[b, r]), *others]]) / 0.2
            total.append(-log_softmax(close)[0])
    assert by_sample(own, its, 0.2).item() == pytest.approx(np.mean(total), rel=1e-4)


def test_by_feature_is_its_equation(numbers):
    own, its = (torch.randn(3, 4, 5, generator=numbers) for _ in range(2))
    mine, theirs = (array(each).reshape(12, 5) for each in (own, its))
    total = [-log_softmax(np.array([cosine(mine[:, d], theirs[:, e]) for e in range(5)]) / 0.2)[d] for d in range(5)]
    assert by_feature(own, its, 0.2).item() == pytest.approx(np.mean(total), rel=1e-4)


def test_samples_at_right_angles_have_a_closed_form():
    """Two images with a window each: `log(1 + e^(-1/T))` if they agree, `log(1 + e^(1/T))` if they are swapped."""
    its = torch.eye(2)[:, None, :]
    assert by_sample(its, its, 0.5).item() == pytest.approx(math.log(1 + math.exp(-2)), rel=1e-5)
    assert by_sample(its.flip(0), its, 0.5).item() == pytest.approx(math.log(1 + math.exp(2)), rel=1e-5)


def prepared(**options):
    from assay.distill.contract import Setting

    method = MultiScaleContrast(**{"weight": 2.0, "scales": [1, 2], "temperature": 0.2} | options)
    method.prepare(Setting(None, [], None, [(6, 4, 4)], [(9, 4, 4)], None, None, None))
    return method


def test_the_whole_is_the_mean_over_scales_beside_the_loss(pair, batch):
    (student, teacher), given = pair(), batch()
    method = prepared()
    own = method.project(student.maps[-1])
    terms = 0
    for scale in (1, 2):
        each = windows(own, scale), windows(teacher.maps[-1], scale)
        terms = terms + by_sample(*each, 0.2) + by_feature(*each, 0.2)
    made = method(student, teacher, given)
    assert made.item() == pytest.approx((given.loss.mean() + 2.0 * terms / 2).item(), rel=1e-5)
    made.backward()
    assert method.project.weight.grad.abs().sum() > 0


def test_a_larger_map_is_averaged_to_the_size_of_the_smaller(pair, batch):
    (student, teacher), given = pair(), batch()
    method = prepared()
    large = Output(None, None, [torch.nn.functional.interpolate(student.maps[-1], scale_factor=2)])
    assert method(large, teacher, given).item() == pytest.approx(method(student, teacher, given).item(), rel=1e-5)


@pytest.mark.parametrize(("scales", "words"), [([], "1 or more"), ([0, 1], "1 or more"), ([1, 5], "4 places wide")])
def test_scales_that_do_not_fit_are_refused(scales, words):
    with pytest.raises(MethodError, match=words):
        prepared(scales=scales)
