"""Batch: a list of changes as one commit, all or nothing; later ones see earlier ones; errors say which and what."""
import json
import time

import pytest

from history import Facts, crl, done, intent, names, rollback
from service import PATIENCE, assert_problem


@pytest.fixture
def facts(fresh):
    watched = Facts(fresh)
    yield watched
    watched.check()


def batch(service, *changes, **members):
    return done(service.post("/batch", {"changes": changes, **members}))


def test_a_thousand_gateways(fresh, facts):
    changes = []
    for u in range(63):
        changes.append({"op": "user.create", "name": f"u{u}"})
        changes += [{"op": "gateway.create", "name": f"g{g}.u{u}.example.org", "user": f"u{u}"}
                    for g in range(16) if 16 * u + g < 1000]
    before = fresh.head()
    started = time.monotonic()
    body = batch(fresh, *changes, reason="the whole village")
    assert time.monotonic() - started < 20 * PATIENCE
    assert fresh.git("rev-list", f"{before}..main").split() == [body["commit"]]
    assert len({item["serial"] for item in body["issued"]}) == len(body["needs_config"]) == 1000
    assert len(fresh.get("/gateways").json()) == 1000
    subject, text = fresh.git("log", "-1", "--format=%s%x00%b").split("\0")
    assert subject == "batch: 1063 changes"
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert len(lines) == 1063 and lines[1] == "- gateway g0.u0.example.org: create for u0, 2001:db8:0:300::/60"
    assert "\nReason: the whole village\n" in text
    facts.check()
    rollback(fresh, before)
    assert intent(fresh) == intent(fresh, before)
    assert len(crl(fresh)[1]) == 1000


def test_later_ones_see_earlier_ones(fresh, facts):
    fresh.user("joe")
    old = fresh.gateway("a.example.org", "joe")
    body = batch(
        fresh,
        {"op": "user.create", "name": "Ann", "id": "02"},
        {"op": "user.patch", "name": "ann", "new_name": "anna"},
        {"op": "gateway.create", "name": "b.example.org", "user": "anna", "id": "7", "allow": [
            {"proto": "tcp", "ports": "22", "from": "user:anna"}]},
        {"op": "gateway.patch", "name": "b.example.org", "inbound": "allow", "enabled": False},
        {"op": "gateway.delete", "name": "A.example.org"},
        {"op": "gateway.create", "name": "a.example.org", "user": "joe"},
        {"op": "gateway.create", "name": "c.example.org", "user": "joe"},
        {"op": "gateway.delete", "name": "c.example.org"},
        {"op": "user.create", "name": "eve"},
        {"op": "gateway.create", "name": "e.example.org", "user": "eve"},
        {"op": "user.delete", "name": "eve", "cascade": True},
        {"op": "user.patch", "name": "joe", "enabled": False},
    )
    # Nothing is issued for what is gone again at the end.
    assert names(body["issued"]) == sorted(body["needs_config"]) == ["a.example.org", "b.example.org"]
    assert [item["serial"] for item in body["revoked"]] == [old["certificates"][0]["serial"]]
    b = fresh.get("/gateway/b.example.org").json()
    assert (b["user"], b["id"], b["inbound"], b["enabled"]) == ("anna", "7", "allow", False)
    a = fresh.get("/gateway/a.example.org").json()
    assert a["address"] == old["address"] and a["created"] >= old["created"]
    assert [u["name"] for u in fresh.get("/users").json()] == ["anna", "joe"]
    assert fresh.get("/user/joe").json()["enabled"] is False
    facts.check()


def test_renewals(fresh, facts):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    fresh.gateway("b.example.org", "joe")
    body = batch(
        fresh, {"op": "gateway.renew", "name": "a.example.org", "force": True, "revoke_old": True, "reason": "stolen"},
        {"op": "gateway.renew", "name": "b.example.org", "force": True}, reason="spring cleaning")
    assert names(body["issued"]) == ["a.example.org", "b.example.org"] and names(body["revoked"]) == ["a.example.org"]
    text = fresh.git("log", "-1", "--format=%B")
    assert "revoke the old one (stolen)\n" in text and "Reason: spring cleaning\n" in text
    facts.check()
    force = {"op": "gateway.renew", "name": "a.example.org", "force": True}
    refused(fresh, 409, "issued_already", "changes/1", force, force, reason="twice")
    refused(fresh, 409, "not_renewable_yet", "changes/0", {"op": "gateway.renew", "name": "a.example.org"})
    refused(fresh, 400, "reason_required", "changes/0", force)


def refused(service, status, code, field, *changes, **members):
    """Not one of the changes is made."""
    head, users, rendered = service.head(), service.get("/users").json(), service.rendered()
    problem = assert_problem(service.post("/batch", {"changes": changes, **members}), status, code, field)
    assert (service.head(), service.get("/users").json(), service.rendered()) == (head, users, rendered)
    return problem


def test_all_or_nothing(service, user, gateway):
    name = user["name"]
    good = {"op": "user.create", "name": f"{name}-2"}
    for code, status, bad in (
            ("name_taken", 409, {"op": "user.create", "name": name}),
            ("name_taken", 409, good),
            ("name_taken", 409, {"op": "gateway.create", "name": gateway["name"], "user": name}),
            ("id_taken", 409, {"op": "user.create", "name": "other", "id": user["id"]}),
            ("id_reserved", 409, {"op": "user.create", "name": "other", "id": "00"}),
            ("not_found", 404, {"op": "gateway.create", "name": "new.example.org", "user": "nobody"}),
            ("not_found", 404, {"op": "user.patch", "name": "nobody", "enabled": False}),
            ("not_found", 404, {"op": "user.delete", "name": "nobody"}),
            ("not_found", 404, {"op": "gateway.patch", "name": "nobody.example.org", "enabled": False}),
            ("not_found", 404, {"op": "gateway.delete", "name": "nobody.example.org"}),
            ("not_found", 404, {"op": "gateway.renew", "name": "nobody.example.org"}),
            ("has_gateways", 409, {"op": "user.delete", "name": name})):
        refused(service, status, code, "changes/1", good, bad, good)
    refused(service, 400, "invalid", "changes/1/allow", good,
            {"op": "gateway.patch", "name": gateway["name"], "allow": [{"proto": "tcp", "ports": "1", "from": "user:nobody"}]})


@pytest.mark.parametrize("change, field", [
    ({}, "op"), ({"op": 1}, "op"), ({"op": "server.renew"}, "op"), ({"op": "batch"}, "op"), ({"op": "rollback"}, "op"),
    ({"op": "user.create"}, "name"), ({"op": "user.create", "name": "a b"}, "name"),
    ({"op": "user.create", "name": "x", "enabled": 1}, "enabled"), ({"op": "user.create", "name": "x", "id": 2}, "id"),
    ({"op": "user.create", "name": "x", "reason": "x"}, "reason"), ({"op": "user.patch", "enabled": True}, "name"),
    ({"op": "user.patch", "name": "x", "new_name": "a/b"}, "new_name"), ({"op": "user.patch", "name": "x", "id": "4"}, "id"),
    ({"op": "user.patch", "name": "x", "enabled": "no"}, "enabled"), ({"op": "user.delete", "name": "x", "cascade": 1}, "cascade"),
    ({"op": "user.delete", "name": "x", "force": True}, "force"), ({"op": "gateway.create", "user": "x"}, "name"),
    ({"op": "gateway.create", "name": "x..y", "user": "x"}, "name"), ({"op": "gateway.create", "name": "x.example.org"}, "user"),
    ({"op": "gateway.create", "name": "x.example.org", "user": "x", "inbound": "open"}, "inbound"),
    ({"op": "gateway.create", "name": "x.example.org", "user": "x", "allow": ["tcp/0"]}, "allow"),
    ({"op": "gateway.patch", "name": "x.example.org", "user": "x"}, "user"),
    ({"op": "gateway.patch", "name": "../x", "enabled": True}, "name"),
    ({"op": "gateway.delete", "name": "x.example.org", "cascade": True}, "cascade"),
    ({"op": "gateway.renew", "name": "x.example.org", "force": 1}, "force"),
    ({"op": "gateway.renew", "name": "x.example.org", "reason": "a\nb"}, "reason"),
])
def test_bad_members(service, change, field):
    """Index and member; what comes before it is not made."""
    refused(service, 400, "invalid", f"changes/1/{field}", {"op": "user.create", "name": "before"}, change)


def test_bad_bodies(service):
    for body, field in (({}, "changes"), ({"changes": {}}, "changes"), ({"changes": []}, "changes"),
                        ({"changes": [{"op": "user.delete", "name": "x"}] * 5001}, "changes"),
                        ({"changes": [[]]}, "changes/0"), ({"changes": ["user.create"]}, "changes/0"),
                        ({"changes": [], "why": "x"}, "why"), ({"changes": [{}], "reason": 1}, "reason")):
        assert_problem(service.post("/batch", body), 400, "invalid", field)
    assert_problem(service.post("/batch?cascade=1", {"changes": [{}]}), 400, "invalid", "cascade")


def test_size(service):
    """1 MiB here, 64 KiB elsewhere."""
    text = json.dumps({"changes": [{"op": "user.delete", "name": "nobody"}]})
    headers = {"Content-Type": "application/json"}
    for size, status in ((1 << 20, 404), ((1 << 20) + 1, 413), (10 << 20, 413)):
        assert service.ask("POST", "/batch", headers=headers, data=text.ljust(size)).status_code == status
    assert service.ask("POST", "/users", headers=headers, data='{"name":"big"}'.ljust((1 << 16) + 1)).status_code == 413
    assert service.ask("POST", "/rollback", headers=headers, data='{"to":"HEAD"}'.ljust((1 << 16) + 1)).status_code == 413


def test_nothing_to_do(service, gateway):
    """No change, no commit."""
    head = service.head()
    body = batch(service, {"op": "gateway.patch", "name": gateway["name"], "enabled": True})
    assert body["commit"] == head == service.head() and body["files"] == []


def test_warnings_of_all(service, user):
    body = batch(service, *({"op": "gateway.create", "name": f"w{i}.{user['name']}.example.org", "user": user["name"],
                             "inbound": "allow", "allow": ["tcp/22"]} for i in range(2)))
    assert len(body["warnings"]) == 2
