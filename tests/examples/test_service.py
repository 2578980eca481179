"""The example of a service, by its test client and once over a real socket."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from pathlib import Path

import pytest

import skdrift

FOLDER = Path(__file__).parents[2] / "examples" / "service"
STARTUP_SECONDS = 60

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # on which HTTP client it would like better
    from fastapi.testclient import TestClient

GOOD = {
    "season": 1,
    "mnth": 1,
    "hr": 5,
    "holiday": 0,
    "weekday": 6,
    "workingday": 0,
    "weathersit": 1,
    "temp": 0.24,
    "atemp": 0.29,
    "hum": 0.81,
    "windspeed": 0,
}


def module_of(name):
    spec = importlib.util.spec_from_file_location(
        f"service_{name}", FOLDER / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where FastAPI looks up annotations
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("service") / "model.skops"
    skdrift.dump(module_of("train").train(), path)
    return path


@pytest.fixture(scope="module")
def client(path):
    before = os.environ.get("MODEL")
    os.environ["MODEL"] = str(path)
    try:
        with TestClient(module_of("app").app) as client:
            yield client
    finally:
        if before is None:
            del os.environ["MODEL"]
        else:
            os.environ["MODEL"] = before


def test_good_rows_are_answered_in_their_order(client):
    night, rush = GOOD, {**GOOD, "hr": 8, "workingday": 1, "weekday": 2}
    answer = client.post("/predict", json={"rows": [night, rush, night]})
    assert answer.status_code == 200
    low, high, again = answer.json()["predictions"]
    assert low == again < high
    assert answer.json()["drift"] is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hr": 25}, "hr: unseen"),
        ({"temp": 24}, "temp: out of range"),
        ({"atemp": None}, "atemp: missing"),
        ({"hum": "damp"}, "hum: other type"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason_and_its_number(client, change, reason):
    answer = client.post("/predict", json={"rows": [GOOD, {**GOOD, **change}, GOOD]})
    assert answer.status_code == 422
    assert answer.json()["detail"] == {
        "rows": [{"row": 1, "reasons": [reason]}],
        "batch": [],
    }


def test_all_reasons_of_all_rows_are_given_at_once(client):
    bad = {**GOOD, "hr": 25, "atemp": None}
    answer = client.post("/predict", json={"rows": [bad, {**GOOD, "temp": 24}]})
    assert answer.json()["detail"]["rows"] == [
        {"row": 0, "reasons": ["hr: unseen", "atemp: missing"]},
        {"row": 1, "reasons": ["temp: out of range"]},
    ]


def test_a_missing_column_is_a_fault_of_the_batch(client):
    answer = client.post(
        "/predict", json={"rows": [{k: v for k, v in GOOD.items() if k != "hum"}]}
    )
    assert answer.status_code == 422
    assert answer.json()["detail"] == {"rows": [], "batch": ["hum: missing column"]}


def test_what_is_no_batch_is_refused_by_the_framework(client):
    assert client.post("/predict", json={"rows": []}).status_code == 422
    assert client.post("/predict", json={"rows": [{"hr": [1]}]}).status_code == 422


def test_a_batch_that_drifted_is_answered_and_says_so(client):
    answer = client.post("/predict", json={"rows": [GOOD] * 200})
    assert answer.status_code == 200
    assert "DA101" in answer.json()["drift"]
    assert len(answer.json()["predictions"]) == 200


def ask(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def wait_until_up(url, process):
    for _ in range(STARTUP_SECONDS * 10):
        assert process.poll() is None, "the server stopped"
        try:
            return ask(f"{url}/health")
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError(f"no answer from {url} after {STARTUP_SECONDS} s")


def test_over_a_real_socket(path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["uvicorn", "app:app", "--app-dir", str(FOLDER), "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, "MODEL": str(path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        assert wait_until_up(url, process)[0] == 200
        status, answer = ask(f"{url}/predict", {"rows": [GOOD]})
        assert status == 200
        assert len(answer["predictions"]) == 1
        status, answer = ask(f"{url}/predict", {"rows": [GOOD, {**GOOD, "hr": 25}]})
        assert status == 422
        assert answer["detail"]["rows"] == [{"row": 1, "reasons": ["hr: unseen"]}]
    finally:
        process.terminate()
        process.wait(timeout=20)
