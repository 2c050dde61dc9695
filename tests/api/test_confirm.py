"""Goal: Confirm-Within undoes a change completely unless it is confirmed in time, whatever happens to the service."""
import json
import os
import subprocess

import pytest

from service import assert_problem, wait_for

WITHIN = {"Confirm-Within": "30"}


def crl(service):
    return subprocess.run(["openssl", "crl", "-in", os.path.join(service.data, "pki", "crl.pem"), "-noout", "-text"],
                          check=True, capture_output=True, text=True).stdout


def is_revoked(service, name):
    """What openssl says of the certificate that the gateway has, or had."""
    path = os.path.join(service.data, "..", name + ".crt")
    pki = os.path.join(service.data, "pki")
    return subprocess.run(["openssl", "verify", "-crl_check", "-CAfile", os.path.join(pki, "ca.crt"), "-CRLfile",
                           os.path.join(pki, "crl.pem"), path], check=False, capture_output=True).returncode != 0


@pytest.fixture
def net(fresh):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    with open(os.path.join(fresh.data, "pki", "issued", "a.example.org.crt"), encoding="ascii") as file:
        certificate = file.read()
    with open(os.path.join(fresh.data, "..", "a.example.org.crt"), "w", encoding="ascii") as file:
        file.write(certificate)
    return fresh


def pending(service):
    return service.get("/state").json()["pending"]


def intent(service, commit="HEAD"):
    return service.git("ls-tree", "-r", commit, "users", "servers")


def pass_the_deadline(service):
    """Stop, set the deadline back as if time had passed, start: the history is what tells."""
    service.process.kill()
    service.process.wait()
    clone = os.path.join(service.data, "..", "clone")
    subprocess.run(["git", "clone", "-q", service.repository, clone], check=True)
    path = os.path.join(clone, "pending.json")
    with open(path, encoding="utf-8") as file:
        told = json.load(file)
    told["deadline"] = told["at"]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(told, file, indent=2, sort_keys=True)
        file.write("\n")
    # Amended, so that the commit that waits is still the one that brought the file.
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--amend", "--no-edit", "-a"],
                   cwd=clone, check=True, capture_output=True)
    service.git("fetch", "-q", clone, "+HEAD:refs/heads/main")
    for name in ("database.sqlite3", "database.sqlite3-wal", "database.sqlite3-shm"):
        if os.path.exists(os.path.join(service.data, name)):
            os.remove(os.path.join(service.data, name))
    service.start()


def test_confirmed(net):
    answer = net.delete("/gateway/a.example.org", headers=WITHIN)
    assert answer.status_code == 204
    commit = net.head()
    told = pending(net)
    assert told["commit"] == commit and told["deadline"]
    assert net.get("/gateway/a.example.org").status_code == 404
    assert "Certificate Hold" in crl(net) and is_revoked(net, "a.example.org")
    assert net.post("/confirm/" + commit).status_code == 200
    assert pending(net) is None
    assert "Certificate Hold" not in crl(net) and is_revoked(net, "a.example.org")
    assert net.get("/render").json() == {"differences": []}


def test_undone_on_request(net):
    before = intent(net)
    net.delete("/gateway/a.example.org", headers=WITHIN)
    assert is_revoked(net, "a.example.org")
    assert net.delete("/confirm/" + net.head()).status_code == 200
    assert intent(net) == before
    assert pending(net) is None and not is_revoked(net, "a.example.org")
    assert len(net.get("/gateway/a.example.org").json()["certificates"]) == 1
    assert net.get("/render").json() == {"differences": []}
    assert net.git("fsck", "--strict") == ""


def test_what_it_issued_is_revoked_by_the_undo(net):
    made = net.post("/gateways", {"name": "b.example.org", "user": "joe"}, headers=WITHIN)
    assert made.status_code == 201
    assert net.delete("/confirm/" + net.head()).status_code == 200
    assert net.get("/gateway/b.example.org").status_code == 404
    assert made.json()["certificates"][0]["serial"].upper() in crl(net)


def test_a_renewal_is_undone_whole(net):
    old = net.get("/gateway/a.example.org").json()["certificates"][0]
    net.ask("POST", "/gateway/a.example.org/renew", {"force": True, "reason": "x", "revoke_old": True}, headers=WITHIN)
    assert is_revoked(net, "a.example.org")
    assert net.delete("/confirm/" + net.head()).status_code == 200
    assert net.get("/gateway/a.example.org").json()["certificates"] == [old]


def test_nothing_else_meanwhile(net):
    net.user("ann")
    net.ask("PATCH", "/user/ann", {"name": "anna"}, headers=WITHIN)
    problem = assert_problem(net.post("/users", {"name": "eve"}), 409, "pending_confirmation")
    assert problem["deadline"]
    assert_problem(net.post("/rollback", {"to": "HEAD~1"}), 409, "pending_confirmation")
    assert_problem(net.delete("/gateway/a.example.org", headers=WITHIN), 409, "pending_confirmation")
    assert net.patch("/gateway/a.example.org", {"enabled": False}).status_code == 200  # it takes away
    assert net.delete("/gateway/a.example.org").status_code == 204
    assert_problem(net.post("/confirm/" + net.head()), 409, "not_pending")
    waiting = pending(net)["commit"]
    assert net.delete("/confirm/" + waiting).status_code == 200
    assert net.get("/user/ann").status_code == 200
    assert net.get("/gateway/a.example.org").status_code == 404  # what was taken away stays so
    assert_problem(net.post("/confirm/" + waiting), 404, "nothing_pending")


def test_bad_values(net):
    for value in ("0", "29", "86401", "x", "-5", "30.5", ""):
        assert_problem(net.post("/users", {"name": "eve"}, headers={"Confirm-Within": value}), 400, "invalid",
                       "Confirm-Within")


def test_not_confirmed_in_time(net):
    """30 s pass for real."""
    before = intent(net)
    net.delete("/user/joe?cascade=1", headers=WITHIN)
    wait_for(lambda: pending(net) is None, 35)
    assert intent(net) == before
    assert net.git("log", "-1", "--format=%an %s").startswith("auto-rollback undo: ")
    assert not is_revoked(net, "a.example.org")


def test_the_deadline_passes_while_the_service_is_dead(net):
    before = intent(net)
    net.delete("/gateway/a.example.org", headers=WITHIN)
    pass_the_deadline(net)
    wait_for(lambda: pending(net) is None, 10)
    assert intent(net) == before
    assert not is_revoked(net, "a.example.org")


def test_who_went_meanwhile_is_let_in_nowhere(net):
    """The undo brings a gateway back that let a user in who has been deleted since."""
    net.user("eve")
    net.gateway("b.example.org", "joe", allow=["tcp/22", {"from": "user:eve", "ports": "25", "proto": "tcp"}])
    net.delete("/gateway/b.example.org", headers=WITHIN)
    waiting = net.head()
    assert net.delete("/user/eve").status_code == 204
    assert net.delete("/confirm/" + waiting).status_code == 200
    assert net.get("/gateway/b.example.org").json()["allow"] == ["tcp/22"]


def test_what_it_made_goes_though_it_was_switched_off_since(net):
    made = net.post("/gateways", {"name": "b.example.org", "user": "joe"}, headers=WITHIN)
    waiting = net.head()
    assert net.patch("/gateway/b.example.org", {"enabled": False}).status_code == 200
    assert net.delete("/confirm/" + waiting).status_code == 200
    assert net.get("/gateway/b.example.org").status_code == 404
    assert made.json()["certificates"][0]["serial"].upper() in crl(net)


def test_an_opening_closes_though_part_of_it_went_since(net):
    net.user("eve")
    net.patch("/gateway/a.example.org", {"inbound": "allow", "allow": ["tcp/22", {"from": "user:eve", "ports": "25",
                                                                               "proto": "tcp"}]}, headers=WITHIN)
    waiting = net.head()
    assert net.delete("/user/eve").status_code == 204
    assert net.patch("/gateway/a.example.org", {"enabled": False}).status_code == 200
    assert net.delete("/confirm/" + waiting).status_code == 200
    gateway = net.get("/gateway/a.example.org").json()
    assert gateway["inbound"] == "deny" and gateway["allow"] == [] and gateway["enabled"] is False
