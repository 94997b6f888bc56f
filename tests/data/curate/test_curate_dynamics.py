"""Curators that read the dynamics of a training, on dynamics of a few epochs that can be counted by hand."""

import numpy as np
import pytest
from assay.data.curate.forgetting import events
from assay.errors import MethodError

NAN = float("nan")


def test_forgetting_events_by_hand():
    correct = np.array([[1, 1, 0, 1, 0], [0, 1, 0, 0, 1], [1, 1, 0, 1, 0], [0, 1, 0, 0, 1]], bool)
    assert events(correct, np.ones((4, 5))).tolist() == [2, 0, np.inf, 2, 1]
    # The third image drawn for the first time in the last epoch; the first not drawn where it would be forgotten.
    drawn = np.array([[1, 1, NAN, 1, 1], [NAN, 1, NAN, 1, 1], [1, 1, NAN, 1, 1], [1, 1, 1, 1, 1]])
    assert events(correct, drawn).tolist() == [1, 0, np.inf, 2, 1]


def test_what_is_learnt_for_good_goes_first(curate, view):
    #          never right, forgotten twice, once, never
    margin = [[-1, 1, 1, 1], [-1, -1, 1, 1], [-1, 1, -1, 1], [-1, -1, 1, 1]]
    for keep, expected in ((1, [0]), (0.5, [0, 1]), (3, [0, 1, 2])):
        # A whole number up to 1 is a share: 1 keeps all.
        assert curate("forgetting", view([0] * 4, margin=margin), keep=keep) == (
            expected if keep != 1 else [0, 1, 2, 3]
        )


def test_area_under_the_margin_by_hand(curate, view):
    margin = [[-2, 4, 1, 0.5], [1, -3, -1, NAN], [0, 1, 1, NAN]]  # means -1/3, 2/3, 1/3, 1/2
    assert curate("aum", view([0] * 4, margin=margin)) == [1, 2, 3]
    assert curate("aum", view([0] * 4, margin=margin), above=0.4) == [1, 3]
    assert curate("aum", view([0] * 4, margin=margin), keep=0.25) == [1]
    undrawn = [[1, NAN], [1, NAN]]
    assert curate("aum", view([0] * 2, margin=undrawn), above=-5.0) == [0]


def test_el2n_by_hand(curate, view):
    error = [[0.1, 0.4, 0.9, 0.6], [0.3, 0.2, 0.8, 0.4], [1.4, 0, 0, 0]]
    margin = np.ones((3, 4))
    made = view([0] * 4, margin=margin, error=error)
    assert curate("el2n", made, keep=0.5, epochs=2) == [2, 3]  # 0.2, 0.3, 0.85, 0.5
    assert curate("el2n", made, keep=0.25, epochs=3) == [0]  # 0.6, 0.2, 0.57, 0.33
    assert curate("el2n", made, keep=0.5, epochs=2, offset=0.25) == [1, 3]
    with pytest.raises(MethodError, match="first 10 epochs"):
        curate("el2n", made, keep=0.5)
    with pytest.raises(MethodError, match="are more than 4"):
        curate("el2n", made, keep=0.75, epochs=2, offset=0.5)


@pytest.mark.parametrize(("name", "options"), [("aum", {}), ("forgetting", {"keep": 0.5}), ("el2n", {"keep": 0.5})])
def test_without_dynamics_it_is_said(curate, view, name, options):
    with pytest.raises(MethodError, match="name an `arm`"):
        curate(name, view([0, 0]), **options)
