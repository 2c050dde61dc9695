"""Goal: what was, read again later, is byte for byte what was read then; and what a commit did can be seen."""
import json
import re
import sqlite3
import subprocess
import time

import pytest

from service import assert_problem

SECRET_FILES = re.compile(r"pki/private/|ovpn/tls-crypt-v2\.key|pki/crl\.pem")


def photograph(service):
    """All that can be read with ?at=, as it is now."""
    paths = ["/users", "/gateways", "/network"]
    paths += [f"/user/{user['name']}" for user in service.get("/users").json()]
    paths += [f"/gateway/{gateway['name']}" for gateway in service.get("/gateways").json()]
    return {path: service.get(path).text for path in paths}


def assert_was(service, commit, photo):
    for path, text in photo.items():
        answer = service.get(path, params={"at": commit})
        assert answer.status_code == 200, f"{path}: {answer.text}"
        assert answer.text == text, path
        assert answer.headers["X-Commit"] == commit and answer.headers["ETag"]


def test_every_commit_as_it_was(fresh):
    steps = [
        ("POST", "/users", {"name": "joe"}), ("POST", "/gateways", {"name": "a.example.org", "user": "joe"}),
        ("POST", "/gateways", {"name": "b.example.org", "user": "joe", "inbound": "allow", "allow": []}),
        ("PATCH", "/user/joe", {"name": "jane", "enabled": False}),
        ("POST", "/gateway/a.example.org/renew", {"force": True, "reason": "x"}),
        ("POST", "/gateway/b.example.org/renew", {"force": True, "revoke_old": True, "reason": "x"}),
        ("PATCH", "/gateway/a.example.org", {"allow": ["tcp/22", {"proto": "udp", "ports": "5000-5010", "to": "1::80"}]}),
        ("DELETE", "/gateway/a.example.org", None), ("POST", "/users", {"name": "joe"}),
        ("POST", "/gateways", {"name": "a.example.org", "user": "joe"}), ("DELETE", "/user/jane?cascade=1", None),
        ("POST", "/users", {"name": "eve", "id": "03"}), ("PATCH", "/user/eve", {"name": "jane"}),
    ]
    photos = [(fresh.head(), photograph(fresh))]
    for method, path, body in steps:
        answer = fresh.ask(method, path, body)
        assert answer.ok, answer.text
        photos.append((answer.headers["X-Commit"], photograph(fresh)))
    for commit, photo in photos:
        assert_was(fresh, commit, photo)
    gone = {path for _, photo in photos for path in photo} - set(photos[0][1])
    for path in gone:
        assert fresh.get(path, params={"at": photos[0][0]}).status_code == 404, path


def test_forms_of_a_commit(fresh):
    commits = [fresh.head()]
    for i in range(3):
        commits.append(fresh.post("/users", {"name": f"u{i}"}).headers["X-Commit"])

    def commit_at(text):
        answer = fresh.get("/users", params={"at": text})
        return answer.headers["X-Commit"] if answer.ok else answer.status_code

    for back, commit in enumerate(reversed(commits)):
        assert commit_at(f"HEAD~{back}") == commit_at(commit) == commit_at(commit[:7]) == commit
        assert commit_at(commit[:12].upper()) == commit
    assert commit_at("HEAD") == commits[-1]
    assert commit_at(f"HEAD~{len(commits)}") == commit_at("f" * 40) == commit_at("0000000") == 404
    assert commit_at(commits[0][:6]) == commit_at("HEAD~x") == commit_at("main") == commit_at("HEAD^") == commit_at("") == 400
    assert commit_at("f" * 41) == commit_at("2026-13-01") == commit_at("2026-03-14 10:00") == 400
    assert commit_at("1970-01-01") == 404 and commit_at("9999-12-31") == commits[-1]


def test_times(fresh):
    """The last commit at or before; a date is its end, in UTC."""
    first = fresh.post("/users", {"name": "first"}).headers["X-Commit"]
    then = fresh.get("/log?limit=1").json()[0]["time"]
    time.sleep(1.2)
    second = fresh.post("/users", {"name": "second"}).headers["X-Commit"]
    now = fresh.get("/log?limit=1").json()[0]["time"]
    assert fresh.get("/users", params={"at": then}).headers["X-Commit"] == first
    assert fresh.get("/users", params={"at": now}).headers["X-Commit"] == second
    assert fresh.get("/users", params={"at": now[:10]}).headers["X-Commit"] == second


def test_ambiguous(fresh):
    """Two ids that begin alike: 409 and how to go on. The index is made to hold such a pair: git's own would take too long."""
    fresh.user("joe")
    head = fresh.head()
    fresh.stop()
    with sqlite3.connect(f"{fresh.data}/database.sqlite3") as database:
        database.execute("UPDATE commits SET id = ? || substr(id, 11) WHERE seq = 1", (head[:10],))
    fresh.start()
    problem = assert_problem(fresh.get(f"/commit/{head[:8]}"), 409, "ambiguous_commit")
    assert "more digits" in problem["detail"]
    assert fresh.get(f"/commit/{head}").status_code == 200


def test_pages(fresh):
    for i in range(5):
        fresh.user(f"u{i}")
        fresh.gateway(f"g{i}.example.org", f"u{i}")
    commit = fresh.head()
    fresh.delete("/user/u3?cascade=1").raise_for_status()
    for path, whole in (("/users", 5), ("/gateways", 5)):
        seen, url = [], f"{path}?limit=2&at={commit[:9]}"
        while url:
            answer = fresh.get(url)
            seen += [row["name"] for row in answer.json()]
            url = answer.links["next"]["url"] if "next" in answer.links else None
        assert len(seen) == whole and seen == sorted(seen)
    assert [row["name"] for row in fresh.get(f"/gateways?user=u3&at={commit}").json()] == ["g3.example.org"]
    assert fresh.get(f"/gateways?expires_before=2020-01-01T00:00:00Z&at={commit}").json() == []
    assert len(fresh.get(f"/gateways?expires_before=2999-01-01T00:00:00Z&at={commit}").json()) == 5


def test_objects_that_were_not(service, gateway):
    assert_problem(service.get(f"/gateway/{gateway['name']}?at=1970-01-02"), 404, "not_found")
    assert_problem(service.get("/user/nobody?at=HEAD"), 404, "not_found")
    assert_problem(service.get(f"/user/{gateway['name']}?at=HEAD"), 404, "not_found")  # a gateway is no user
    assert service.get("/users?at=a&at=b").status_code == 400
    assert service.patch(f"/user/{gateway['user']}?at=HEAD", {"enabled": True}).status_code == 400


def shown(service, commit):
    answer = service.get(f"/commit/{commit}")
    assert answer.status_code == 200, answer.text
    assert "PRIVATE KEY" not in answer.text and "tls-crypt-v2 server key" not in answer.text
    assert not [file for file in answer.json()["rendered"] if SECRET_FILES.match(file["path"])]
    return answer.json()


def test_show_a_change(service, user, gateway):
    commit = service.patch(f"/gateway/{gateway['name']}?reason=why", {"inbound": "allow"}).headers["X-Commit"]
    entry = shown(service, commit)
    assert {key: entry[key] for key in entry if key not in ("intent", "rendered")} == service.get("/log?limit=1").json()[0]
    (file,) = entry["intent"]
    assert file["path"] == f"users/{user['id'][0]}/{user['id'][1]}/gateways/{gateway['id']}.json"
    assert file["before"]["inbound"] == "deny" and file["after"] == {**file["before"], "inbound": "allow"}
    assert file["after"] == json.loads(service.git("show", f"{commit}:{file['path']}"))
    diffs = {file["path"]: file["diff"] for file in entry["rendered"]}
    assert set(diffs) == {"firewall/nftables.conf", "state.json"}
    assert f"+\t\t\t{gateway['prefix'].split('/')[0]}" in diffs["firewall/nftables.conf"]
    assert service.get("/commit/HEAD").json() == entry == service.get(f"/commit/{commit[:9]}").json()


def apply(before, entry, folder):
    """Patch files by what a commit says it did."""
    for path, data in before.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    for file in entry["rendered"]:
        subprocess.run(["git", "apply", "--unidiff-zero", "--whitespace=nowarn", "-"], input=file["diff"], text=True, check=True,
                       cwd=folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_diffs_are_what_happened(fresh, tmp_path):
    """What was on the disk, patched by the diffs of the commit, is what is on the disk; secret files aside."""
    def rendered():
        return {path: data for path, data in fresh.rendered().items()
                if not path.startswith("pki/private/") and path != "ovpn/tls-crypt-v2.key"}

    steps = [
        ("POST", "/users", {"name": "joe"}), ("POST", "/gateways", {"name": "a.example.org", "user": "joe"}),
        ("POST", "/gateways", {"name": "b.example.org", "user": "joe", "allow": []}),
        ("POST", "/gateway/a.example.org/renew", {"force": True, "revoke_old": True, "reason": "x"}),
        ("PATCH", "/user/joe", {"enabled": False}), ("PATCH", "/user/joe", {"enabled": True, "name": "jane"}),
        ("PATCH", "/gateway/a.example.org", {"routes": "internet", "allow": ["tcp/22"]}),
        ("DELETE", "/gateway/b.example.org", None), ("DELETE", "/user/jane?cascade=1", None),
    ]
    for number, (method, path, body) in enumerate(steps):
        before = rendered()
        commit = fresh.ask(method, path, body).headers["X-Commit"]
        assert apply(before, shown(fresh, commit), tmp_path / str(number)) == rendered(), path


def test_show_the_first_commit(fresh, tmp_path):
    entry = shown(fresh, fresh.git("rev-list", "--max-parents=0", "main").strip())
    assert entry["change"] == "init" and entry["actor"] == "init"
    assert [file["path"] for file in entry["intent"]] == ["network.json", "servers/main.json"]
    assert all(file["before"] is None for file in entry["intent"])
    paths = {file["path"] for file in entry["rendered"]}
    assert {"pki/ca.crt", "ovpn/server.conf", "ip/routes", "firewall/nftables.conf"} <= paths
    files = apply({}, entry, tmp_path)
    assert files["pki/ca.crt"] == fresh.rendered()["pki/ca.crt"]


@pytest.mark.parametrize("commit, status", [("HEAD~999", 404), ("deadbeef", 404), ("zzz", 400), ("abc", 400), ("1970-01-01", 404)])
def test_no_commit(service, commit, status):
    assert service.get(f"/commit/{commit}").status_code == status


def test_reads_of_the_past_change_nothing(service, gateway):
    service.get("/commit/HEAD")
    before = service.rendered()
    for path in ("/commit/HEAD", "/users?at=HEAD~1", f"/gateway/{gateway['name']}?at=HEAD", "/network?at=HEAD~1", "/log"):
        assert service.get(path).status_code == 200
        assert service.ask("HEAD", path).status_code == 200
    assert service.rendered() == before
    assert service.get("/users?at=HEAD", headers={"If-None-Match": f'"{service.head()}"'}).status_code == 304
