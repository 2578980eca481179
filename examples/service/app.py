"""
The service
===========

Answers 422, with the reasons, for rows that the model cannot take.
``MODEL=model.skops uvicorn app:app`` serves what ``python train.py model.skops`` wrote.
"""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import asynccontextmanager
from typing import Any

import pandas as pd
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

import skdrift
from skdrift.exceptions import DriftWarning, InputError, InvalidInputError

TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
MOST_ROWS = 10_000

log = logging.getLogger("service")


class Batch(BaseModel):
    """Rows to predict, each a mapping from columns to values; null is missing."""

    rows: list[dict[str, float | str | None]] = Field(
        min_length=1, max_length=MOST_ROWS
    )


class Answer(BaseModel):
    """One prediction for each row, in their order."""

    predictions: list[float]
    drift: str | None = None


@asynccontextmanager
async def lifespan(app: FastAPI) -> Any:
    if not hasattr(app.state, "model"):
        app.state.model = skdrift.load(os.environ["MODEL"], trusted=TRUSTED)
    yield


app = FastAPI(title="Bicycle rentals", lifespan=lifespan)


@app.exception_handler(InvalidInputError)
def refused(request: Request, error: InvalidInputError) -> JSONResponse:
    """Say of every row what is wrong with it."""
    reasons: dict[int, list[str]] = {}
    whole: list[str] = []
    for action in error.report.actions:
        # Not the values: what a caller sent may have no place in a log.
        text = f"{action.feature}: {action.problem}"
        if not len(action.rows):
            whole.append(text)
        for row in action.rows.tolist():
            reasons.setdefault(row, []).append(text)
    log.warning("refused %d of %d rows", len(reasons), error.report.n_rows)
    rows = [{"row": row, "reasons": reasons[row]} for row in sorted(reasons)]
    return JSONResponse({"detail": {"rows": rows, "batch": whole}}, status_code=422)


@app.exception_handler(InputError)
def unreadable(request: Request, error: InputError) -> JSONResponse:
    """The batch is no table that can be read."""
    return JSONResponse(
        {"detail": {"rows": [], "batch": [str(error)]}}, status_code=422
    )


@app.post("/predict")
def predict(batch: Batch, request: Request) -> Answer:
    """Predict; 422 with the reasons if the guard refuses a row."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DriftWarning)
        predictions = request.app.state.model.predict(pd.DataFrame(batch.rows))
    drift = [str(item.message) for item in caught if item.category is DriftWarning]
    return Answer(predictions=predictions.tolist(), drift=drift[0] if drift else None)


@app.get("/health")
def health(request: Request) -> dict[str, str]:
    """The model is loaded."""
    return {"status": "ok", "skdrift": skdrift.__version__}
