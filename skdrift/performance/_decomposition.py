"""Which part of a change of the score is which shift: the answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from scipy import special

from skdrift._core.shown_score import shown_pair

LEVEL = 0.95
MEANINGS = {
    "covariate": "known x, but more of the hard (or easy) ones",
    "concept": "P(y|X) is not that of training, on the shared x",
    "new_x": "x of which training has few rows or none",
    "prior": "the classes come in other shares",
    "class_conditional": "P(X|y) is not that of training",
}
ASSUMPTIONS = {
    "support": (
        "the expected losses are learned from out-of-fold rows; where the batch lies "
        "at the edge of training, an error of theirs counts as concept drift"
    ),
    "density": (
        "the shared x are weighted by a classifier of training against batch; what it "
        "does not tell apart counts as shared"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTerm:
    """A part of the change of a score.

    Attributes
    ----------
    name : str
    value : float
        In units of the score: below 0 where it costs score. NaN with a `reason` where
        it cannot be had.
    low, high : float
        Interval; NaN with a `reason` where there is none.
    share : float
        `value` over the whole change; NaN where that is 0. Shares of parts of both
        signs lie outside of [0, 1].
    reason : str
    """

    name: str
    value: float
    low: float
    high: float
    share: float = float("nan")
    reason: str = ""

    @property
    def is_certain(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0.0 or self.high < 0.0


class ScoreTerms(tuple[ScoreTerm, ...]):
    """Terms of one change, which print as a table."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(_lines(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSegment:
    """Rows on which the losses moved more than elsewhere.

    Attributes
    ----------
    rule : str
        Columns and values, joined by "and".
    n_rows : int
        Rows of the batch that the rule holds for.
    realised, expected : float
        Mean loss of the held-out rows among them, and the one that P(y|X) of training
        gives them; larger = worse.
    loss : str
        What it is the mean of.
    pvalue : float
        Of "the loss is as expected, or rose there as elsewhere", on held-out rows.
    """

    rule: str
    n_rows: int
    realised: float
    expected: float
    loss: str
    pvalue: float

    def __str__(self) -> str:
        return (
            f"{self.rule}: {self.loss} {self.realised:.4g} instead of "
            f"{self.expected:.4g} ({self.n_rows:,} rows)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelShiftTerms:
    """The rival factorisation: P(y) changed, and P(X|y) beside it.

    Attributes
    ----------
    prior : ScoreTerm
        Change of the score if the classes come in the shares of the batch, and rows
        of each class are answered as in cross-validation.
    class_conditional : ScoreTerm
        The rest.
    supported : bool
        Whether label shift explains the batch, and a change of P(X) does not: all
        three tests below agree.
    pvalue_same_prior : float
        Of "the classes come in the shares of training".
    pvalue_same_conditional : float
        Of "P(y|X) is that of training".
    pvalue_label_shift : float
        Of "P(X|y) is that of training".
    reason : str
        Why `supported` could not be tested; empty otherwise.
    """

    prior: ScoreTerm
    class_conditional: ScoreTerm
    supported: bool
    pvalue_same_prior: float
    pvalue_same_conditional: float
    pvalue_label_shift: float
    reason: str = ""

    @property
    def terms(self) -> tuple[ScoreTerm, ...]:
        """Both terms."""
        return ScoreTerms((self.prior, self.class_conditional))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDecomposition:
    """What a change of the score is made of.

    Attributes
    ----------
    scorer : str
        Its values are "greater is better", as in scikit-learn.
    promised : float
        Out-of-fold score of training.
    realised : float
        Score of the batch.
    change : ScoreTerm
        ``realised - promised``, the sum of the terms.
    covariate : ScoreTerm
        x that training has, but more of the hard ones (or fewer).
    concept : ScoreTerm
        P(y|X) changed, on the shared x.
    new_x : ScoreTerm
        What rows where training has few or none add.
    region : {"support", "density"}
        What "shared" means. ``"support"``: rows of the batch with no number outside
        the range of training and no unseen category; expected losses come from
        learned models. ``"density"``: x by how much of both training and batch is
        there, which takes `keep_reference`.
    level : float
        Coverage of the intervals.
    n_rows : int
        Rows of the batch with a label.
    n_unlabelled : int
        Rows that were left out since their label is missing.
    share_outside : float
        Share of the rows with a number outside the training range or a category that
        training never had.
    effective_sample_size : float
        Rows that the shared region rests on: of the batch, or with stored rows the
        smaller of those of the batch and of training.
    rival : LabelShiftTerms or None
        The same change by label shift, for classifiers.
    segment : DriftSegment or None
        Where P(y|X) moved most; None where no segment is certain.
    assumption : str
    notes : tuple of str
    """

    scorer: str
    promised: float
    realised: float
    change: ScoreTerm
    covariate: ScoreTerm
    concept: ScoreTerm
    new_x: ScoreTerm
    region: Literal["support", "density"]
    n_rows: int
    n_unlabelled: int
    share_outside: float
    effective_sample_size: float
    rival: LabelShiftTerms | None = None
    segment: DriftSegment | None = None
    level: float = LEVEL
    assumption: str = ""
    notes: tuple[str, ...] = ()

    @property
    def terms(self) -> tuple[ScoreTerm, ...]:
        """Covariate, concept and new x; ``print(result.terms)`` is a table."""
        return ScoreTerms((self.covariate, self.concept, self.new_x))

    def __str__(self) -> str:
        shown = shown_pair(self.scorer, self.promised, self.realised)
        change = self.change
        lines = [
            f"{shown.name}: {shown.value:.4g} promised, {shown.realised:.4g} realised "
            f"on {self.n_rows:,} rows",
            f"  change of {self.scorer}: {change.value:+.4g} "
            f"{_interval(change)}".rstrip(),
            *(f"  {line}" for line in _lines(self.terms)),
        ]
        if self.segment is not None:
            lines.append(f"Where: {self.segment}.")
        if self.rival is not None and self.rival.supported:
            lines.append(
                "Label shift is the better account: P(y) changed, P(X|y) did not."
            )
            lines += [f"  {line}" for line in _lines(self.rival.terms)]
        lines.append(f"Assumption: {self.assumption}.")
        return "\n".join([*lines, *(f"Note: {note}." for note in self.notes)])

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain numbers, texts and lists; None for what is not known."""
        found: dict[str, Any] = _plain(asdict(self))
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(own) for name, own in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(own) for own in value]
    if isinstance(value, float):
        return float(value) if np.isfinite(value) else None
    return value


def _interval(term: ScoreTerm) -> str:
    if not np.isfinite([term.low, term.high]).all():
        return ""
    return f"[{term.low:+.4g}, {term.high:+.4g}]"


def _lines(terms: Iterable[ScoreTerm]) -> list[str]:
    lines = []
    for term in terms:
        share = "" if np.isnan(term.share) else f"{round(100 * term.share)} %"
        value = term.reason if np.isnan(term.value) else f"{term.value:+.4g}"
        lines.append(
            f"{term.name:<17} {value:>10} {_interval(term):<24} {share:>6}  "
            f"{MEANINGS.get(term.name, '')}".rstrip()
        )
    return lines


def term_of(
    name: str,
    value: float,
    change: float,
    *,
    chance: float,
    freedom: float,
    halves: np.ndarray | None = None,
    unlearned: float = 0.0,
    reason: str = "",
) -> ScoreTerm:
    """A term with the interval that its errors give.

    Parameters
    ----------
    name : str
    value, change : float
        The term, and the whole change.
    chance : float
        Variance by the rows, estimated with so many degrees of `freedom`.
    halves : ndarray of float of shape (8,) or None
        What models of half the rows say, in complementary pairs: they vary about
        their mean as models of all rows do, with four degrees of freedom.
    unlearned : float
        Standard error for what the models do not follow.
    reason : str
        Why there is no interval; empty if there is one.
    """
    share = value / change if change else float("nan")
    model = 0.0
    if halves is not None:
        model = float(np.mean((halves - halves.mean()) ** 2))
    total = chance + model + unlearned**2
    if reason or not np.isfinite([value, total]).all():
        nothing = float("nan")
        why = reason or "the rows give no finite variance"
        return ScoreTerm(
            name=name, value=value, low=nothing, high=nothing, share=share, reason=why
        )
    width = np.sqrt(total) * student(chance, freedom, model, total)
    return ScoreTerm(
        name=name,
        value=value,
        low=float(value - width),
        high=float(value + width),
        share=share,
    )


def student(chance: float, freedom: float, model: float, total: float) -> float:
    """Student's quantile, by the degrees of freedom of a sum of variances."""
    parts = chance**2 / max(freedom, 1.0) + model**2 / 4.0
    own = min(total**2 / parts, 1e6) if parts > 0 else 1e6
    return float(special.stdtrit(own, 0.5 + LEVEL / 2))


def tail_of(value: float, chance: float, freedom: float, model: float) -> float:
    """Two-sided p-value of a value whose variance is such a sum; 1 where unknown."""
    total = chance + model
    if not np.isfinite([value, total]).all():
        return 1.0
    if not total > 0:
        return 0.0 if value else 1.0
    parts = chance**2 / max(freedom, 1.0) + model**2 / 4.0
    own = min(total**2 / parts, 1e6)
    return float(2.0 * special.stdtr(own, -abs(value) / np.sqrt(total)))
