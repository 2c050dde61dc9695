"""Goal: who had an address at any moment is told right, whoever has its id or name today."""
import time

import pytest

from service import assert_problem


def whois(service, address, at=None):
    answer = service.get(f"/address/{address}", params={"at": at} if at else {})
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"user", "gateway", "prefix", "since", "until", "commit", "actor"}
    return answer.json()


def who(service, address, at=None):
    answer = service.get(f"/address/{address}", params={"at": at} if at else {})
    return (answer.json()["user"], answer.json()["gateway"]) if answer.ok else answer.status_code


def test_a_gateway(service, user, gateway):
    told = whois(service, gateway["address"])
    assert told["user"] == user["name"] and told["gateway"] == gateway["name"]
    assert told["prefix"] == gateway["prefix"] and told["until"] is None and told["actor"] == "admin"
    entry = service.get("/log", params={"gateway": gateway["name"]}).json()[-1]
    assert told["commit"] == entry["commit"] and told["since"] == entry["time"] == gateway["created"]


def test_hosts_behind_it(service, user, gateway):
    stem = gateway["prefix"].split("::")[0]
    for network in "07f":
        assert who(service, f"{stem[:-1]}{network}:aaaa:bbbb:cccc:dddd") == (user["name"], gateway["name"])


def test_a_user_without_the_gateway(service, user):
    stem = user["prefix"].split("00::/56")[0]
    told = whois(service, f"{stem}f7::1")
    assert told["user"] == user["name"] and told["gateway"] is None and told["prefix"] == user["prefix"]


def test_nobody(service, gateway):
    assert_problem(service.get("/address/2001:db8:0:fe00::1"), 404, "not_found")
    assert_problem(service.get("/address/2001:db8::1"), 404, "not_found")  # the server's own
    assert_problem(service.get("/address/2001:db9::1"), 404, "not_found")
    assert_problem(service.get(f"/address/{gateway['address']}?at=HEAD~2"), 404, "not_found")  # before both


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1%2F64", "joe", "fe80::1%25eth0"])
def test_no_address(service, address):
    assert service.get(f"/address/{address}").status_code == 400


def test_names_and_ids_reused(fresh):
    """One /60 over its life: given, taken, free, given to another gateway of another user under an old name."""
    def commit(answer):
        assert answer.ok, answer.text
        return answer.headers["X-Commit"]

    first = commit(fresh.post("/users", {"name": "joe", "id": "02"}))
    given = commit(fresh.post("/gateways", {"name": "a.example.org", "user": "joe", "id": "7"}))
    address = fresh.get("/gateway/a.example.org").json()["address"]
    renamed = commit(fresh.patch("/user/joe", {"name": "jane"}))
    taken = commit(fresh.delete("/gateway/a.example.org"))
    elsewhere = commit(fresh.post("/users", {"name": "joe"}))  # a new joe, who takes the name of the gateway, too
    commit(fresh.post("/gateways", {"name": "a.example.org", "user": "joe"}))
    again = commit(fresh.post("/gateways", {"name": "b.example.org", "user": "jane", "id": "7"}))
    gone = commit(fresh.delete("/user/jane?cascade=1"))
    back = commit(fresh.post("/users", {"name": "eve", "id": "02"}))

    assert who(fresh, address, "HEAD~9") == 404  # the first commit of all
    assert who(fresh, address, first) == ("joe", None)
    assert who(fresh, address, given) == ("joe", "a.example.org")
    assert who(fresh, address, renamed) == ("jane", "a.example.org")
    assert who(fresh, address, taken) == ("jane", None)
    assert who(fresh, address, elsewhere) == ("jane", None)
    assert who(fresh, address, again) == ("jane", "b.example.org")
    assert who(fresh, address, gone) == 404
    assert who(fresh, address, back) == who(fresh, address) == ("eve", None)
    assert whois(fresh, address, renamed)["commit"] == given  # the device has had it since before its user's new name
    assert whois(fresh, address, taken)["commit"] == renamed  # the name that had the /56
    assert whois(fresh, address, given)["until"] is not None and whois(fresh, address)["until"] is None


def test_at_a_time(fresh):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    address = fresh.get("/gateway/a.example.org").json()["address"]
    then = fresh.get("/log?limit=1").json()[0]["time"]
    time.sleep(1.2)
    fresh.delete("/gateway/a.example.org").raise_for_status()
    now = fresh.get("/log?limit=1").json()[0]["time"]
    assert who(fresh, address, then) == ("joe", "a.example.org")
    assert who(fresh, address, now) == who(fresh, address, now[:10]) == ("joe", None)
    assert who(fresh, address, "2020-01-01") == 404
    assert whois(fresh, address, then)["until"] == now


def test_rollback_gives_it_back(fresh):
    """An undone deletion is a tenure of its own: the address was nobody's in between."""
    fresh.user("joe")
    before = fresh.post("/gateways", {"name": "a.example.org", "user": "joe"}).headers["X-Commit"]
    address = fresh.get("/gateway/a.example.org").json()["address"]
    between = fresh.delete("/gateway/a.example.org").headers["X-Commit"]
    after = fresh.post("/rollback", {"to": before}).headers["X-Commit"]
    assert [who(fresh, address, at)[1] for at in (before, between, after)] == ["a.example.org", None, "a.example.org"]
    assert whois(fresh, address)["commit"] == after
    assert "gateway:a.example.org" in fresh.get("/log?limit=1").json()[0]["objects"]


def test_whois(fresh):
    fresh.user("joe")
    gateway = fresh.gateway("a.example.org", "joe")
    fresh.delete("/gateway/a.example.org").raise_for_status()
    beside = fresh.run("whois", gateway["address"], "--at", "HEAD~1").stdout
    assert beside.splitlines()[:3] == ["gateway a.example.org", "user    joe", f"prefix  {gateway['prefix']}"]
    assert "until   now" not in beside and "until   now" in fresh.run("whois", gateway["address"]).stdout
    nobody = fresh.run("whois", "2001:db8:0:fe00::1", check=False)
    assert nobody.returncode == 1 and "nobody" in nobody.stderr
    fresh.stop()
    assert fresh.run("whois", gateway["address"], "--at", "HEAD~1").stdout == beside
    assert fresh.run("whois", "2001:db8:0:fe00::1", check=False).returncode == 1
    assert fresh.run("whois", check=False).returncode == 2
