"""Which rows training and a batch share: by a classifier that tells them apart."""

from __future__ import annotations

import numpy as np
from scipy import special
from sklearn.ensemble import HistGradientBoostingClassifier

from skdrift.performance._calibration import calibrated, fit_calibrator

N_FOLDS = 5
LEAST_ROWS = 30
LEAST_OVERLAP = 0.05


def shares_of_batch(
    reference: np.ndarray,
    batch: np.ndarray,
    reference_groups: np.ndarray,
    batch_groups: np.ndarray,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Probability that a row is of the batch, if both had as many rows.

    Each row is judged by a classifier that was not fitted on its group; a logistic
    line draws it towards 1/2 by as much as it is too sure. Weighted with it, rows of
    training are distributed like p q / (p + q), with the densities p of training and q
    of the batch; so are rows of the batch, weighted with what is left to 1
    (Cai, Namkoong and Yadlowsky 2023).

    Parameters
    ----------
    reference, batch : ndarray of uint8 of shape (n_used, n_rows)
        Codes of the rows.
    reference_groups, batch_groups : ndarray of int of shape (n_rows,)
        Blocks; all numbers differ where rows count one by one.
    seed : int

    Returns
    -------
    reference_shares, batch_shares : ndarray of float of shape (n_rows,)
    """
    n, m = reference.shape[1], batch.shape[1]
    if not len(reference):
        return np.full(n, 0.5), np.full(m, 0.5)
    rows = np.hstack([reference, batch]).T.astype(np.float32)
    is_batch = np.arange(n + m) >= n
    line = np.zeros(n + m)
    for fitted, judged in _folds(reference_groups, batch_groups, seed):
        model = HistGradientBoostingClassifier(
            max_iter=60,
            max_leaf_nodes=15,
            min_samples_leaf=20,
            early_stopping=False,
            random_state=seed,
        )
        model.fit(rows[fitted], is_batch[fitted])
        line[judged] = model.decision_function(rows[judged])
    own = np.clip(line, -10.0, 10.0)[:, None]
    right = np.column_stack([~is_batch, is_batch])
    found = calibrated(fit_calibrator("sigmoid", own, right), own)[:, 1]
    even = np.asarray(special.expit(special.logit(found) - np.log(m / n)))
    return even[:n], even[n:]


def _folds(
    reference_groups: np.ndarray, batch_groups: np.ndarray, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds of whole groups; training and batch are spread over all of them alike."""
    place = np.concatenate(
        [_fold_of(reference_groups, seed), _fold_of(batch_groups, seed + 1)]
    )
    return [
        (np.flatnonzero(place != fold), np.flatnonzero(place == fold))
        for fold in range(int(place.max()) + 1)
    ]


def _fold_of(groups: np.ndarray, seed: int) -> np.ndarray:
    _, units = np.unique(groups, return_inverse=True)
    n_units = int(units.max(initial=0)) + 1
    if n_units < 2:
        # One block alone is both fitted on and judged: else nobody would know it.
        units, n_units = np.arange(len(groups)), len(groups)
    fold = np.empty(n_units, dtype=np.int64)
    fold[np.random.default_rng(seed).permutation(n_units)] = np.arange(n_units)
    return np.asarray(fold[units] % N_FOLDS)
