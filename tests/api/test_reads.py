"""One gateway is read from memory, many and what is not in place yet from the database: both say the same."""
import os

from service import wait_for

OPENINGS = ["tcp/22", {"proto": "udp", "ports": "5000-5010", "to": "1::80", "from": "user:bob"}]
FORCED = {"force": True, "reason": "a test"}


def fill(service):
    for user in ("alice", "bob", "carol"):
        service.user(user)
    service.gateway("plain.alice.example.org", "alice")
    service.gateway("open.alice.example.org", "alice", inbound="deny", allow=OPENINGS, routes="internet")
    service.gateway("off.bob.example.org", "bob", enabled=False)
    service.gateway("renewed.bob.example.org", "bob")
    assert service.post("/gateway/renewed.bob.example.org/renew", FORCED).status_code == 201
    service.gateway("replaced.bob.example.org", "bob")
    replaced = service.post("/gateway/replaced.bob.example.org/renew", {**FORCED, "revoke_old": True})
    assert replaced.status_code == 201
    service.gateway("stopped.carol.example.org", "carol")
    assert service.patch("/user/carol", {"enabled": False}).status_code == 200
    service.gateway("held.alice.example.org", "alice")
    held = service.post("/gateway/held.alice.example.org/renew", {**FORCED, "revoke_old": True},
                        headers={"Confirm-Within": "600"})
    assert held.status_code == 201, held.text


def assert_agree(service):
    every = service.get("/gateways").json()
    assert every
    for listed in every:
        one = service.get(f"/gateway/{listed['name']}")
        assert one.json() == listed and one.headers["X-Commit"] == service.head()


def test_one_is_as_in_the_list(fresh):
    fill(fresh)
    assert_agree(fresh)
    fresh.stop()
    fresh.start()
    assert_agree(fresh)


def test_what_is_not_in_place_is_not_read(fresh):
    fresh.user("alice")
    before = fresh.gateway("a.alice.example.org", "alice")
    rendered, folder = fresh.head(), os.path.join(fresh.data, "ip")
    os.rename(folder, f"{folder}.away")
    with open(folder, "w", encoding="ascii"):
        pass  # where a folder has to be
    answer = fresh.patch("/gateway/a.alice.example.org", {"enabled": False})
    assert answer.status_code == 200 and fresh.head() != rendered
    one = fresh.get("/gateway/a.alice.example.org")
    assert one.json() == before and one.headers["X-Commit"] == rendered
    os.remove(folder)
    os.rename(f"{folder}.away", folder)
    wait_for(lambda: fresh.get("/gateway/a.alice.example.org").json() == {**before, "enabled": False})
    assert fresh.get("/gateway/a.alice.example.org").headers["X-Commit"] == fresh.head()
