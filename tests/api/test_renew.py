"""Renewal: not before its time unless forced with a reason; never three live certificates."""
import datetime

from service import assert_problem

FORCED = {"force": True, "reason": "lost"}


def as_time(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def renew(service, gateway, body):
    answer = service.post(f"/gateway/{gateway['name']}/renew", body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/gateway/{gateway['name']}"
    return answer.json()


def test_too_early(service, gateway):
    for body in (None, {}, {"force": False}):
        problem = assert_problem(service.post(f"/gateway/{gateway['name']}/renew", body), 409, "not_renewable_yet")
        end = as_time(gateway["certificates"][0]["not_after"])
        assert end - as_time(problem["renewable_from"]) == datetime.timedelta(days=30)
    assert service.get(f"/gateway/{gateway['name']}").json() == gateway


def test_force_needs_a_reason(service, gateway):
    assert_problem(service.post(f"/gateway/{gateway['name']}/renew", {"force": True}), 400, "reason_required")
    answer = service.post(f"/gateway/{gateway['name']}/renew?reason=by%20query", {"force": True})
    assert answer.status_code == 201
    assert "Reason: by query" in service.git("log", "-1", "--format=%B", "main")


def test_overlap(service, gateway):
    """The old certificate ends 30 days after the renewal; both are good until then."""
    (old,) = gateway["certificates"]
    before = datetime.datetime.utcnow()
    new, superseded = renew(service, gateway, FORCED)["certificates"]
    assert superseded["serial"] == old["serial"] and new["serial"] != old["serial"]
    assert new["until"] is None
    overlap = as_time(superseded["until"]) - before
    assert datetime.timedelta(days=30, seconds=-60) < overlap < datetime.timedelta(days=30, seconds=60)


def test_never_three(service, gateway):
    first = gateway["certificates"][0]["serial"]
    second = renew(service, gateway, FORCED)["certificates"][0]["serial"]
    serials = [c["serial"] for c in renew(service, gateway, FORCED)["certificates"]]
    assert len(serials) == 2 and serials[1] == second and first not in serials


def test_revoke_old(service, gateway):
    renewed = renew(service, gateway, {**FORCED, "revoke_old": True})
    (new,) = renewed["certificates"]
    assert new["serial"] != gateway["certificates"][0]["serial"]
    assert renewed["prefix"] == gateway["prefix"]


def test_bad_bodies(service, gateway):
    path = f"/gateway/{gateway['name']}/renew"
    for body, field in (({"force": 1}, "force"), ({"revoke_old": "yes"}, "revoke_old"), ({"when": "now"}, "when"),
                        ({"reason": 5}, "reason"), ({**FORCED, "reason": "a\nb"}, "reason"),
                        ({**FORCED, "reason": "x" * 501}, "reason")):
        assert_problem(service.post(path, body), 400, "invalid", field)
    assert service.get(f"/gateway/{gateway['name']}").json() == gateway


def test_tag_moves_with_the_certificates(service, gateway):
    """The gateway's file stays the same, what it shows does not."""
    path = f"/gateway/{gateway['name']}"
    before = service.get(path).headers["ETag"]
    renew(service, gateway, FORCED)
    after = service.get(path).headers["ETag"]
    assert before != after and before.split("-")[0] == after.split("-")[0]
    problem = assert_problem(service.delete(path, headers={"If-Match": before}), 412, "stale")
    assert problem["changed_in"] == service.head() and "renew" in problem["detail"]
