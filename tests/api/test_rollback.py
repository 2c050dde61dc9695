"""Rollback: intent as it was, by a new commit on top; what was issued and revoked stays a fact."""
import time

import pytest

from history import Facts, certificates, crl, intent, names, push, rollback, settings
from service import assert_problem

FORCED = {"force": True, "reason": "test"}


@pytest.fixture
def facts(fresh):
    watched = Facts(fresh)
    yield watched
    watched.check()


def test_back_and_forth(fresh, facts):
    """Two gateways; A goes, C comes; back to before, and back again: T's intent byte for byte each time."""
    first = fresh.head()
    fresh.user("joe")
    old = fresh.gateway("a.example.org", "joe")
    b = fresh.gateway("b.example.org", "joe", inbound="allow")
    then = fresh.head()
    fresh.delete("/gateway/a.example.org")
    fresh.user("ann")
    c = fresh.gateway("c.example.org", "ann")
    now = fresh.head()
    body = rollback(fresh, then, reason="that was wrong")
    assert names(body["issued"]) == names([{"name": n} for n in body["needs_config"]]) == ["a.example.org"]
    assert names(body["revoked"]) == body["loses_access"] == ["c.example.org"]
    assert body["files"] == ["users/0/3/gateways/0.json", "users/0/4/gateways/0.json", "users/0/4/user.json"]
    assert intent(fresh) == intent(fresh, then)
    assert fresh.git("rev-parse", "main^").strip() == now  # history is never rewritten
    text = fresh.git("log", "-1", "--format=%an%n%B")
    assert text.startswith(f"admin\nrollback: to {then[:12]}\n") and "\nReason: that was wrong\n" in text
    facts.check()
    a = fresh.get("/gateway/a.example.org").json()
    assert a["address"] == old["address"] and a["created"] == old["created"]
    assert a["certificates"][0]["serial"] == body["issued"][0]["serial"] != old["certificates"][0]["serial"]
    assert fresh.get("/gateway/b.example.org").json() == b
    assert fresh.get("/user/ann").status_code == 404
    config = fresh.get("/gateway/a.example.org/config").text
    body = rollback(fresh, now)
    assert intent(fresh) == intent(fresh, now)
    assert names(body["revoked"]) == ["a.example.org"] and names(body["issued"]) == ["c.example.org"]
    assert c["certificates"][0]["serial"] not in certificates(fresh, "c.example.org")
    facts.check()
    rollback(fresh, then)
    assert intent(fresh) == intent(fresh, then)
    assert fresh.get("/gateway/a.example.org/config").text != config
    facts.check()
    body = rollback(fresh, first)
    assert intent(fresh) == intent(fresh, first)
    assert fresh.get("/users").json() == [] and fresh.get("/gateways").json() == []
    assert names(body["revoked"]) == body["loses_access"] == ["a.example.org", "b.example.org"]


def test_nothing_to_do(fresh, facts):
    """HEAD's own intent: no commit."""
    fresh.user("joe")
    head = fresh.head()
    body = rollback(fresh, head)
    assert body["commit"] == head == fresh.head()
    assert not any(body[key] for key in ("issued", "revoked", "needs_config", "loses_access", "files"))


@pytest.mark.parametrize("how", ["whole", "short", "relative", "time"])
def test_ways_to_say_when(fresh, facts, how):
    fresh.user("joe")
    then = fresh.head()
    made = fresh.git("log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ").strip()
    if how == "time":
        time.sleep(1.1)
    fresh.user("ann")
    rollback(fresh, {"whole": then, "short": then[:7], "relative": "HEAD~1", "time": made}[how])
    assert intent(fresh) == intent(fresh, then)


def test_across_a_renewal(fresh, facts):
    """Renewed since, and superseded: the certificates of a gateway that is on both sides are not touched."""
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    then = fresh.head()
    assert fresh.post("/gateway/a.example.org/renew", FORCED).status_code == 201
    assert fresh.patch("/gateway/a.example.org", {"inbound": "allow"}).status_code == 200
    two = certificates(fresh, "a.example.org")
    assert len(two) == 2
    body = rollback(fresh, then)
    assert body["issued"] == body["revoked"] == body["needs_config"] == body["loses_access"] == []
    assert body["files"] == ["users/0/3/gateways/0.json"]
    assert certificates(fresh, "a.example.org") == two
    assert fresh.get("/gateway/a.example.org").json()["inbound"] == "deny"
    facts.check()
    fresh.delete("/gateway/a.example.org")
    assert set(two) <= crl(fresh)[1]
    rollback(fresh, then)
    (one,) = certificates(fresh, "a.example.org")
    assert one not in two
    facts.check()


def test_across_disable(fresh, facts):
    fresh.user("joe")
    a = fresh.gateway("a.example.org", "joe")
    off_at = fresh.patch("/gateway/a.example.org", {"enabled": False}).headers["X-Commit"]
    fresh.patch("/gateway/a.example.org", {"enabled": True})
    body = rollback(fresh, off_at)
    assert body["loses_access"] == ["a.example.org"] and body["revoked"] == []
    facts.check()
    body = rollback(fresh, "HEAD~1")
    assert body["loses_access"] == body["issued"] == body["needs_config"] == []
    assert fresh.get("/gateway/a.example.org").json() == a
    fresh.patch("/user/joe", {"enabled": False})
    facts.check()
    rollback(fresh, "HEAD~1")
    assert fresh.get("/user/joe").json()["enabled"] is True


def test_across_a_user_that_went(fresh, facts):
    """With all gateways at once; the id has another holder meanwhile, who goes."""
    fresh.user("joe", id="02")
    for i in range(3):
        fresh.gateway(f"g{i}.example.org", "joe")
    then = fresh.head()
    assert fresh.delete("/user/joe?cascade=1").status_code == 204
    time.sleep(1.1)  # who was made within one second, under one id, is one holder
    fresh.user("eve", id="02")
    fresh.gateway("e.example.org", "eve")
    body = rollback(fresh, then)
    assert names(body["issued"]) == [f"g{i}.example.org" for i in range(3)]
    assert names(body["revoked"]) == ["e.example.org"]
    assert intent(fresh) == intent(fresh, then)
    facts.check()
    # Who had the id is in the ledger: once joe (deleted), once eve (rolled back).
    assert len([path for path in facts.ledger if "ledger/ids/0/2/released/" in path]) == 2


def test_the_same_address_for_another(fresh, facts):
    """One path on both sides, two devices."""
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe", id="5")
    then = fresh.head()
    fresh.delete("/gateway/a.example.org")
    fresh.gateway("z.example.org", "joe", id="5")
    body = rollback(fresh, then)
    assert names(body["issued"]) == ["a.example.org"] and names(body["revoked"]) == ["z.example.org"]
    assert body["files"] == ["users/0/3/gateways/5.json"]


def test_the_same_name_again(fresh, facts):
    """Deleted and made anew: another device, so the newer one's certificate goes."""
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    then = fresh.head()
    fresh.delete("/gateway/a.example.org")
    newer = fresh.gateway("a.example.org", "joe")["certificates"][0]["serial"]
    body = rollback(fresh, then)
    assert [item["serial"] for item in body["revoked"]] == [newer]
    assert body["needs_config"] == ["a.example.org"] and body["loses_access"] == []
    assert intent(fresh) == intent(fresh, then)


def test_renamed_users_and_who_lets_them_in(fresh, facts):
    fresh.user("joe")
    fresh.user("ann")
    fresh.gateway("a.example.org", "joe", allow=[{"proto": "tcp", "ports": "22", "from": "user:ann"}])
    then = fresh.head()
    fresh.patch("/user/ann", {"name": "anna"})
    body = rollback(fresh, then)
    assert body["issued"] == body["revoked"] == []
    assert intent(fresh) == intent(fresh, then)
    facts.check()
    # The rename touched a gateway of joe's too, which names ann: half of it does not fit.
    fresh.patch("/user/ann", {"name": "anna"})
    problem = assert_problem(fresh.post("/rollback", {"to": then, "only": ["user:ann"]}), 409, "does_not_fit")
    assert "user:anna" in problem["detail"]


def test_only_a_gateway(fresh, facts):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    fresh.gateway("b.example.org", "joe")
    then = fresh.head()
    fresh.delete("/gateway/a.example.org")
    fresh.delete("/gateway/b.example.org")
    body = rollback(fresh, then, only=["gateway:A.example.org"])
    assert names(body["issued"]) == ["a.example.org"]
    assert fresh.get("/gateway/b.example.org").status_code == 404
    assert fresh.git("log", "-1", "--format=%s").strip() == f"rollback: gateway:a.example.org to {then[:12]}"
    facts.check()
    body = rollback(fresh, then, only=["gateway:a.example.org"])
    assert body["files"] == []  # it is as it was then


def test_only_a_user(fresh, facts):
    """All below the user, whichever side has it; nobody else."""
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    fresh.user("ann")
    fresh.gateway("c.example.org", "ann")
    then = fresh.head()
    fresh.delete("/user/joe?cascade=1")
    fresh.delete("/gateway/c.example.org")
    fresh.gateway("d.example.org", "ann")
    body = rollback(fresh, then, only=["user:joe"])
    assert names(body["issued"]) == ["a.example.org"] and body["revoked"] == []
    facts.check()
    body = rollback(fresh, then, only=["user:ann", "user:joe"])
    assert names(body["issued"]) == ["c.example.org"] and names(body["revoked"]) == ["d.example.org"]
    assert intent(fresh) == intent(fresh, then)


def test_a_device_has_one_address(fresh, facts):
    """A gateway moves and gets another name, by push: one rolled back without the other would be two of one device."""
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe", id="0")
    then = fresh.head()
    push(fresh, "users/0/3/gateways/0.json", to="users/0/3/gateways/1.json", name="b.example.org")
    problem = assert_problem(fresh.post("/rollback", {"to": then, "only": ["gateway:a.example.org"]}), 409, "does_not_fit")
    assert "its device is that of" in problem["detail"]
    rollback(fresh, then, only=["gateway:a.example.org", "gateway:b.example.org"])
    assert intent(fresh) == intent(fresh, then)


def test_a_gateway_without_its_user(fresh, facts):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    then = fresh.head()
    fresh.delete("/user/joe?cascade=1")
    head = fresh.head()
    answer = fresh.post("/rollback", {"to": then, "only": ["gateway:a.example.org"]})
    assert "user does not exist" in assert_problem(answer, 409, "does_not_fit")["detail"]
    assert fresh.head() == head
    rollback(fresh, then, only=["user:joe"])


def test_a_name_that_is_another_s_now(fresh, facts):
    """The old holder of a name comes back only with the new one gone."""
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    then = fresh.head()
    fresh.delete("/user/joe?cascade=1")
    fresh.user("ann")
    fresh.gateway("a.example.org", "ann")
    # One device of each side bears the name; asked for by name, both change places.
    body = rollback(fresh, then, only=["user:joe", "gateway:a.example.org"])
    assert names(body["issued"]) == names(body["revoked"]) == ["a.example.org"]
    assert fresh.get("/gateway/a.example.org").json()["user"] == "joe"
    assert fresh.get("/user/ann").json()["gateways"] == 0


def test_settings_only_when_asked_for(fresh, facts):
    first = fresh.head()
    fresh.user("joe")
    then = fresh.head()
    push(fresh, "network.json", name="Another name")
    body = rollback(fresh, then)
    assert body["files"] == [] and fresh.head() == body["commit"]
    assert settings(fresh) != settings(fresh, then)
    body = rollback(fresh, then, include=["network"])
    assert body["files"] == ["network.json"]
    assert settings(fresh) == settings(fresh, then)
    facts.check()
    push(fresh, "network.json", name="A third one")
    fresh.user("ann")
    body = rollback(fresh, first, only=["user:joe"], include=["network"])
    assert settings(fresh) == settings(fresh, first)
    assert [user["name"] for user in fresh.get("/users").json()] == ["ann"]


def test_other_endpoints_need_other_files(fresh, facts):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    then = fresh.head()
    push(fresh, "servers/main.json", endpoints=["vpn2.example.org:1194"])
    body = rollback(fresh, then)
    assert body["needs_config"] == ["a.example.org"] and body["issued"] == []
    assert "vpn.example.org 1194" in fresh.get("/gateway/a.example.org/config").text


def test_an_id_given_after_a_rollback(fresh, facts):
    """Ids stay given: who comes next gets another one."""
    first = fresh.head()
    fresh.user("joe")
    rollback(fresh, first)
    assert fresh.user("ann")["id"] == "04"


def test_survives_a_restart(fresh, facts):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    then = fresh.head()
    fresh.delete("/gateway/a.example.org")
    rollback(fresh, then)
    before = fresh.rendered()
    assert fresh.stop() == 0
    fresh.start()
    assert fresh.rendered() == before
    fresh.run("render", "--full")
    assert fresh.rendered() == before


@pytest.mark.parametrize("body, field", [
    ({}, "to"), ({"to": 5}, "to"), ({"to": "HEAD", "when": 1}, "when"), ({"to": "HEAD", "only": "user:joe"}, "only"),
    ({"to": "HEAD", "only": []}, "only"), ({"to": "HEAD", "only": ["joe"]}, "only"), ({"to": "HEAD", "only": [1]}, "only"),
    ({"to": "HEAD", "only": ["user:../x"]}, "only"), ({"to": "HEAD", "include": ["ledger"]}, "include"),
    ({"to": "HEAD", "include": [0]}, "include"), ({"to": "HEAD", "reason": "a\nb"}, "reason"),
])
def test_bad_bodies(service, body, field):
    head = service.head()
    assert_problem(service.post("/rollback", body), 400, "invalid", field)
    assert service.head() == head


def test_unknown_targets(service):
    for to in ("0" * 40, "0" * 7, "HEAD~100000"):
        assert_problem(service.post("/rollback", {"to": to}), 404, "not_found")
    for to in ("", "main", "HEAD^", "abc", "../x", "--all"):
        assert service.post("/rollback", {"to": to}).status_code == 400
    tree = service.git("rev-parse", "main^{tree}").strip()
    assert service.post("/rollback", {"to": tree}).status_code == 404
    aside = service.git("-c", "user.name=x", "-c", "user.email=x", "commit-tree", "-m", "aside", tree).strip()
    assert_problem(service.post("/rollback", {"to": aside}), 404, "not_found")


def test_unknown_names(service, user):
    head = service.head()
    for name in ("user:nobody", "gateway:nobody.example.org"):
        problem = assert_problem(service.post("/rollback", {"to": "HEAD", "only": [name]}), 404, "not_found")
        assert "nobody" in problem["detail"]
    assert service.head() == head
