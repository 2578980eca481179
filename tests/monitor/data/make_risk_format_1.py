"""Writes ``risk_format_1.json``; run once, with the skdrift whose format was 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skdrift import SequentialRisk

rng = np.random.default_rng(0)
record = SequentialRisk.from_losses(rng.random(1_000) < 0.2, block_rows=3)
rates = np.where(np.arange(900) < 500, 0.15, 0.5)
losses = np.where(rng.random(900) < 0.1, np.nan, rng.random(900) < rates)
times = np.datetime64("2026-01-01", "h") + np.arange(900)
text = record.update(losses, times=times).to_json()
Path(__file__).with_name("risk_format_1.json").write_text(text + "\n", encoding="utf-8")
