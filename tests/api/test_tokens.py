"""Named tokens: who may do what, by whatever way it is tried."""
import hashlib
import json
import time

import pytest
import requests

from service import assert_problem, is_time


class Holder:
    """Somebody with a token of his own."""

    def __init__(self, service, answer):
        self.service, self.answer, self.token = service, answer, answer["token"]

    def ask(self, method, path, body=None, **options):
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.service.ask(method, path, body, headers=headers, **options)


def give(service, name, role, **members):
    answer = service.post("/tokens", {"name": name, "role": role, **members})
    assert answer.status_code == 201, answer.text
    return Holder(service, answer.json())


def test_is_shown_once(service, name):
    """256 bits in the answer alone; the state has their SHA-256, the list neither."""
    answer = service.post("/tokens", {"name": name, "role": "auditor", "expires": "2036-01-01T00:00:00Z"})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/token/{name}"
    assert answer.headers["Cache-Control"] == "no-store"
    token = answer.json()
    secret = token.pop("token")
    assert len(bytes.fromhex(secret)) == 32
    assert is_time(token.pop("created"))
    assert token.pop("warning", token.pop("deployed", None)) is None
    assert token == {"name": name, "role": "auditor", "user": None, "gateway": None,
                     "expires": "2036-01-01T00:00:00Z", "state": "valid"}
    listed = service.get("/tokens")
    assert secret not in listed.text and hashlib.sha256(secret.encode()).hexdigest() not in listed.text
    assert name in [entry["name"] for entry in listed.json()]
    kept = json.loads(service.git("show", f"main:access/tokens/{name}.json"))
    assert kept["digest"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in service.git("log", "-p", "--all") + service.read_log()


def test_actor_is_its_name(service, name):
    holder = give(service, name, "operator")
    answer = holder.ask("POST", "/users", {"name": f"u-{name}"})
    assert answer.status_code == 201, answer.text
    assert service.git("log", "-1", "--format=%an %cn", "main").strip() == f"{name} vpnunit"
    assert service.get(f"/log?actor={name}").json()[0]["actor"] == name


@pytest.mark.parametrize("body, field", [
    ({"name": "x", "role": "king"}, "role"),
    ({"name": "-x", "role": "admin"}, "name"),
    ({"name": "x", "role": "gateway"}, "gateway"),
    ({"name": "x", "role": "admin", "user": "scopes"}, "user"),
    ({"name": "x", "role": "operator", "expires": "2020-01-01T00:00:00Z"}, "expires"),
    ({"name": "x", "role": "operator", "expires": "tomorrow"}, "expires"),
    ({"name": "x", "role": "operator", "more": 1}, "more"),
])
def test_bad_bodies(service, body, field):
    if service.get("/user/scopes").status_code == 404:
        service.user("scopes")
    assert_problem(service.post("/tokens", body), 400, "invalid", field)


def test_names(service, name):
    give(service, name, "auditor")
    assert_problem(service.post("/tokens", {"name": name, "role": "admin"}), 409, "name_taken")
    for own in ("admin", "vpnunit", "root", "auto-rollback"):
        assert_problem(service.post("/tokens", {"name": own, "role": "auditor"}), 409, "name_taken")
    assert_problem(service.delete("/token/nobody"), 404, "not_found")
    assert_problem(service.post("/tokens", {"name": "x", "role": "operator", "user": "nobody"}), 404, "not_found")


def test_auditor(service, name, gateway):
    """Reads everything but private keys, changes nothing."""
    auditor = give(service, name, "auditor")
    for path in ("/users", "/gateways", f"/gateway/{gateway['name']}", "/log", "/state", "/tokens", "/network"):
        assert auditor.ask("GET", path).status_code == 200, path
    assert_problem(auditor.ask("GET", f"/gateway/{gateway['name']}/config"), 403, "forbidden")
    assert_problem(auditor.ask("POST", "/users", {"name": "x"}), 403, "forbidden")
    assert_problem(auditor.ask("POST", "/users?dry_run=1", {"name": "x"}), 403, "forbidden")
    assert_problem(auditor.ask("POST", "/render"), 403, "forbidden")


def test_operator(service, name, gateway):
    """Users and gateways, by every way; no tokens, no settings, no rollback."""
    operator = give(service, name, "operator")
    head = service.head()
    assert operator.ask("PATCH", f"/gateway/{gateway['name']}", {"enabled": False}).status_code == 200
    assert operator.ask("GET", f"/gateway/{gateway['name']}/config").status_code == 200
    assert operator.ask("POST", "/commit/HEAD/revert").status_code == 201
    assert operator.ask("POST", "/batch", {"changes": [{"op": "user.create", "name": f"b-{name}"}]}).status_code == 201
    for method, path, body in (
            ("POST", "/tokens", {"name": "mine", "role": "admin"}), ("DELETE", f"/token/{name}", None),
            ("POST", "/signers", {"name": "me", "key": KEY}), ("POST", "/rollback", {"to": head}),
            ("POST", "/push", {"old": head, "new": head, "actor": "admin", "pusher": "x"})):
        assert_problem(operator.ask(method, path, body), 403, "forbidden")


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me"


def test_settings_are_an_admins(fresh):
    """A revert is judged by what it would write: of users yes, of the network no."""
    fresh.user("joe")
    operator = give(fresh, "op", "operator")
    admin = give(fresh, "boss", "admin")
    answer = fresh.patch("/network", {"defaults": {"inbound": "allow"}})
    if answer.status_code == 405:
        pytest.skip("there is no PATCH /network")
    assert answer.status_code == 200, answer.text
    assert_problem(operator.ask("PATCH", "/network", {"defaults": {"inbound": "deny"}}), 403, "forbidden")
    assert_problem(operator.ask("POST", "/commit/HEAD/revert"), 403, "forbidden")
    assert admin.ask("POST", "/commit/HEAD/revert").status_code == 201


def test_scope(service, name):
    """One user's gateways alone: others are as if they were not there, and cannot be reached by detours."""
    mine, other = service.user(f"mine-{name}"), service.user(f"other-{name}")
    foreign = service.gateway(f"foreign.{name}.example.org", other["name"])
    scoped = give(service, name, "operator", user=mine["name"])
    made = scoped.ask("POST", "/gateways", {"name": f"own.{name}.example.org", "user": mine["name"]})
    assert made.status_code == 201, made.text
    own = made.json()["name"]
    assert [user["name"] for user in scoped.ask("GET", "/users").json()] == [mine["name"]]
    assert [gateway["name"] for gateway in scoped.ask("GET", "/gateways").json()] == [own]
    assert [g["name"] for g in scoped.ask("GET", f"/gateways?user={other['name']}").json()] == [own]
    assert scoped.ask("PATCH", f"/gateway/{own}", {"allow": ["tcp/22"]}).status_code == 200
    assert scoped.ask("GET", f"/gateway/{own}/config").status_code == 200
    assert scoped.ask("POST", f"/gateway/{own}/renew", {"force": True, "reason": "x"}).status_code == 201
    for method, path in (("GET", ""), ("GET", "/config"), ("DELETE", ""), ("POST", "/renew")):
        assert_problem(scoped.ask(method, f"/gateway/{foreign['name']}{path}"), 404, "not_found")
    assert_problem(scoped.ask("GET", f"/user/{other['name']}"), 404, "not_found")
    changes = [{"op": "gateway.patch", "name": own, "enabled": False}, {"op": "gateway.delete", "name": foreign["name"]}]
    assert_problem(scoped.ask("POST", "/batch", {"changes": changes}), 403, "forbidden")
    assert_problem(scoped.ask("POST", "/gateways", {"name": f"x.{name}", "user": other["name"]}), 403, "forbidden")
    for method, path, body in (("POST", "/users", {"name": "x"}), ("GET", "/log", None), ("GET", "/state", None),
                               ("PATCH", f"/user/{mine['name']}", {"enabled": True}), ("GET", "/tokens", None),
                               ("GET", f"/gateway/{own}?at=HEAD", None),
                               ("POST", "/commit/HEAD/revert", None)):
        assert_problem(scoped.ask(method, path, body), 403, "forbidden")
    assert_problem(scoped.ask("DELETE", f"/gateway/{own}", headers={"Confirm-Within": "60"}), 403, "forbidden")
    assert scoped.ask("DELETE", f"/gateway/{own}").status_code == 204
    assert service.get(f"/gateway/{foreign['name']}").status_code == 200


def test_scope_is_the_person(fresh):
    """Renamed, he keeps it; gone, it is good for nothing, whoever gets the name; back by rollback, it is again."""
    fresh.user("joe")
    joe = give(fresh, "joes", "operator", user="joe")
    assert fresh.patch("/user/joe", {"name": "joseph"}).status_code == 200
    fresh.user("joe")
    assert [user["name"] for user in joe.ask("GET", "/users").json()] == ["joseph"]
    assert_problem(joe.ask("POST", "/gateways", {"name": "a.example.org", "user": "joe"}), 403, "forbidden")
    before = fresh.head()
    assert fresh.delete("/user/joseph").status_code == 204
    assert_problem(joe.ask("GET", "/users"), 401, "token_invalid")
    assert [token["state"] for token in fresh.get("/tokens").json()] == ["gone"]
    assert fresh.post("/rollback", {"to": before}).status_code == 201
    assert joe.ask("GET", "/users").status_code == 200


def test_gateway(service, name, gateway):
    """Its own configuration and its own renewal, when that is due."""
    other = service.gateway(f"other.{name}.example.org", gateway["user"])
    router = give(service, name, "gateway", gateway=gateway["name"])
    path = f"/gateway/{gateway['name']}"
    config = router.ask("GET", f"{path}/config")
    assert config.status_code == 200 and "PRIVATE KEY" in config.text
    assert router.ask("GET", path).json()["name"] == gateway["name"]
    assert router.ask("GET", "/crl.pem").status_code == 200
    assert_problem(router.ask("POST", f"{path}/renew"), 409, "not_renewable_yet")
    assert_problem(router.ask("POST", f"{path}/renew", {"force": True, "reason": "x"}), 403, "forbidden")
    for method, place in (("GET", f"/gateway/{other['name']}"), ("GET", f"/gateway/{other['name']}/config"),
                          ("POST", f"/gateway/{other['name']}/renew")):
        assert_problem(router.ask(method, place), 404, "not_found")
    for method, place, body in (("GET", "/users", None), ("GET", "/gateways", None), ("DELETE", path, None),
                                ("PATCH", path, {"enabled": True}), ("GET", "/state", None), ("GET", "/log", None)):
        assert_problem(router.ask(method, place, body), 403, "forbidden")
    assert service.delete(path).status_code == 204
    service.gateway(gateway["name"], gateway["user"])
    assert_problem(router.ask("GET", f"{path}/config"), 401, "token_invalid")


def test_expires(service, name):
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    holder = give(service, name, "auditor", expires=end)
    assert holder.ask("GET", "/users").status_code == 200
    time.sleep(3)
    assert_problem(holder.ask("GET", "/users"), 401, "token_expired")
    assert [t["state"] for t in service.get("/tokens").json() if t["name"] == name] == ["expired"]


def test_no_rollback_touches_them(fresh):
    """What was there stays, what was taken away stays away: by rollback, revert, a push and an old file."""
    before = fresh.head()
    fresh.user("joe")
    kept, gone = give(fresh, "kept", "admin"), give(fresh, "gone", "admin")
    with_both = fresh.head()
    assert fresh.delete("/token/gone").status_code == 204
    assert_problem(gone.ask("GET", "/users"), 401, "token_invalid")
    removal = fresh.git("show", "--format=", "--name-status", "main").split()
    digest = hashlib.sha256(gone.token.encode()).hexdigest()
    assert removal == ["D", "access/tokens/gone.json", "A", f"ledger/tokens/{digest}.json"]
    assert fresh.post("/rollback", {"to": before}).status_code == 201
    assert kept.ask("GET", "/users").json() == []
    assert fresh.post("/rollback", {"to": with_both}).status_code == 201
    assert_problem(gone.ask("GET", "/users"), 401, "token_invalid")
    assert_problem(fresh.post(f"/commit/{with_both}/revert"), 409, "nothing_to_revert")
    assert kept.ask("GET", "/users").status_code == 200
    again = give(fresh, "gone", "auditor")
    assert again.ask("GET", "/users").status_code == 200
    assert_problem(gone.ask("GET", "/users"), 401, "token_invalid")
    assert fresh.stop() == 0
    fresh.start()
    assert kept.ask("GET", "/users").status_code == 200
    assert_problem(gone.ask("GET", "/users"), 401, "token_invalid")
    assert fresh.run("verify").returncode == 0


def test_an_old_file_brings_none_back(fresh):
    """Who can write the repository gets no removed token past a start."""
    gone = give(fresh, "gone", "admin")
    old = fresh.git("rev-parse", "main:access/tokens/gone.json").strip()
    assert fresh.delete("/token/gone").status_code == 204
    fresh.stop()
    tree = fresh.git("ls-tree", "-r", "main")
    import subprocess
    environment = dict(fresh.environment, GIT_INDEX_FILE=fresh.data + "/index")
    git = ["git", "-c", f"safe.directory={fresh.repository}", "-c", "user.name=x", "-c", "user.email=x",
           "--git-dir", fresh.repository]
    lines = tree + f"100644 blob {old}\taccess/tokens/gone.json\n"
    subprocess.run([*git, "update-index", "--index-info"], input=lines, text=True, check=True, env=environment)
    new = subprocess.run([*git, "write-tree"], text=True, check=True, env=environment, capture_output=True).stdout
    commit = subprocess.run([*git, "commit-tree", new.strip(), "-p", "main", "-m", "x"], text=True, check=True,
                            env=environment, capture_output=True).stdout.strip()
    fresh.git("update-ref", "refs/heads/main", commit)
    with pytest.raises(RuntimeError, match="taken away"):
        fresh.start()
    assert gone


def test_confirm_within_is_refused(service, name):
    answer = service.post("/tokens", {"name": name, "role": "admin"}, headers={"Confirm-Within": "60"})
    assert_problem(answer, 400, "invalid", "Confirm-Within")


def test_a_replay_shows_nothing(service, name):
    body = {"name": name, "role": "auditor"}
    first = service.post("/tokens", body, headers={"Idempotency-Key": name})
    again = service.post("/tokens", body, headers={"Idempotency-Key": name})
    assert first.status_code == again.status_code == 201
    assert again.headers["Idempotent-Replay"] == "true"
    assert "token" in first.json() and "token" not in again.json()


def test_dry_run(service, name):
    head = service.head()
    answer = service.post("/tokens?dry_run=1", {"name": name, "role": "auditor"})
    assert answer.status_code == 200
    assert [file["path"] for file in answer.json()["state"]] == [f"access/tokens/{name}.json"]
    assert service.head() == head and "token" not in answer.json()


def test_signers(fresh):
    answer = fresh.post("/signers", {"name": "alice", "key": KEY})
    assert answer.status_code == 201 and answer.json()["key"] == KEY, answer.text
    assert json.loads(fresh.git("show", "main:access/signers/alice.json")) == {"name": "alice", "key": KEY}
    assert_problem(fresh.post("/signers", {"name": "alice", "key": KEY}), 409, "name_taken")
    assert_problem(fresh.post("/signers", {"name": "bob", "key": "ssh-rsa AAAA"}), 400, "invalid", "key")
    assert fresh.get("/signers").json() == [{"name": "alice", "key": KEY}]
    assert fresh.delete("/signer/alice").status_code == 204
    assert_problem(fresh.delete("/signer/alice"), 404, "not_found")
    assert fresh.get("/signers").json() == []


def test_bad_tokens_are_slowed_down(fresh):
    """Ten a minute are answered; a good one never waits; all are counted, and logged without the token."""
    def guess():
        return requests.get(fresh.url("/users"), headers={"Authorization": "Bearer guess-1234"}, timeout=10)

    for _ in range(10):
        assert_problem(guess(), 401, "token_invalid")
    for _ in range(50):
        answer = guess()
        assert_problem(answer, 429, "too_many_bad_tokens")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert fresh.get("/users").status_code == 200
    log = fresh.read_log()
    assert log.count("refused a token from 127.0.0.1") == 11
    assert "guess-1234" not in log
    # From elsewhere it is another matter.
    other = requests.get(fresh.url("/users", host="[::1]"), headers={"Authorization": "Bearer x"}, timeout=10)
    assert_problem(other, 401, "token_invalid")
    assert "refused a token from ::/64" in fresh.read_log()
