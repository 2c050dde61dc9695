"""The state repository, seen by stock git: one commit a change, trailers, fsck, clone."""
import json
import subprocess

import pytest

from service import assert_problem


def commits(service):
    return service.git("rev-list", "main").split()


def mutations(user, gateway):
    """Each mutation that there is: its request, the Change: trailer, part of its subject."""
    return [
        ("POST", "/users", {"name": user}, "user.create", f"user {user}: create"),
        ("POST", "/gateways", {"name": gateway, "user": user}, "gateway.create", f"gateway {gateway}: create for {user}"),
        ("PATCH", f"/gateway/{gateway}", {"inbound": "allow"}, "gateway.patch", f"gateway {gateway}:"),
        ("POST", f"/gateway/{gateway}/renew", {"force": True}, "gateway.renew", f"gateway {gateway}:"),
        ("PATCH", f"/user/{user}", {"enabled": False}, "user.patch", f"user {user}:"),
        ("DELETE", f"/gateway/{gateway}", None, "gateway.delete", f"gateway {gateway}: delete"),
        ("DELETE", f"/user/{user}", None, "user.delete", f"user {user}: delete"),
    ]


def test_each_mutation_is_one_commit(service, name):
    for method, path, body, change, subject in mutations(name, f"gw.{name}.example.org"):
        before = commits(service)
        answer = service.ask(method, path + "?reason=because%20of%20it", body, headers={"X-Request-Id": f"r-{change}"})
        assert answer.ok, answer.text
        after = commits(service)
        assert after[1:] == before and after[0] == answer.headers["X-Commit"]
        author, title, text = service.git("log", "-1", "--format=%an%x00%s%x00%B", "main").split("\0")
        assert author == "admin" and title.startswith(subject), title
        trailers = dict(line.split(": ", 1) for line in text.strip().split("\n\n")[-1].splitlines())
        assert trailers["Change"] == change
        assert trailers["Request-Id"] == f"r-{change}" and trailers["Reason"] == "because of it"


def test_reads_are_no_commits(service, gateway):
    head = service.head()
    for path in ("/users", "/gateways", f"/gateway/{gateway['name']}", f"/gateway/{gateway['name']}/config", "/state",
                 "/crl.pem"):
        assert service.get(path).status_code == 200
    assert service.head() == head


def test_refusals_are_no_commits(service, user, gateway):
    head = service.head()
    assert_problem(service.post("/users", {"name": user["name"]}), 409, "name_taken")
    assert_problem(service.delete(f"/user/{user['name']}"), 409, "has_gateways")
    assert_problem(service.post(f"/gateway/{gateway['name']}/renew"), 409, "not_renewable_yet")
    assert service.head() == head


def test_fsck(service, gateway):
    service.git("fsck", "--strict", "--no-dangling")


def test_clone(service, gateway, tmp_path):
    """A clone holds the same files, every one of them canonical JSON."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "-c", f"safe.directory={service.repository}", "clone", "--quiet", service.repository, clone],
                   check=True, timeout=60)
    files = [path for path in clone.rglob("*.json") if ".git" not in path.parts]
    assert any(gateway["name"] in path.read_text() for path in files if path.parent.name == "gateways")
    for path in files:
        printed = subprocess.run(["jq", "-S", ".", path], check=True, capture_output=True, text=True).stdout
        assert path.read_text() == printed, path


def test_path_is_address(service, user, gateway):
    path = f"users/{user['id'][0]}/{user['id'][1]}/gateways/{gateway['id']}.json"
    state = json.loads(service.git("show", f"main:{path}"))
    assert state["name"] == gateway["name"]


def test_no_secret_in_history(service, user):
    gateway = service.gateway(f"secret.{user['name']}.example.org", user["name"])
    profile = service.get(f"/gateway/{gateway['name']}/config").text
    key = profile.split("<key>\n-----BEGIN PRIVATE KEY-----\n")[1].splitlines()[0]
    objects = service.git("cat-file", "--batch-all-objects", "--batch-check").split("\n")
    blobs = [line.split()[0] for line in objects if " blob " in line]
    assert blobs
    everything = "".join(service.git("cat-file", "blob", blob) for blob in blobs)
    assert gateway["name"] in everything
    assert key not in everything and "PRIVATE KEY" not in everything


def test_vpnunit_git(service):
    assert service.run("git", "rev-parse", "main").stdout.strip() == service.head()


@pytest.mark.parametrize("text", ["user laptop", "\u202e"])
def test_reason_is_text(service, name, text):
    answer = service.post("/users", {"name": name}, params={"reason": text})
    assert answer.status_code == 201
    assert f"Reason: {text}" in service.git("log", "-1", "--format=%B", "main")
