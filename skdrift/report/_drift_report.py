"""`DriftReport`: all that one look at a batch has found."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, Literal, NoReturn, Self

from skdrift._core.frame_output import pandas_frame
from skdrift._core.result import FeatureRow, Finding, Outcome, ScoreExpectation
from skdrift.exceptions import FormatError, InputTypeError, ParameterError
from skdrift.report._html import report_html
from skdrift.report._json import document_of, fields_of, parse
from skdrift.report._numbers import counted
from skdrift.report._rejected import RejectedRows
from skdrift.report._row_blocks import RowBlocks
from skdrift.report._text import report_text
from skdrift.report._visible import cut_to_width, encodable, visible

_CODE: Final = re.compile(r"DA[0-9]{3}")
_ROW_TYPES: Final[Mapping[str, type]] = {
    "features": FeatureRow,
    "findings": Finding,
    "outputs": FeatureRow,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DriftReport:
    """What is different in a batch, how sure that is, and what to look at.

    Printed, it is text of at most 100 columns; in a notebook, a table. Reports are
    equal if all their values are (NaN equals NaN); they cannot be hashed, and have
    no truth value: ask `ok`.

    Attributes
    ----------
    ok : bool
        False if and only if a finding is an alarm. True does not say that nothing
        moved: see `outcome`.
    outcome : {"drift", "stable", "undecided", "not tested"}
        ``"drift"`` if a column moved by more than `min_effect`, or the model's
        answers did, ``"stable"`` if it was shown that no column moved by more than
        `stable_bound`, ``"undecided"`` if the rows are too few for either.
    findings : tuple of Finding
        Alarms first, then notes, each in the order of evidence.
    features : tuple of FeatureRow
        One for each column that was looked at.
    expected_score : dict of str to ScoreExpectation
        By the name of the scorer: what cross-validation promises and, with labels,
        what came true. Values are "greater is better", as in scikit-learn.
    n_rows : int
        Rows of the batch.
    n_checked : int
        Rows looked at for shift; fewer than `n_rows` if only a sample was.
    n_reference : int
        Rows of training.
    alpha : float
        Probability of an alarm, for the whole batch, if nothing moved.
    min_effect : float
        Largest difference that is tolerated, in probability mass.
    stable_bound : float
        Kolmogorov–Smirnov distance that ``"stable"`` rules out.
    detectable_effect : float
        Smallest Kolmogorov–Smirnov distance that so many rows would show; NaN if
        unknown.
    rows_needed : float
        Rows that it takes for ``"stable"``; infinite if no number does, NaN if
        unknown.
    notes : tuple of str
        What limits the answers above, one sentence each.
    estimator : str
        Short name of the model.
    rejected : RejectedRows or None
        Rows that were answered by an abstention or by the fallback, and why; None if
        the model answered every row.
    blocks : RowBlocks or None
        Where the level counts blocks of rows: how many, and whether they do for
        `alpha`; None where it counts rows.
    outputs : tuple of FeatureRow
        One for each output of the model that was compared with what it answered for
        rows held out of training; empty where there is none.

    Raises
    ------
    ParameterError
        If `ok` contradicts `findings`, a note stands before an alarm, a key of
        `expected_score` is not the name of its scorer, or `rejected` does not have
        one reason for each of its rows.
    """

    ok: bool
    outcome: Outcome
    findings: tuple[Finding, ...]
    features: tuple[FeatureRow, ...]
    expected_score: dict[str, ScoreExpectation]
    n_rows: int
    n_checked: int
    n_reference: int
    alpha: float
    min_effect: float
    stable_bound: float
    detectable_effect: float
    rows_needed: float
    notes: tuple[str, ...]
    estimator: str
    rejected: RejectedRows | None = None
    blocks: RowBlocks | None = None
    outputs: tuple[FeatureRow, ...] = ()

    def __post_init__(self) -> None:
        n_alarms = len(self.alarms)
        if bool(self.ok) != (n_alarms == 0):
            raise ParameterError(
                "ok must be False exactly if a finding is an alarm, got"
                f" ok={self.ok} with {counted(n_alarms, 'alarm')}."
            )
        if self.findings[:n_alarms] != self.alarms:
            got = [finding.severity for finding in self.findings[:5]]
            raise ParameterError(f"findings must begin with the alarms, got {got}.")
        misnamed = [
            (key, score.scorer)
            for key, score in self.expected_score.items()
            if key != score.scorer
        ]
        if misnamed:
            raise ParameterError(
                "The keys of expected_score must be the names of the scorers, got"
                f" {misnamed[:5]}."
            )
        rejected = self.rejected
        if rejected is not None:
            n_listed, n_reasons = len(rejected.rows), len(rejected.reasons)
            if n_listed != n_reasons or n_listed > rejected.n_rows:
                raise ParameterError(
                    "rejected must have reasons for each of its rows, which are at most"
                    f" n_rows={rejected.n_rows}, got {n_listed} rows with {n_reasons}"
                    " reasons."
                )

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings that make `ok` false."""
        return tuple(f for f in self.findings if f.severity == "alarm")

    @property
    def detectable(self) -> dict[str, float]:
        """By the name of a column, the smallest effect that this batch could show.

        In four of five batches, in the units of the column's `effect_name` (KS
        distance or total variation); NaN for columns that were not tested.
        """
        return {row.feature: row.detectable_effect for row in self.features}

    def by_code(self, code: str) -> tuple[Finding, ...]:
        """Return the findings of one code, in the order of evidence.

        Parameters
        ----------
        code : str
            For example ``"DA101"``.

        Returns
        -------
        tuple of Finding
            Empty if the batch has no such finding.

        Raises
        ------
        ParameterError
            If `code` does not look like one.
        """
        if not _CODE.fullmatch(str(code)):
            raise ParameterError(
                f"code must be 'DA' and three digits, such as 'DA101', got {code!r}."
            )
        return tuple(finding for finding in self.findings if finding.code == code)

    def to_dict(self) -> dict[str, Any]:
        """Give the report as dicts, lists, strings, numbers, booleans and None.

        Returns
        -------
        dict
            Ready for any JSON writer: NaN and infinity are None (the infinite ones
            are named under ``"infinite"``), lone surrogates are escaped. ``"format"``
            is the number of the form, ``"skdrift"`` the version that wrote it.
            `expected_score` is a list of records.
        """
        return document_of(self)

    def to_json(self, indent: int | None = None) -> str:
        """Write `to_dict` as strict JSON in ASCII.

        Parameters
        ----------
        indent : int, default=None
            Blanks for each level; None writes one line.
        """
        return json.dumps(self.to_dict(), allow_nan=False, indent=indent)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read the report that `to_dict` wrote.

        Equal to the one written, but for lone surrogates in names, which stay
        escaped.

        Raises
        ------
        FormatError
            If `document` is damaged, or written by a newer skdrift.
        """
        arguments = fields_of(cls, document)
        try:
            return cls(**arguments)
        except ParameterError as error:
            raise FormatError(f"Damaged report: {error}") from error

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read the report that `to_json` wrote.

        Raises
        ------
        FormatError
            If `text` is not valid JSON, is damaged, or written by a newer skdrift.
        """
        return cls.from_dict(parse(text))

    def to_frame(
        self, which: Literal["features", "findings", "outputs"] = "features"
    ) -> Any:
        """Give one of the tables as a pandas DataFrame.

        Parameters
        ----------
        which : {"features", "findings", "outputs"}, default="features"

        Returns
        -------
        pandas.DataFrame
            One row for each column of the batch (each finding, each output), one
            column for each field of `FeatureRow` (or `Finding`). Lone surrogates are
            escaped, since pandas cannot hold them.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed; `features` and `findings` do without.
        ParameterError
            If there is no such table.
        """
        if which not in tuple(_ROW_TYPES):
            raise ParameterError(
                f"which must be one of {list(_ROW_TYPES)}, got {which!r}."
            )
        records = getattr(self, which)
        return pandas_frame(
            {
                field.name: [_cell(getattr(record, field.name)) for record in records]
                for field in fields(_ROW_TYPES[which])
            },
            needed_by="to_frame()",
        )

    def __bool__(self) -> NoReturn:
        raise InputTypeError(
            "A DriftReport has no truth value, since 'drift found' and 'all is well'"
            f" are both plausible readings: use report.ok (here {self.ok})."
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DriftReport):
            return NotImplemented
        return bool(_comparable(self) == _comparable(other))

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return report_text(self)

    def __repr__(self) -> str:
        n_alarms = len(self.alarms)
        return (
            f"DriftReport(ok={self.ok}, outcome={self.outcome!r},"
            f" alarms={n_alarms}, notes={len(self.findings) - n_alarms},"
            f" features={len(self.features)}, n_rows={self.n_rows},"
            f" estimator={cut_to_width(visible(self.estimator), 40)!r})"
        )

    def _repr_html_(self) -> str:
        return report_html(self)


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(encodable(name) for name in value)
    return encodable(value) if isinstance(value, str) else value


def _comparable(value: Any) -> Any:
    """`value` with NaN equal to itself, wherever it stands."""
    if is_dataclass(value):
        return [_comparable(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, tuple):
        return [_comparable(part) for part in value]
    if isinstance(value, dict):
        return {key: _comparable(part) for key, part in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
