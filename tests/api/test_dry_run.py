"""Goal: ?dry_run=1 tells what a mutation would do, refuses what it would refuse, and changes not one byte."""
import hashlib
import os

import pytest

from service import assert_problem


def digest(service):
    """Every file of the data folder; the database's own bookkeeping by its content."""
    found = {}
    for folder, _, names in os.walk(service.data):
        for name in names:
            path = os.path.join(folder, name)
            if "database.sqlite3-" in name or os.path.islink(path) or not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                found[os.path.relpath(path, service.data)] = hashlib.sha256(file.read()).hexdigest()
    return found


@pytest.fixture
def settled(fresh):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    fresh.get("/render")  # the writer has finished what the last change left
    return fresh


@pytest.mark.parametrize("method, path, body", [
    ("POST", "/users", {"name": "ann"}),
    ("PATCH", "/user/joe", {"enabled": False}),
    ("DELETE", "/user/joe?cascade=1", None),
    ("POST", "/gateways", {"name": "b.example.org", "user": "joe"}),
    ("PATCH", "/gateway/a.example.org", {"allow": ["tcp/22"]}),
    ("DELETE", "/gateway/a.example.org", None),
    ("POST", "/gateway/a.example.org/renew", {"force": True, "reason": "x"}),
    ("POST", "/batch", {"changes": [{"op": "user.create", "name": "eve"}]}),
    ("POST", "/rollback", {"to": "HEAD~1"}),
    ("POST", "/commit/HEAD/revert", {}),
])
def test_nothing_changes(settled, method, path, body):
    head = settled.head()
    before = digest(settled)
    answer = settled.ask(method, path + ("&" if "?" in path else "?") + "dry_run=1", body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["dry_run"] is True and told["commit"] == head
    assert told["state"] or told["revoked"]
    assert digest(settled) == before
    assert settled.head() == head


def test_what_it_tells(settled):
    told = settled.post("/gateways?dry_run=1", {"name": "b.example.org", "user": "joe"}).json()
    assert [item["name"] for item in told["issued"]] == ["b.example.org"]
    assert told["needs_config"] == ["b.example.org"] and told["loses_access"] == []
    assert "users/0/3/gateways/1.json" in [file["path"] for file in told["state"]]
    rendered = {file["path"]: file["diff"] for file in told["rendered"]}
    assert "+2001:db8:0:310::/60 dev tun-vpn" in rendered["ip/routes"]
    assert "ovpn/clients/b.example.org" in rendered and "firewall/nftables.conf" in rendered
    told = settled.delete("/gateway/a.example.org?dry_run=1").json()
    assert [item["name"] for item in told["revoked"]] == ["a.example.org"]
    assert told["loses_access"] == ["a.example.org"]
    assert "-2001:db8:0:300::/60 dev tun-vpn" in {f["path"]: f["diff"] for f in told["rendered"]}["ip/routes"]
    assert not [f["path"] for f in told["rendered"] if "private" in f["path"] or f["path"].endswith(".key")]


def test_what_would_be_refused_is_refused(settled):
    assert_problem(settled.post("/users?dry_run=1", {"name": "joe"}), 409, "name_taken")
    assert_problem(settled.delete("/user/joe?dry_run=1"), 409, "has_gateways")
    assert_problem(settled.post("/users?dry_run=2", {"name": "ann"}), 400, "invalid", "dry_run")
