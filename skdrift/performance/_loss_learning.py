"""What out-of-fold answers teach of later scores: how right, and how wrong, by row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skdrift.performance._class_laws import ScoredColumns, learn_class_laws
from skdrift.performance._class_losses import learn_class_losses
from skdrift.performance._error_losses import learn_error_losses
from skdrift.performance._halves import N_HALVES
from skdrift.performance._loss_models import LossModels, calibrator_of
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._output_codes import output_line, with_output
from skdrift.performance._row_codes import N_CODES, code_edges

LEAST_ROWS = 20
MOST_OUTPUT_COLUMNS = 10


def enough_rows(known: OutOfFold) -> str:
    """Why so few rows do not do; empty if they do."""
    n = len(known.rows)
    if n < LEAST_ROWS:
        return f"it takes {LEAST_ROWS} out-of-fold rows or more, got {n}"
    if known.n_classes and len(np.unique(known.labels)) < 2:
        return "all out-of-fold rows are of one class"
    return ""


def learn_losses(
    known: OutOfFold,
    codes: np.ndarray,
    positions: np.ndarray,
    groups: np.ndarray,
    halves: np.ndarray,
    *,
    in_blocks: bool,
    rng: np.random.Generator,
) -> LossModels:
    """Learn from out-of-fold answers.

    Parameters
    ----------
    known : OutOfFold
    codes : ndarray of uint8 of shape (n_used, n_known)
        Of the rows.
    positions : ndarray of int of shape (n_used,)
        Columns that the codes are of.
    groups : ndarray of int of shape (n_known,)
        Rows of one group are in one half together; numbers from 0 without gaps.
    halves : ndarray of bool of shape (8, n_known)
    in_blocks : bool
        Whether groups are blocks of rows.
    rng : Generator
    """
    line = output_line(known)
    asked = line[:, :0] if known.response == "predict" and known.n_classes else line
    found = [code_edges(column) for column in asked.T[:MOST_OUTPUT_COLUMNS]]
    edges = np.full((len(found), N_CODES - 2), np.inf)
    for own, row in zip(found, edges, strict=True):
        row[: len(own)] = own
    line, every = with_output(known, codes, edges)
    learn = learn_class_losses if known.n_classes else learn_error_losses
    parts = learn(known, line, every, halves, groups, rng)
    return LossModels(
        n_rows=len(known.rows),
        n_classes=known.n_classes,
        response=known.response,
        positions=positions.astype(np.int64),
        edges=edges,
        in_blocks=in_blocks,
        **parts,
    )


def with_class_laws(
    models: LossModels,
    known: OutOfFold,
    codes: np.ndarray,
    halves: np.ndarray,
    totals: np.ndarray,
    scored: ScoredColumns,
    seed: int,
) -> LossModels:
    """The same, and how answers and columns go with the classes.

    Parameters
    ----------
    models : LossModels
        Of a classifier, learned from the same rows and halves.
    known, codes, halves
        As for `learn_losses`.
    totals : ndarray of int of shape (n_classes,)
        Training rows of each class.
    scored : ScoredColumns
        Whose moments to learn.
    seed : int
    """
    laws = learn_class_laws(
        known,
        output_line(known),
        [calibrator_of(models, half) for half in range(N_HALVES)],
        halves,
        codes,
        totals,
        scored,
        seed,
    )
    return replace(models, class_laws=laws)
