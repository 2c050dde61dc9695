"""Revert: what one commit did, undone; what came after stays, member by member; conflicts say who and where."""
import pytest

from history import Facts, certificates, done, intent, names, push, rollback
from service import assert_problem

FORCED = {"force": True, "reason": "test"}


@pytest.fixture
def facts(fresh):
    watched = Facts(fresh)
    yield watched
    watched.check()


def revert(service, commit, **members):
    return done(service.post(f"/commit/{commit}/revert", members or None))


def commit_of(answer):
    assert answer.ok, answer.text
    return answer.headers["X-Commit"]


def test_members_merge(fresh, facts):
    """Two commits change one gateway's file; reverting the older one keeps what the newer one did."""
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    opened = commit_of(fresh.patch("/gateway/a.example.org", {"inbound": "allow", "routes": "internet"}))
    commit_of(fresh.patch("/gateway/a.example.org", {"allow": ["tcp/22"]}))
    body = revert(fresh, opened, reason="too open")
    assert body["files"] == ["users/0/3/gateways/0.json"]
    assert body["issued"] == body["revoked"] == body["needs_config"] == body["loses_access"] == []
    a = fresh.get("/gateway/a.example.org").json()
    assert (a["inbound"], a["routes"], a["allow"]) == ("deny", "prefix", ["tcp/22"])
    text = fresh.git("log", "-1", "--format=%B")
    assert text.startswith(f"revert: {opened[:12]}\n") and "\nReason: too open\n" in text


def test_members_conflict(fresh, facts):
    """The same member, changed since: the object, the later commit and who made it are named; nothing changes."""
    fresh.user("joe")
    for name in ("a.example.org", "b.example.org", "c.example.org"):
        fresh.gateway(name, "joe")
    both = done(fresh.post("/batch", {"changes": [
        {"op": "gateway.patch", "name": name, "allow": ["tcp/22"]} for name in ("a.example.org", "b.example.org")]}))
    first = commit_of(fresh.patch("/gateway/a.example.org", {"allow": ["tcp/23"]}))
    second = commit_of(fresh.patch("/gateway/b.example.org", {"allow": []}))
    fresh.patch("/gateway/c.example.org", {"inbound": "allow"})
    head = fresh.head()
    problem = assert_problem(fresh.post(f"/commit/{both['commit']}/revert"), 409, "changed_since")
    assert [e["field"] for e in problem["errors"]] == ["users/0/3/gateways/0.json"]
    assert "gateway a.example.org was changed since" in problem["errors"][0]["detail"]
    assert "by admin" in problem["errors"][0]["detail"] and first[:12] in problem["errors"][0]["detail"]
    commit_of(fresh.patch("/gateway/b.example.org", {"allow": ["tcp/24"]}))
    problem = assert_problem(fresh.post(f"/commit/{both['commit']}/revert"), 409, "changed_since")
    assert [e["field"] for e in problem["errors"]] == ["users/0/3/gateways/0.json", "users/0/3/gateways/1.json"]
    assert second[:12] not in problem["errors"][1]["detail"]  # the last one that touched it
    assert fresh.git("rev-list", "--count", f"{head}..main").strip() == "1"


def test_conflicts_beside_missing_files(fresh, facts):
    """A file that went does not hide a conflict found before it."""
    fresh.user("joe")
    made = done(fresh.post("/batch", {"changes": [
        {"op": "gateway.create", "name": "a.example.org", "user": "joe"},
        {"op": "gateway.create", "name": "b.example.org", "user": "joe"}]}))
    fresh.patch("/gateway/a.example.org", {"inbound": "allow"})
    fresh.delete("/gateway/b.example.org")
    problem = assert_problem(fresh.post(f"/commit/{made['commit']}/revert"), 409, "changed_since")
    assert [e["field"] for e in problem["errors"]] == ["users/0/3/gateways/0.json"]
    assert fresh.get("/gateway/a.example.org").status_code == 200


def test_a_creation(fresh, facts):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    made = fresh.head()
    fresh.gateway("b.example.org", "joe")
    body = revert(fresh, made)
    assert names(body["revoked"]) == body["loses_access"] == ["a.example.org"]
    assert fresh.get("/gateway/a.example.org").status_code == 404
    assert fresh.get("/gateway/b.example.org").status_code == 200


def test_a_creation_with_more_below_it(fresh, facts):
    """The user got a gateway since: it cannot go from under it."""
    fresh.user("joe")
    made = fresh.head()
    fresh.gateway("a.example.org", "joe")
    problem = assert_problem(fresh.post(f"/commit/{made}/revert"), 409, "does_not_fit")
    assert "gateways" in problem["detail"]
    fresh.delete("/gateway/a.example.org")
    revert(fresh, made)
    assert fresh.get("/users").json() == []


def test_a_deletion(fresh, facts):
    """Back at its old address, with a new certificate."""
    fresh.user("joe")
    old = fresh.gateway("a.example.org", "joe")
    gone = commit_of(fresh.delete("/gateway/a.example.org"))
    fresh.gateway("b.example.org", "joe")
    body = revert(fresh, gone)
    assert names(body["issued"]) == body["needs_config"] == ["a.example.org"] and body["revoked"] == []
    new = fresh.get("/gateway/a.example.org").json()
    assert new["address"] == old["address"]
    assert new["certificates"][0]["serial"] != old["certificates"][0]["serial"]


def test_a_deletion_whose_address_is_given(fresh, facts):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe", id="0")
    gone = commit_of(fresh.delete("/gateway/a.example.org"))
    fresh.gateway("b.example.org", "joe", id="0")
    problem = assert_problem(fresh.post(f"/commit/{gone}/revert"), 409, "changed_since")
    assert fresh.head()[:12] in problem["errors"][0]["detail"]


def test_a_deletion_whose_name_is_given(fresh, facts):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe", id="0")
    gone = commit_of(fresh.delete("/gateway/a.example.org"))
    fresh.gateway("a.example.org", "joe", id="1")
    problem = assert_problem(fresh.post(f"/commit/{gone}/revert"), 409, "does_not_fit")
    assert "another gateway has the name a.example.org" in problem["detail"]


def test_a_deleted_user(fresh, facts):
    fresh.user("joe")
    for i in range(3):
        fresh.gateway(f"g{i}.example.org", "joe")
    before = intent(fresh)
    gone = commit_of(fresh.delete("/user/joe?cascade=1"))
    body = revert(fresh, gone)
    assert len(body["issued"]) == 3
    assert intent(fresh) == before


def test_a_rename(fresh, facts):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    renamed = commit_of(fresh.patch("/user/joe", {"name": "joseph"}))
    fresh.patch("/user/joseph", {"enabled": False})
    body = revert(fresh, renamed)
    assert body["issued"] == body["revoked"] == []
    assert fresh.get("/user/joe").json()["enabled"] is False


def test_a_renewal(fresh, facts):
    """Certificates are facts: there is no intent to undo."""
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    renewed = commit_of(fresh.post("/gateway/a.example.org/renew", FORCED))
    serials = certificates(fresh, "a.example.org")
    problem = assert_problem(fresh.post(f"/commit/{renewed}/revert"), 409, "nothing_to_revert")
    assert "fact" in problem["detail"]
    assert certificates(fresh, "a.example.org") == serials


def test_the_first_commit(fresh, facts):
    assert_problem(fresh.post(f"/commit/{fresh.head()}/revert"), 409, "nothing_to_revert")


def test_twice(fresh, facts):
    fresh.user("joe")
    made = fresh.head()
    revert(fresh, made)
    problem = assert_problem(fresh.post(f"/commit/{made}/revert"), 409, "nothing_to_revert")
    assert "already" in problem["detail"]


def test_a_batch(fresh, facts):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    before = intent(fresh)
    batch = done(fresh.post("/batch", {"changes": [
        {"op": "user.create", "name": "ann"},
        {"op": "gateway.create", "name": "b.example.org", "user": "ann"},
        {"op": "gateway.delete", "name": "a.example.org"}]}))
    body = revert(fresh, batch["commit"])
    assert names(body["issued"]) == ["a.example.org"] and names(body["revoked"]) == ["b.example.org"]
    assert intent(fresh) == before


def test_a_rollback(fresh, facts):
    """And a revert: each undone by its own."""
    first = fresh.head()
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    before = intent(fresh)
    back = rollback(fresh, first)
    revert(fresh, back["commit"])
    assert intent(fresh) == before
    facts.check()
    revert(fresh, "HEAD")
    assert intent(fresh) == intent(fresh, first)


def test_settings(fresh, facts):
    """A revert is of all that the commit did, settings too."""
    before = fresh.git("rev-parse", "main:network.json")
    push(fresh, "network.json", name="Another name")
    changed = fresh.git("log", "-1", "--format=%H", "main", "--", "network.json").strip()
    fresh.user("joe")
    body = revert(fresh, changed)
    assert body["files"] == ["network.json"]
    assert fresh.git("rev-parse", "main:network.json") == before


def test_bad_requests(service, user):
    head = service.head()
    assert_problem(service.post("/commit/HEAD/revert", {"reason": "a\tb"}), 400, "invalid", "reason")
    assert_problem(service.post("/commit/HEAD/revert", {"to": "HEAD"}), 400, "invalid", "to")
    assert_problem(service.post("/commit/HEAD/revert?when=now"), 400, "invalid")
    assert_problem(service.post(f"/commit/{'0' * 40}/revert"), 404, "not_found")
    assert service.post("/commit/HEAD^/revert").status_code == 400
    assert service.head() == head


def test_another_device_at_the_address(fresh, facts):
    """What was opened for the one that has the address now is not opened for the one that had it before."""
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe", id="5")
    fresh.post("/batch", {"changes": [{"op": "gateway.delete", "name": "a.example.org"},
                                      {"op": "gateway.create", "name": "z.example.org", "user": "joe", "id": "5"}]})
    swap = fresh.head()
    fresh.patch("/gateway/z.example.org", {"inbound": "allow"})
    problem = assert_problem(fresh.post(f"/commit/{swap}/revert"), 409, "changed_since")
    assert "gateway z.example.org was changed since" in problem["errors"][0]["detail"]
