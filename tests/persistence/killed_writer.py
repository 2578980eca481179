"""Kill writers at random moments, and look at what they leave.

Run as ``python killed_writer.py FOLDER KILLS SEED``; prints one line of JSON. Every
writer is forked from here, so that it starts at once, and killed by SIGKILL. Half of
them call `dump`, the others write bytes that are ready, so that more of the kills
come in the midst of writing.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

import numpy as np
from sklearn.linear_model import Ridge

from skdrift.persistence import dump, load
from skdrift.persistence._atomic import write_whole

SIZE = 150_000


def model_of(value: int) -> Ridge:
    model = Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
    model.coef_ = np.random.default_rng(value).normal(size=SIZE)
    return model


def write_forever(path: Path, models: list[Ridge], files: list[bytes]) -> NoReturn:
    turn = 0
    while True:
        if files:
            write_whole(str(path), files[turn % 2])
        else:
            dump(models[turn % 2], path)
        turn += 1


def seconds_of(path: Path, models: list[Ridge], files: list[bytes]) -> float:
    start = time.perf_counter()
    if files:
        write_whole(str(path), files[0])
    else:
        dump(models[0], path)
    return time.perf_counter() - start


def main(folder: Path, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    path = folder / "model.skops"
    models = [model_of(0), model_of(1)]
    files = []
    for model in models:
        dump(model, path)
        files.append(path.read_bytes())
    kinds: list[list[bytes]] = [[], files]
    seconds = [seconds_of(path, models, kind) for kind in kinds]
    broken = in_midst = litter = 0
    seen = set()
    for turn in range(kills):
        kind = turn % 2
        writer = os.fork()
        if writer == 0:
            write_forever(path, models, kinds[kind])
        time.sleep(rng.uniform(0.0, 3 * seconds[kind]) + 0.002)
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        in_midst += any(name.endswith(".tmp") for name in os.listdir(folder))
        copy = load(path)
        which = [np.array_equal(copy.coef_, model.coef_) for model in models]
        broken += not any(which)
        seen.add(tuple(which))
        if turn % 10 == 9:
            dump(models[0], path)
            litter += len(os.listdir(folder)) - 1
    dump(models[0], path)
    litter += len(os.listdir(folder)) - 1
    counts = {"kills": kills, "broken": broken, "litter": litter}
    print(json.dumps({**counts, "in_midst": in_midst, "seen": len(seen)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
