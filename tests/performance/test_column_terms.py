"""Terms of single columns: right by code, only where a batch moved, not of blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import special
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import get_scorer

from skdrift import DriftAwareEstimator
from skdrift._core.frame import read_table
from skdrift.performance import _decomposing
from skdrift.performance._answered_batch import answered_batch
from skdrift.performance._batch_shift import BatchShift
from skdrift.performance._column_terms import (
    beyond_chance,
    class_gains,
    code_counts,
    error_gains,
    fit_class_terms,
    fit_error_terms,
    inside_bounds,
    raised_errors,
    raised_shares,
    strongest_columns,
    sum_of_terms,
)
from skdrift.performance._corrections import corrected_models
from skdrift.performance._decomposed_rows import decomposed_rows, rows_with_labels
from skdrift.performance._density_terms import with_density
from skdrift.performance._estimating import expected_batch
from skdrift.performance._expected_rows import (
    expected_by_half,
    expected_rows,
    shift_of_columns,
)
from skdrift.performance._halves import halves_of
from skdrift.performance._known_answers import (
    AnsweredRows,
    _noise_of_rows,
    _value_by_rows,
    value_of_rows,
)
from skdrift.performance._loss_learning import learn_losses
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._output_codes import output_line, with_output
from skdrift.performance._row_codes import row_codes
from skdrift.performance._row_losses import errors_of, possible_errors
from skdrift.performance._score_forms import CLASS_FORMS
from skdrift.performance._shared_x import find_shared

N = 8_000


def codes_of(rng, n_columns=2, n=N):
    return rng.integers(0, 48, size=(n_columns, n)).astype(np.uint8)


def by_code(values, codes):
    counts = np.bincount(codes, minlength=48)
    return np.bincount(codes, values, 48) / counts


def classes(rng, k, n=N):
    """Shares that know nothing of the first column, on which the truth depends."""
    codes = codes_of(rng, n=n)
    line = rng.normal(size=(k, n))
    shares = special.softmax(line, axis=0)
    line[0] += 0.05 * (codes[0].astype(float) - 24)
    truth = special.softmax(line, axis=0)
    labels = (rng.random(n) > truth.cumsum(axis=0)).sum(axis=0)
    return codes, np.eye(k)[np.minimum(labels, k - 1)].T, shares, shares.argmax(axis=0)


@pytest.mark.parametrize("k", [2, 3])
def test_shares_with_terms_are_right_by_code(k):
    codes, right, shares, answers = classes(np.random.default_rng(k), k)
    terms = fit_class_terms(codes, right, shares, answers)
    assert terms.shape == (2, 48, k + 2)
    found = raised_shares(shares, sum_of_terms(codes, terms, np.ones(2)), answers)
    assert np.allclose(found.sum(axis=0), 1.0)
    at = answers, np.arange(N)
    of_first = right[0], shares[0], found[0]
    of_answer = right[at], shares[at], found[at]
    for real, before, after in (of_first, of_answer):
        lack = np.abs(by_code(real - before, codes[0])).mean()
        assert np.abs(by_code(real - after, codes[0])).mean() < 0.25 * lack


@pytest.mark.parametrize("k", [2, 3])
def test_odds_with_terms_are_as_sure_as_is_right_by_code(k):
    rng = np.random.default_rng(k)
    codes, line = codes_of(rng), rng.normal(size=(k, N))
    shares = special.softmax(line, axis=0)
    truth = special.softmax(line * (0.2 + 0.04 * codes[0]), axis=0)
    labels = (rng.random(N) > truth.cumsum(axis=0)).sum(axis=0)
    right = np.eye(k)[np.minimum(labels, k - 1)].T
    answers = rng.integers(k, size=N)  # which say nothing
    terms = fit_class_terms(codes, right, shares, answers)
    found = raised_shares(shares, sum_of_terms(codes, terms, np.ones(2)), answers)

    def lack(own):
        along = ((right - own) * np.log(shares)).sum(axis=0)
        return np.abs(by_code(along, codes[0])).mean()

    assert lack(found) < 0.4 * lack(shares)


def test_errors_with_terms_are_right_by_code():
    rng = np.random.default_rng(0)
    codes = codes_of(rng)
    size = np.exp(0.03 * codes[0])
    signed = 0.2 * codes[0] + size * rng.normal(size=N)
    errors = np.stack([np.abs(signed), signed**2, np.abs(signed) / 7.0, signed])
    expected = np.tile(errors.mean(axis=1)[:, None], N)
    terms = fit_error_terms(codes, errors, expected, 5.0)
    total = sum_of_terms(codes, terms, np.ones(2))
    found = raised_errors(expected, total, 5.0)
    assert (found[:3] >= 0).all()
    assert (found[1] >= found[0] ** 2).all()
    for real, before, after in zip(errors, expected, found, strict=True):
        lack = np.abs(by_code(real - before, codes[0])).mean()
        assert np.abs(by_code(real - after, codes[0])).mean() < 0.25 * lack


def test_weights_say_which_rows_have_to_be_right():
    rng = np.random.default_rng(1)
    codes, right, shares, answers = classes(rng, 2)
    one, weights = np.zeros((1, N), np.uint8), (codes[0] > 40).astype(float)
    terms = fit_class_terms(one, right, shares, answers, weights)
    found = raised_shares(shares, sum_of_terms(one, terms, np.ones(1)), answers)
    real, own = weights @ right[0], weights @ found[0]
    assert abs(real - own) < 0.2 * abs(real - weights @ shares[0])


def test_a_weight_of_two_is_a_row_twice():
    rng = np.random.default_rng(0)
    n = 300
    codes, right, shares, answers = classes(rng, 3, n)
    twice, weights = np.tile(np.arange(n), 2), np.full(n, 2.0)
    double = codes[:, twice], right[:, twice], shares[:, twice], answers[twice]
    found = fit_class_terms(codes, right, shares, answers, weights)
    assert np.allclose(found, fit_class_terms(*double))
    assert not np.allclose(found, fit_class_terms(codes, right, shares, answers))
    pairs = right[:2] / right[:2].sum(axis=0).clip(1), np.full((2, n), 0.5)
    of_two = fit_class_terms(codes, *pairs, answers % 2, weights)
    double = (own[:, twice] for own in (codes, *pairs))
    assert np.allclose(of_two, fit_class_terms(*double, answers[twice] % 2))
    errors = rng.exponential(size=(4, n))
    expected = np.ones((4, n))
    found = fit_error_terms(codes, errors, expected, 1.0, weights)
    double = codes[:, twice], errors[:, twice], expected[:, twice], 1.0
    assert np.allclose(found, fit_error_terms(*double))
    assert not np.allclose(found, fit_error_terms(codes, errors, expected, 1.0))


@pytest.mark.parametrize("k", [2, 3])
def test_of_no_rows_nothing_is_said(k):
    codes, none = np.zeros((1, 0), np.uint8), np.zeros(0)
    shares = np.zeros((k, 0))
    terms = fit_class_terms(codes, shares, shares, none.astype(int), none)
    assert terms.shape == (1, 48, k + 2)
    assert not terms.any()
    errors = np.zeros((4, 0))
    assert not fit_error_terms(codes, errors, errors, 1.0, none).any()


@pytest.mark.parametrize("n", [1, 30, 1_000])
def test_a_batch_of_training_has_moved_little(n):
    rng = np.random.default_rng(n)
    counts = code_counts(codes_of(rng, 1))
    found = [beyond_chance(codes_of(rng, 1, n), counts)[0] for _ in range(400)]
    assert min(found) >= 0.0
    assert np.mean(found) < 0.15


def test_a_moved_column_counts_and_a_constant_one_does_not():
    rng = np.random.default_rng(0)
    codes = np.vstack([codes_of(rng, 1), np.full((1, N), 7, np.uint8)])
    batch = np.vstack([codes[:1, :1_000] // 2, codes[1:, :1_000]])
    moved, constant = beyond_chance(batch, code_counts(codes))
    assert moved > 0.9
    assert constant == 0.0
    assert beyond_chance(codes[:0], code_counts(codes[:0])).shape == (0,)


def test_the_strongest_columns_come_first_and_constants_are_no_values():
    rng = np.random.default_rng(0)
    codes = codes_of(rng, 12)
    values = np.vstack([codes[7] + 0.5 * codes[3] + rng.normal(size=N), np.ones(N)])
    found = strongest_columns(codes, values)
    assert found[:2].tolist() == [7, 3]
    assert len(found) == 8


def test_gains_are_those_of_squares_and_of_the_deviance():
    rng = np.random.default_rng(0)
    codes, right, shares, answers = classes(rng, 3)
    terms = fit_class_terms(codes, right, shares, answers)
    other = classes(rng, 3)
    first, second = class_gains(*other, terms)
    assert first > 0 > second  # the second column says nothing, and was fitted to
    codes, right, shares, answers = other
    total = sum_of_terms(codes[:1], terms[:1], np.ones(1))
    raised = raised_shares(shares, total, answers)
    less = ((right - shares) ** 2).sum() - ((right - raised) ** 2).sum()
    assert first == pytest.approx(less)
    codes = classes(np.random.default_rng(0), 3)[0]
    errors = np.abs(rng.normal(size=(4, N)))
    errors[3] += 0.2 * codes[0]
    expected = np.tile(errors.mean(axis=1)[:, None], N)
    terms = fit_error_terms(codes, errors, expected, 1.0)
    fresh = np.abs(rng.normal(size=(4, N)))
    gains = error_gains(codes, fresh, expected, 1.0, terms)
    assert gains.shape == (2, 4)
    assert (gains[:, :3] < 0).all()
    total = sum_of_terms(codes[:1], terms[:1], np.ones(1))
    found = raised_errors(expected, total, 1.0)
    squares = (fresh[3] - expected[3]) ** 2 - (fresh[3] - found[3]) ** 2
    assert gains[0, 3] == pytest.approx(squares.sum())
    # Of Poisson's law: that of the share of a size, less the size itself.
    ratio = fresh[0] * np.log(found[0] / expected[0]) - found[0] + expected[0]
    assert gains[0, 0] == pytest.approx(ratio.sum())


@pytest.mark.parametrize("kind", ["classes", "values"])
def test_a_column_that_stands_for_the_block_is_left_out(kind):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 100)
    X = rng.normal(size=(3_000, 2))
    X[:, 1] = rng.normal(size=30)[groups]
    loud = np.exp(rng.normal(size=30))[groups]
    y = 2.0 * X[:, 0] + loud * rng.normal(size=3_000)
    model = LinearRegression()
    if kind == "classes":
        y, model = (y > 0).astype(int), LogisticRegression()
    single = DriftAwareEstimator(model, blocks=None).fit(X, y)
    whole = DriftAwareEstimator(model).fit(X, y, groups=groups)

    def largest(wrapped):
        losses = wrapped.baseline_.losses
        place = int(np.flatnonzero(losses.term_columns == 1)[0])
        return np.abs(losses.terms[:, place]).max()

    assert largest(single) > 0.1
    assert largest(whole) == 0.0


def bent(n, rng, shift=0.0):
    X = rng.normal(size=(n, 4))
    X[:, 0] += shift
    odds = X[:, 0] + 0.8 * np.maximum(X[:, 0], 0.0) ** 2 - 1.0 + X[:, 1]
    return X, (rng.random(n) < special.expit(odds)).astype(int)


def test_rows_alone_are_expected_as_among_the_batch():
    rng = np.random.default_rng(0)
    model = DriftAwareEstimator(LogisticRegression(), blocks=None).fit(
        *bent(3_000, rng)
    )
    X, _ = bent(800, rng, 1.0)
    known = model.baseline_
    batch = expected_batch(
        known.losses, known.reference, model.estimator_, X, read_table(X)
    )
    for rows in (np.arange(3), np.arange(400, 800)):
        part = batch.take(rows)
        assert np.allclose(part.rows.mean, batch.rows.mean[:, rows])


def test_kept_rows_are_held_against_the_model_of_the_batch():
    rng = np.random.default_rng(0)
    wrapped = DriftAwareEstimator(
        LogisticRegression(), blocks=None, keep_reference=1_000
    ).fit(*bent(3_000, rng))
    X, y = bent(800, rng, 1.0)
    models, kept = wrapped.baseline_.losses, wrapped.baseline_.reference_rows
    coded = row_codes(read_table(X), wrapped.baseline_.reference, models.positions)
    batch = answered_batch(models, wrapped.estimator_, X, coded.codes)
    known = rows_with_labels(batch, y, models, wrapped.estimator_)
    form, shift = CLASS_FORMS["accuracy"], shift_of_columns(models, batch.codes)
    args = known, batch.codes, batch.line, np.arange(len(y)), shift
    rows = decomposed_rows(form, models, *args)
    inside = ~coded.outside
    shared = find_shared(form, models, kept, rows, inside, models.positions, shift)
    assert shared.region == "density"
    stored = shared.stored
    for half, unseen in enumerate(stored.unseen):
        assert (unseen == ~kept.seen_by(half)).all()
    asked = models, stored.codes, output_line(stored.known), kept.answers
    own = expected_rows(*asked, shift, stored.unseen)
    models_, codes, line, answers = asked
    by_half = np.stack(
        [
            expected_by_half(models_, half, codes, line, answers, shift)[1]
            for half in range(8)
        ]
    )
    judged = stored.unseen[:, None]
    assert np.allclose(own.mean, (by_half * judged).sum(axis=0) / judged.sum(axis=0))
    assert (own.mean == stored.answers.mean).all()
    of_kept = shift_of_columns(models, stored.codes)
    assert (expected_rows(*asked, of_kept, stored.unseen).mean != own.mean).any()


def test_terms_of_many_moved_columns_do_not_draw_scores_to_even():
    rng = np.random.default_rng(0)

    def draw(n, shift=0.0):
        X = rng.normal(size=(n, 8)) + shift
        return X, (rng.random(n) < special.expit(0.5 * X.sum(axis=1))).astype(int)

    lacks = []
    for _ in range(6):
        wrapped = DriftAwareEstimator(LogisticRegression(), blocks=None)
        wrapped.fit(*draw(3_000))
        X, y = draw(4_000, 0.7)
        found = wrapped.estimate_score(X)
        real = [
            get_scorer(name)(wrapped.estimator_, X, y)
            for name in ("accuracy", "roc_auc")
        ]
        lacks.append([found["accuracy"].value, found["roc_auc"].value] - np.array(real))
    assert (np.abs(np.mean(lacks, axis=0)) < [0.01, 0.03]).all()


def crossed(n, rng, together=0.0):
    """Errors by the product of two columns, which `together` makes large."""
    X = rng.normal(size=(n, 3))
    X[:, 1] = together * X[:, 0] + np.sqrt(1.0 - together**2) * X[:, 1]
    return X, X[:, 0] * X[:, 1] + X[:, 2] + 0.3 * rng.normal(size=n)


def test_kept_rows_tell_of_columns_that_move_together():
    rng = np.random.default_rng(0)
    score, errors = "neg_mean_absolute_error", []
    for _ in range(6):
        train, (X, y) = crossed(3_000, rng), crossed(1_500, rng, together=0.8)
        found = []
        for keep in (None, 3_000):
            wrapped = DriftAwareEstimator(
                LinearRegression(), scoring=score, blocks=None, keep_reference=keep
            ).fit(*train)
            found.append(wrapped.estimate_score(X))
        realised = -np.abs(wrapped.estimator_.predict(X) - y).mean()
        errors.append([abs(one[score].value - realised) for one in found])
    without, with_rows = np.mean(errors, axis=0)
    assert with_rows < 0.85 * without
    assert "kept rows" not in " ".join(found[0].notes)
    assert any("3,000 kept rows were weighted by density" in n for n in found[1].notes)
    assert found[1].effective_sample_size < found[0].effective_sample_size


@pytest.mark.parametrize(
    ("shift", "n", "why"),
    [
        (0.0, 5, "it takes 30 of them and of the batch"),
        (9.0, 500, "hardly any of them are like the batch"),
    ],
)
def test_kept_rows_that_say_nothing_of_a_batch_are_not_used(shift, n, why):
    rng = np.random.default_rng(0)
    train, (X, _) = crossed(2_000, rng), crossed(n, rng)
    model = LinearRegression()
    plain = DriftAwareEstimator(model, blocks=None).fit(*train)
    kept = DriftAwareEstimator(model, blocks=None, keep_reference=100).fit(*train)
    found, other = (own.estimate_score(X + shift) for own in (kept, plain))
    assert any(note.endswith(why) for note in found.notes)
    assert dict(found) == dict(other)


def test_kept_rows_know_the_halves_that_saw_them_and_checks_use_them():
    rng = np.random.default_rng(0)
    train, (X, y) = crossed(1_000, rng), crossed(400, rng, together=0.5)
    wrapped = DriftAwareEstimator(
        LinearRegression(),
        scoring="neg_mean_absolute_error",
        blocks=None,
        keep_reference=200,
    ).fit(*train)
    rows = wrapped.baseline_.reference_rows
    seen = np.stack([rows.seen_by(half) for half in range(8)])
    assert (seen[::2] != seen[1::2]).all()
    assert 0.3 < seen[0].mean() < 0.7
    name = "neg_mean_absolute_error"
    score = wrapped.check(X, y).expected_score[name]
    assert score.estimated == wrapped.estimate_score(X)[name].value


def test_terms_of_kept_rows_do_not_ask_what_a_half_was_learned_from():
    rng = np.random.default_rng(0)
    wrapped = DriftAwareEstimator(
        LinearRegression(), blocks=None, keep_reference=400
    ).fit(*crossed(1_500, rng))
    models, kept = wrapped.baseline_.losses, wrapped.baseline_.reference_rows
    X, _ = crossed(500, rng, together=0.5)
    coded = row_codes(read_table(X), wrapped.baseline_.reference, models.positions)
    batch = answered_batch(models, wrapped.estimator_, X, coded.codes)
    shift = shift_of_columns(models, batch.codes)
    other = replace(kept, labels=kept.labels + 9.0 * kept.seen_by(0))
    found, moved = (
        with_density(shift, models, rows, coded.codes).terms for rows in (kept, other)
    )
    assert (found[0] == moved[0]).all()
    assert (found[1] != moved[1]).any()


@pytest.mark.parametrize("n_classes", [0, 2])
def test_a_half_is_corrected_by_the_rows_that_it_has_not_seen(n_classes):
    rng = np.random.default_rng(0)
    n = 600
    codes, answers = codes_of(rng, 3, n), rng.normal(size=n)
    labels = answers + rng.normal(size=n)
    if n_classes:
        answers, labels = (answers > 0).astype(int), (labels > 0).astype(int)
    outputs = np.eye(2)[answers] if n_classes else answers[:, None]
    known = OutOfFold(
        rows=np.arange(n),
        response="predict",
        outputs=outputs,
        labels=labels,
        answers=answers,
        n_classes=n_classes,
        folds=np.zeros(n, np.int64),
    )
    halves = halves_of(np.arange(n), rng)
    models = learn_losses(
        known,
        codes,
        np.arange(3),
        np.arange(n),
        halves,
        in_blocks=False,
        rng=rng,
    )
    changed = 1 - labels if n_classes else labels + 9.0
    other = replace(known, labels=np.where(halves[0], changed, labels))
    first, second = (
        corrected_models(models, own, codes, halves) for own in (known, other)
    )
    assert (first.corrections[0] == second.corrections[0]).all()
    assert (first.corrections[1] != second.corrections[1]).any()
    assert (first.terms[1] != second.terms[1]).any()
    rows = np.flatnonzero(~halves[0])
    line, every = with_output(known.take(rows), codes[:, rows], first.edges)
    still = BatchShift(beyond=np.zeros(len(first.term_columns)))
    _, own = expected_by_half(first, 0, every, line, answers[rows], still)
    if n_classes:
        real = np.eye(2)[labels[rows]].T
    else:
        own = own[[0, 3]]
        real = errors_of(labels[rows], answers[rows])[[0, 3]]
    assert np.allclose(own.mean(axis=1), real.mean(axis=1), rtol=0.02)


def test_a_mean_square_is_no_less_than_the_square_of_the_mean():
    errors = np.array([[2.0, 2.0], [3.0, 9.0], [1.0, 1.0], [0.5, 0.5]])
    found = possible_errors(errors)
    assert found.tolist() == [[2.0, 2.0], [4.0, 9.0], [1.0, 1.0], [0.5, 0.5]]


def beyond_bounds():
    """Answers of four rows and shares of which one leaves [0, 1]."""
    outputs = np.array([[0.1, 0.9], [0.3, 0.7], [0.6, 0.4], [0.8, 0.2]])
    answers = outputs.argmax(axis=1)
    second = np.array([1.2, 0.6, -0.3, 0.1])
    rows = AnsweredRows(answers, answers, outputs, "predict_proba")
    return rows, np.stack([1.0 - second, second])


def test_what_cannot_do_with_shares_beyond_bounds_gets_them_inside():
    answered, shares = beyond_bounds()
    inside, rows = inside_bounds(shares), np.arange(4)
    assert _noise_of_rows(shares, np.eye(2)[:, [0, 1, 0, 1]]) >= 0.0
    single = np.array([[1.2], [-0.2]]), np.array([[0.0], [1.0]])
    assert _noise_of_rows(*single) == 0.0
    area = value_of_rows(get_scorer("average_precision"), answered, 2)
    assert area(shares, rows) == area(inside, rows)
    weights = []

    def scorer(model, X, y, sample_weight):
        weights.append(sample_weight)
        return 0.0

    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    _value_by_rows(scorer, answered, model)(shares, rows)
    assert (weights[0] > 0.0).all()
    assert weights[0].sum() == pytest.approx(4.0)


def test_label_shift_as_a_rival_sees_shares_inside_bounds(monkeypatch):
    rng = np.random.default_rng(0)

    def draw(n, shift=0.0):
        X = rng.normal(size=(n, 8)) + shift
        return X, (rng.random(n) < special.expit(1.5 * X.sum(axis=1))).astype(int)

    seen = []

    def rival(models, form, known, shares, *rest):
        seen.append(shares)

    monkeypatch.setattr(_decomposing, "label_shift_terms", rival)
    wrapped = DriftAwareEstimator(LogisticRegression(), blocks=None)
    wrapped.fit(*draw(1_500))
    X, y = draw(500, 0.7)
    wrapped.decompose(X, y)
    known = wrapped.baseline_
    batch = expected_batch(
        known.losses, known.reference, wrapped.estimator_, X, read_table(X)
    )
    assert batch.rows.mean.min() < 0.0
    assert seen[0].min() >= 0.0
