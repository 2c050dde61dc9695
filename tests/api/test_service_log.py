"""The log: one line an event, text or JSON, with the request and the commit that it is about."""
import json
import os
import subprocess

import pytest

from service import BINARY, Service


def lines(service):
    return service.read_log().splitlines()


def start(folder, **environment):
    service = Service(str(folder), environment=environment)
    return service.start()


def test_json(tmp_path):
    service = start(tmp_path, VPNUNIT_LOG_FORMAT="json")
    try:
        made = service.post("/users", {"name": "joe"}, headers={"X-Request-Id": "r-1"})
        service.post("/users", {"name": "joe"}, headers={"X-Request-Id": "r-2"})
        service.get("/user/nobody", headers={"X-Request-Id": "r-3"})
        service.get("/users", headers={"X-Request-Id": "r-4", "Authorization": "Bearer x"})
        events = [json.loads(line) for line in lines(service)]
    finally:
        service.stop()
    by_request = {event["request"]: event for event in events if "request" in event}
    assert by_request["r-1"]["message"] == "admin: user joe: create, 2001:db8:0:300::/56"
    assert by_request["r-1"]["commit"] == made.headers["X-Commit"] == service.head()
    assert by_request["r-2"]["message"].startswith("admin: POST /users: 409: ") and "commit" not in by_request["r-2"]
    assert "r-3" not in by_request, "who only asks is not told on"
    assert by_request["r-4"]["level"] == "warning"
    assert all(set(event) <= {"time", "level", "message", "request", "commit"} for event in events)
    assert all(event["time"].endswith("Z") and event["level"] in ("info", "warning", "error") for event in events)


def test_text(tmp_path):
    service = start(tmp_path)
    try:
        service.post("/users", {"name": "joe"}, headers={"X-Request-Id": "r-1"})
        head = service.head()
        assert f"vpnunit: admin: user joe: create, 2001:db8:0:300::/56 (request r-1) (commit {head[:12]})" in lines(service)
    finally:
        service.stop()


def test_one_line_each_whatever_is_in_it(tmp_path):
    service = start(tmp_path, VPNUNIT_LOG_FORMAT="json")
    try:
        service.patch("/user/%22%5C%7F", {"name": "x"})
        service.post("/users?reason=a%22b", {"name": "joe"})
        for line in lines(service):
            json.loads(line)
    finally:
        service.stop()


def test_a_repeated_request_is_one_event(tmp_path):
    service = start(tmp_path)
    try:
        for _ in range(2):
            service.post("/users", {"name": "joe"}, headers={"Idempotency-Key": "k"})
        assert sum("user joe: create" in line for line in lines(service)) == 1
    finally:
        service.stop()


def test_priorities_where_journald_listens(tmp_path):
    """systemd names the stream of a unit's standard error in JOURNAL_STREAM."""
    service = Service(str(tmp_path))
    with open(service.log, "w", encoding="utf-8") as journal:
        stream = os.fstat(journal.fileno())
    service.environment["JOURNAL_STREAM"] = f"{stream.st_dev}:{stream.st_ino}"
    service.start().stop()
    text = lines(service)
    assert f"<6>listening on 127.0.0.1:{service.port}" in text
    assert all(line[:3] in ("<3>", "<4>", "<6>") for line in text)


@pytest.mark.parametrize("command", ["serve", "deploy"])
def test_another_format_is_refused(tmp_path, command):
    result = subprocess.run([BINARY, command, "--data", str(tmp_path), "--log-format", "xml"], capture_output=True, text=True)
    assert result.returncode == 2 and "text|json" in result.stderr
