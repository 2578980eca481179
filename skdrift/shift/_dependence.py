"""Dependence between columns, as learned from training: no row of it is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdrift._core.frame import Table, read_table
from skdrift._core.rows import take_rows
from skdrift.profile import Profile
from skdrift.profile._scores import Slot, score_rows, score_slots
from skdrift.profile._stored import DAMAGE, check_format, damaged, plain
from skdrift.shift._block_dependence import (
    BlockDependence,
    learn_block_dependence,
    packed,
    rows_of_blocks,
    unpacked,
)
from skdrift.stats import Correlations, FeatureSums, PairSums, wave_features

FORMAT = 2
MOST_ROWS = 20_000
LEAST_SAMPLE = 2_000
MOST_PRODUCTS = 5e8
N_WAVES = 64
ROWS_IN_SINGLE = 4_096
SEED = 2007


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dependence:
    """How the columns of training depend on each other.

    Attributes
    ----------
    slots : tuple of str
        Names of the scores that are compared.
    near : Correlations
        Of the scores.
    far : Correlations
        Of the distances from the median.
    features : FeatureSums
        Of waves through the scores.
    frequencies : ndarray of float32 of shape (n_slots, 64)
        Of the waves.
    blocks : BlockDependence or None
        How all of that varies from block to block, where rows come in blocks.
    """

    slots: tuple[str, ...]
    near: Correlations
    far: Correlations
    features: FeatureSums
    frequencies: np.ndarray
    blocks: BlockDependence | None = None

    def __repr__(self) -> str:
        return f"Dependence(n_rows={self.features.n}, n_slots={len(self.slots)})"

    def __getstate__(self) -> dict[str, Any]:
        n = max(self.features.n, 1)
        upper = np.triu_indices(len(self.features.total))
        arrays = {
            "frequencies": self.frequencies,
            "total": self.features.total,
            "products": (self.features.products / n)[upper].astype(np.float32),
        }
        for name in ("near", "far"):
            arrays.update(_packed(name, getattr(self, name)))
        meta: dict[str, Any] = {"slots": list(self.slots), "n": self.features.n}
        if self.blocks is None:
            return {"format": 1, "meta": json.dumps(meta), "arrays": arrays}
        meta["blocks"], of_blocks = packed(self.blocks)
        arrays.update(of_blocks)
        return {"format": FORMAT, "meta": json.dumps(meta), "arrays": arrays}

    def __setstate__(self, state: dict[str, Any]) -> None:
        check_format(state, "dependence", FORMAT)
        try:
            fields = _unpacked(json.loads(state["meta"]), state["arrays"])
        except DAMAGE as error:
            raise damaged("dependence", error, "fit the model again") from error
        for name, value in fields.items():
            object.__setattr__(self, name, value)


def _packed(name: str, found: Correlations) -> dict[str, np.ndarray]:
    n = found.n.astype(np.int32)
    if len(n) and (n == n[0]).all():
        n = n[:1]
    return {
        f"{name}_n": n,
        f"{name}_value": found.value.astype(np.float32),
        f"{name}_variance": found.variance.astype(np.float32),
    }


def _unpacked(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    n = int(meta["n"])
    total = arrays["total"]
    frequencies = plain(arrays["frequencies"], np.float32)
    upper = np.triu_indices(len(total))
    products = np.zeros((len(total), len(total)))
    products[upper] = arrays["products"].astype(np.float64) * n
    products = products + np.triu(products, 1).T
    found = {}
    for name in ("near", "far"):
        value = arrays[f"{name}_value"].astype(np.float64)
        rows = arrays[f"{name}_n"].astype(np.float64)
        found[name] = Correlations(
            n=np.broadcast_to(rows, value.shape).copy(),
            value=value,
            variance=arrays[f"{name}_variance"].astype(np.float64),
        )
    k = len(meta["slots"])
    if len(found["near"].value) != k * (k - 1) // 2 or len(frequencies) != k:
        raise ValueError(f"correlations are not stored for each pair of {k} columns")
    return {
        "slots": tuple(meta["slots"]),
        **found,
        "features": FeatureSums(n=n, total=total, products=products),
        "frequencies": frequencies,
        "blocks": unpacked(meta["blocks"], arrays) if meta.get("blocks") else None,
    }


def learn_dependence(table: Table, reference: Profile) -> Dependence | None:
    """Learn from (a sample of) the rows of training.

    Parameters
    ----------
    table : Table
        Rows of training.
    reference : Profile
        Of all of them.

    Returns
    -------
    Dependence or None
        None where there are no two columns to compare, or no rows.
    """
    slots = score_slots(reference)
    if len({slot.feature for slot in slots}) < 2:
        return None
    scores = score_rows(thinned(table, len(slots)), reference, slots)
    return _learned(slots, scores)


def _learned(
    slots: Sequence[Slot], scores: tuple[np.ndarray, np.ndarray]
) -> Dependence:
    near, far = scores
    draws = np.random.default_rng(SEED).standard_normal((len(slots), N_WAVES))
    frequencies = (draws / np.sqrt(len(slots))).astype(np.float32)
    learned = Dependence(
        slots=tuple(slot.label for slot in slots),
        near=PairSums.of(near).correlations(),
        far=PairSums.of(far).correlations(),
        features=wave_sums(near, frequencies),
        frequencies=frequencies,
    )
    # In the precision of what is stored, so that a loaded one decides the same.
    learned.__setstate__(learned.__getstate__())
    return learned


def learn_dependence_of_blocks(
    X: Any, reference: Profile, labels: np.ndarray, *, contiguous: bool
) -> Dependence | None:
    """Learn also how dependence varies from block to block.

    Parameters
    ----------
    X : table of shape (n_rows, n_features)
        Rows of training.
    reference : Profile
        Of all of them.
    labels : ndarray of int of shape (n_rows,)
        Block of each row; -1 for rows that are left out.
    contiguous : bool
        Whether blocks follow one another in the row order.
    """
    slots = score_slots(reference)
    if len({slot.feature for slot in slots}) < 2:
        return None
    rows, own, block_rows = rows_of_blocks(labels, len(slots))
    few = len(rows) < len(labels)
    table = read_table(take_rows(X, rows) if few else X)
    scores = score_rows(table, reference, slots)
    learned = _learned(slots, scores)
    blocks = learn_block_dependence(
        scores,
        own,
        slots=both_kinds(slots),
        found=(learned.near, learned.far),
        frequencies=learned.frequencies,
        n_blocks=int(labels.max()) + 1,
        block_rows=block_rows,
        contiguous=contiguous,
        even=contiguous or _of_one_size(labels),
    )
    learned = replace(learned, blocks=blocks)
    learned.__setstate__(learned.__getstate__())
    return learned


def _of_one_size(labels: np.ndarray) -> bool:
    """Whether nine of ten blocks have the usual number of rows, or a tenth less."""
    sizes = np.bincount(labels[labels >= 0])
    usual = float(np.median(sizes))
    return bool((np.abs(sizes - usual) <= max(1.0, 0.1 * usual)).mean() >= 0.9)


def both_kinds(slots: Sequence[Slot]) -> tuple[tuple[Slot, ...], tuple[Slot, ...]]:
    """Slots of the scores, and of the distances from the median."""
    return tuple(slots), tuple(slot for slot in slots if slot.far is not None)


def thinned(table: Table, n_slots: int) -> Table:
    """At most 20,000 rows, and less where there are more than 158 columns."""
    most = min(MOST_ROWS, max(LEAST_SAMPLE, int(MOST_PRODUCTS / max(n_slots, 1) ** 2)))
    step = -(-table.n_rows // most)
    return table if step <= 1 else table.one_of(step)


def wave_sums(near: np.ndarray, frequencies: np.ndarray) -> FeatureSums:
    """Sums of waves through scores; a missing one stands in the middle.

    A few thousand rows are summed in single precision, in which the sums are stored.
    """
    n_waves = 2 * frequencies.shape[1]
    total, products = np.zeros(n_waves), np.zeros((n_waves, n_waves))
    for start in range(0, len(near), ROWS_IN_SINGLE):
        part = np.nan_to_num(near[start : start + ROWS_IN_SINGLE])
        waves = wave_features(part, frequencies)
        total += waves.sum(axis=0, dtype=np.float64)
        products += waves.T @ waves
    return FeatureSums(n=len(near), total=total, products=products)


def known_slots(dependence: Dependence, reference: Profile) -> tuple[Slot, ...] | None:
    """Slots that were learned from; None where this version makes others."""
    slots: Sequence[Slot] = score_slots(reference)
    if tuple(slot.label for slot in slots) != dependence.slots:
        return None
    return tuple(slots)
