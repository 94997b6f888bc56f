"""Warning signs that gradients are masked, so that attacks fail and not the model resists.

Athalye, Carlini & Wagner 2018, arXiv:1802.00420, section 3.1, and Carlini et al. 2019, arXiv:1902.06705, section 4.
"""

from __future__ import annotations

from assay.evaluate.adversarial.budget import budget
from assay.evaluate.result import UndefinedError

#: attack -> budget -> robust accuracy
Accuracies = dict[str, dict[str, float]]


def random_beats_gradient(found: Accuracies) -> float:
    """1 if random noise misleads more often than PGD within some budget, else 0."""
    return _any(found, "noise", "pgd")


def single_step_beats_many(found: Accuracies) -> float:
    """1 if FGSM misleads more often than PGD within some budget, else 0."""
    return _any(found, "fgsm", "pgd")


def larger_budget_is_weaker(found: Accuracies) -> float:
    """1 if PGD misleads less often within a larger budget of the same norm, else 0."""
    pairs = 0
    balls = {text: budget(text) for text in found.get("pgd", {})}
    for small, one in balls.items():
        for large, other in balls.items():
            if one.norm == other.norm and one.size < other.size:
                pairs += 1
                if found["pgd"][large] > found["pgd"][small]:
                    return 1.0
    if not pairs:
        raise UndefinedError("PGD was not run with two budgets of one norm")
    return 0.0


def unbounded_fails(found: Accuracies) -> float:
    """1 if PGD without a bound (linf-1) leaves an image predicted rightly, else 0."""
    balls = {text: budget(text) for text in found.get("pgd", {})}
    left = [found["pgd"][text] for text, ball in balls.items() if ball.norm == "linf" and ball.size >= 1]
    if not left:
        raise UndefinedError("PGD was not run with the budget linf-1")
    return float(max(left) > 0)


SIGNS = {
    "random": random_beats_gradient,
    "single-step": single_step_beats_many,
    "larger-budget": larger_budget_is_weaker,
    "unbounded": unbounded_fails,
}


def _any(found: Accuracies, weaker: str, stronger: str) -> float:
    shared = [text for text in found.get(weaker, {}) if text in found.get(stronger, {})]
    if not shared:
        raise UndefinedError(f"{weaker} and {stronger} were not both run within one budget")
    return float(any(found[weaker][text] < found[stronger][text] for text in shared))
