"""What a change says when it is done but not deployed: still a success, with a warning."""
import os

import pytest

from service import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Hooks are on, and leave the kernel to a unit that does not run here: each change waits 5 s for it."""
    running = Service(str(tmp_path_factory.mktemp("vpnunit"))).start(hooks=True)
    yield running
    assert running.stop() == 0, running.read_log()


def test_body_says_so(service):
    """So does the state; the administrator's own hook ran nevertheless."""
    hook = os.path.join(service.repository, "hooks", "post-commit.d", "50-note")
    note = os.path.join(service.data, "note")
    with open(hook, "w", encoding="ascii") as file:
        file.write(f'#!/bin/sh\necho "$VPNUNIT_NEW $#" > {note}\n')
    os.chmod(hook, 0o755)
    answer = service.post("/users", {"name": "joe"})
    assert answer.status_code == 201
    assert answer.json()["deployed"] is False and answer.json()["warning"]
    again = service.get("/user/joe")
    assert "deployed" not in again.json() and again.headers["ETag"] == answer.headers["ETag"]
    with open(note, encoding="ascii") as file:
        assert file.read() == f"{answer.headers['X-Commit']} 0\n"
    state = service.get("/state").json()
    assert state["head"] == state["rendered"] == service.head() != state["deployed"]
    checks = {check["name"]: check for check in service.get("/readyz").json()["checks"]}
    assert checks["render"]["ok"] and checks["deploy"]["detail"]


def test_headers_say_so(service):
    answer = service.delete("/user/joe")
    assert answer.status_code == 204
    assert answer.headers["Deployed"] == "false" and answer.headers["Warning-Detail"]
