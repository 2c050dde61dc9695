"""Idempotency-Key: the first answer again, also after a restart and a crash; never two commits for one key."""
import concurrent.futures
import hashlib
import os
import signal
import subprocess
import time

import pytest

from history import done, intent
from service import assert_problem


def keyed(service, path, body, key, **headers):
    return service.ask("POST", path, body, headers={"Idempotency-Key": key, **headers})


def again(service, first, path, body, key):
    """Ask once more: no commit, the same status, place and commit, and the header that says so."""
    head = service.head()
    answer = keyed(service, path, body, key)
    assert answer.status_code == first.status_code, answer.text
    assert answer.headers["Idempotent-Replay"] == "true" and "Idempotent-Replay" not in first.headers
    assert answer.headers["Location"] == first.headers["Location"]
    assert answer.headers["X-Commit"] == first.headers["X-Commit"]
    assert service.head() == head
    return answer


def ordered(body):
    """Lists of names and files are sets."""
    return {key: sorted(value, key=str) if isinstance(value, list) else value for key, value in body.items()}


def crash(service):
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    service.process = None
    service.start()


REQUESTS = [
    ("/users", {"name": "eve"}),
    ("/gateways", {"name": "b.example.org", "user": "joe"}),
    ("/gateway/a.example.org/renew", {"force": True, "reason": "lost"}),
    ("/rollback", {"to": "HEAD~1"}),
    ("/commit/HEAD/revert", {"reason": "wrong"}),
    ("/commit/HEAD/revert", None),
    ("/batch", {"changes": [{"op": "user.create", "name": "eve"}]}),
]


@pytest.mark.parametrize("path, body", REQUESTS, ids=[path for path, _ in REQUESTS])
def test_every_mutation(fresh, path, body):
    """Replayed at once, after other changes, after a restart and after a crash."""
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    fresh.user("ann")
    first = keyed(fresh, path, body, "k-1")
    assert first.status_code == 201, first.text
    commit = fresh.head()
    assert ordered(again(fresh, first, path, body, "k-1").json()) == ordered(first.json())
    fresh.user("late")
    for step in (lambda: None, lambda: fresh.stop() or fresh.start(), lambda: crash(fresh)):
        step()
        answer = again(fresh, first, path, body, "k-1")
        assert answer.headers["X-Commit"] == commit
    other = {"name": "other"} if path == "/users" else {**(body or {}), "reason": "another"}
    if path not in ("/gateways",):
        assert_problem(keyed(fresh, path, other, "k-1"), 422, "idempotency_mismatch")
    assert_problem(keyed(fresh, "/users", {"name": "zoe"}, "k-1"), 422, "idempotency_mismatch")
    assert fresh.get("/user/zoe").status_code == 404


def test_a_batch_is_told_again(fresh):
    """Issued, revoked and files, off the commit."""
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    body = {"changes": [{"op": "gateway.delete", "name": "a.example.org"},
                        {"op": "gateway.create", "name": "b.example.org", "user": "joe"}]}
    first = keyed(fresh, "/batch", body, "k")
    told = done(again(fresh, first, "/batch", body, "k"))
    assert ordered(told) == ordered(first.json()) and len(told["issued"]) == len(told["revoked"]) == 1


def test_the_same_members_in_another_order(fresh):
    """The body as what it says, not as its bytes; a query says only why."""
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    fresh.user("joe")
    first = fresh.ask("POST", "/gateways", headers=headers, data='{"name":"a.example.org","user":"joe"}')
    second = fresh.ask("POST", "/gateways?reason=again", headers=headers, data='{ "user": "joe",\n"name": "a.example.org" }')
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.headers["Idempotent-Replay"] == "true" and second.json() == first.json()


def test_the_object_as_it_is_now(fresh):
    first = keyed(fresh, "/users", {"name": "joe"}, "k")
    fresh.patch("/user/joe", {"enabled": False})
    assert again(fresh, first, "/users", {"name": "joe"}, "k").json()["enabled"] is False
    fresh.delete("/user/joe")
    answer = again(fresh, first, "/users", {"name": "joe"}, "k").json()
    assert answer["name"] == "joe" and "could not be read back" in answer["warnings"][0]


def test_beside_if_match(fresh):
    """The first request moved the tag that it was bound to; its replay is answered, another request is not."""
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    path, body = "/gateway/a.example.org/renew", {"force": True, "reason": "lost"}
    tag = fresh.get("/gateway/a.example.org").headers["ETag"]
    first = keyed(fresh, path, body, "k", **{"If-Match": tag})
    assert first.status_code == 201
    second = keyed(fresh, path, body, "k", **{"If-Match": tag})
    assert (second.status_code, second.headers["Idempotent-Replay"]) == (201, "true")
    problem = assert_problem(keyed(fresh, path, body, "other", **{"If-Match": tag}), 412, "stale")
    assert problem["changed_in"] == first.headers["X-Commit"]


def test_a_refusal_is_no_answer(fresh):
    """What was refused made nothing: the key is free."""
    assert_problem(keyed(fresh, "/gateways", {"name": "a.example.org", "user": "joe"}, "k"), 404, "not_found")
    fresh.user("joe")
    answer = keyed(fresh, "/gateways", {"name": "a.example.org", "user": "joe"}, "k")
    assert answer.status_code == 201 and "Idempotent-Replay" not in answer.headers


def test_a_dry_run_is_no_answer(fresh):
    assert keyed(fresh, "/users?dry_run=1", {"name": "joe"}, "k").status_code == 200
    answer = keyed(fresh, "/users", {"name": "joe"}, "k")
    assert answer.status_code == 201 and "Idempotent-Replay" not in answer.headers


def test_nothing_to_do_stays_nothing(fresh):
    """A rollback that had nothing to do does nothing later either."""
    fresh.user("joe")
    then = fresh.head()
    first = keyed(fresh, "/rollback", {"to": then}, "k")
    assert first.json()["commit"] == then
    fresh.user("ann")
    again(fresh, first, "/rollback", {"to": then}, "k")
    assert intent(fresh) != intent(fresh, then)


def test_many_at_once(fresh):
    """One commit, one first answer, the others are told that they are replays."""
    count = int(fresh.git("rev-list", "--count", "main"))
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: keyed(fresh, "/users", {"name": "joe"}, "k"), range(48)))
    assert [answer.status_code for answer in answers] == [201] * 48
    assert len([a for a in answers if "Idempotent-Replay" not in a.headers]) == 1
    assert len({answer.headers["X-Commit"] for answer in answers}) == 1
    assert int(fresh.git("rev-list", "--count", "main")) == count + 1


def test_many_keys_at_once(fresh):
    """Two requests under each of twenty keys, all in flight: the one is made, the other is refused."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: keyed(fresh, "/users", {"name": f"u{i}"}, f"k{i // 2}"), range(40)))
    assert sorted(a.status_code for a in answers) == [201] * 20 + [422] * 20
    assert len(fresh.get("/users").json()) == 20


def test_the_trailer(fresh):
    """Digests alone: a key may be a secret of the client's."""
    keyed(fresh, "/users", {"name": "joe"}, "a-secret-of-mine")
    text = fresh.git("log", "-1", "--format=%B")
    whose = hashlib.sha256(b"admin\0a-secret-of-mine").hexdigest()
    what = hashlib.sha256(b'POST\0/users\0{"name":"joe"}').hexdigest()
    assert f"\nIdempotency-Key: {whose} {what}\n" in text and "a-secret-of-mine" not in text


@pytest.mark.parametrize("hours, status", [(23, 201), (25, 409)])
def test_a_day(fresh, hours, status):
    """A key is good for a day by its commit's time; the service starts on a history that ends with such a commit."""
    fresh.user("joe")
    fresh.stop()
    whose = hashlib.sha256(b"admin\0k").hexdigest()
    what = hashlib.sha256(b'POST\0/users\0{"name":"joe"}').hexdigest()
    date = f"{int(time.time()) - hours * 3600} +0000"
    environment = dict(os.environ, GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date, GIT_AUTHOR_NAME="admin",
                       GIT_AUTHOR_EMAIL="admin@vpnunit", GIT_COMMITTER_NAME="vpnunit", GIT_COMMITTER_EMAIL="v@vpnunit")
    made = subprocess.run(
        ["git", "-c", f"safe.directory={fresh.repository}", "--git-dir", fresh.repository, "commit-tree", "main^{tree}", "-p",
         "main", "-m", f"user joe: create\n\nChange: user.create\nIdempotency-Key: {whose} {what}\n"],
        check=True, capture_output=True, text=True, env=environment, timeout=60).stdout.strip()
    fresh.git("update-ref", "refs/heads/main", made)
    fresh.start()
    answer = keyed(fresh, "/users", {"name": "joe"}, "k")
    assert answer.status_code == status, answer.text
    assert status != 201 or answer.headers["X-Commit"] == made


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, "\u00fc".encode("utf-8")])
def test_bad_keys(service, key):
    answer = service.ask("POST", "/users", {"name": "never"}, headers={"Idempotency-Key": key})
    assert_problem(answer, 400, "invalid", "Idempotency-Key")
    assert service.get("/user/never").status_code == 404


def test_other_methods_have_no_need_of_it(service, user):
    path = f"/user/{user['name']}"
    for enabled in (False, True):
        answer = service.patch(path, {"enabled": enabled}, headers={"Idempotency-Key": "k"})
        assert answer.json()["enabled"] is enabled
