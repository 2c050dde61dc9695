"""Goal: the log is git's own, findable by everything that an auditor asks for, and true after any restart."""
import os
import re
import signal
import sqlite3
import subprocess
import time

import pytest

from service import assert_problem


def log(service, **filters):
    answer = service.get("/log", params=filters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def subjects(service, **filters):
    return [entry["subject"].split(",")[0] for entry in log(service, **filters)]


def wait_for_log(service, seconds=20):
    deadline = time.monotonic() + seconds
    while (answer := service.get("/log")).status_code == 503:
        assert answer.json()["code"] == "index_building" and answer.headers["Retry-After"]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert answer.status_code == 200, answer.text
    return answer.json()


def assert_is_git_log(service, entries):
    lines = service.git("log", "--format=%H%x00%at%x00%an%x00%s", "main").splitlines()
    expected = [line.split("\0") for line in lines]
    seen = [[entry["commit"], str(int(time.mktime(time.strptime(entry["time"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone)),
             entry["actor"], entry["subject"]] for entry in entries]
    assert seen == expected


@pytest.fixture(scope="module")
def story(service):
    """A user renamed, gateways come and go, one under a name that another user's had."""
    service.user("joe")
    service.gateway("a.story.example.org", "joe")
    service.gateway("b.story.example.org", "joe")
    service.patch("/user/joe", {"name": "jane"}).raise_for_status()
    service.patch("/gateway/a.story.example.org?reason=she%20asked%20for%20it", {"inbound": "allow"}).raise_for_status()
    service.post("/gateway/a.story.example.org/renew", {"force": True, "reason": "lost phone"}).raise_for_status()
    service.delete("/gateway/b.story.example.org").raise_for_status()
    service.user("eve")
    service.gateway("b.story.example.org", "eve")
    return service


CREATE_A = "gateway a.story.example.org: create for joe"
OPEN_A = "gateway a.story.example.org: inbound allow"
RENEW_A = "gateway a.story.example.org: renew its certificate"
CREATE_B = "gateway b.story.example.org: create for joe"
DELETE_B = "gateway b.story.example.org: delete"
CREATE_B_AGAIN = "gateway b.story.example.org: create for eve"
JOE, RENAME, EVE = "user joe: create", "user joe: rename to jane", "user eve: create"
ALL = [CREATE_B_AGAIN, EVE, DELETE_B, RENEW_A, OPEN_A, RENAME, CREATE_B, CREATE_A, JOE]


def test_it_is_git_log(story):
    assert_is_git_log(story, log(story))


def test_an_entry(story):
    entry = log(story, gateway="a.story.example.org")[0]
    assert set(entry) == {"commit", "time", "actor", "change", "subject", "objects", "reason", "signed_by"}
    assert entry["change"] == "gateway.renew" and entry["objects"] == ["gateway:a.story.example.org"]
    assert entry["reason"] == "lost phone" and entry["actor"] == "admin"
    assert re.fullmatch("SHA256:[A-Za-z0-9+/]{43}", entry["signed_by"])
    assert log(story, q=EVE)[0]["reason"] is None
    assert log(story, q="network VPN: begin")[0]["objects"] == ["network", "server"]
    assert log(story, q=RENAME)[0]["objects"] == ["user:jane", "user:joe"]


def address(story, name):
    return story.get(f"/gateway/{name}").json()["address"]


def test_filters(story):
    assert subjects(story, gateway="a.story.example.org") == [RENEW_A, OPEN_A, CREATE_A]
    assert subjects(story, gateway="B.Story.Example.Org") == [CREATE_B_AGAIN, DELETE_B, CREATE_B]
    assert subjects(story, user="joe") == [RENAME, CREATE_B, CREATE_A, JOE]
    assert subjects(story, user="jane") == [DELETE_B, RENEW_A, OPEN_A, RENAME]
    assert subjects(story, user="nobody") == []
    assert subjects(story, actor="admin")[:len(ALL)] == ALL
    assert subjects(story, actor="init") == ["network VPN: begin"]
    assert subjects(story, change="user.create") == [EVE, JOE]
    assert subjects(story, q="PHONE") == [RENEW_A]
    assert subjects(story, q="100%_") == []


def test_filters_together(story):
    assert subjects(story, user="joe", gateway="b.story.example.org") == [CREATE_B]
    assert subjects(story, user="jane", change="gateway.patch", actor="admin") == [OPEN_A]
    assert subjects(story, actor="admin", change="user.patch") == [RENAME]
    assert subjects(story, actor="init", change="user.patch") == []
    assert subjects(story, gateway="a.story.example.org", address=address(story, "b.story.example.org")) == []


def test_address(story):
    """A renamed user is found under both names; whoever else has the name of a gateway is not."""
    own = address(story, "a.story.example.org")
    whole = story.get("/user/jane").json()["prefix"]
    assert subjects(story, address=own) == [RENEW_A, OPEN_A, RENAME, CREATE_A, JOE]
    assert subjects(story, address=story.get("/gateway/a.story.example.org").json()["prefix"]) == subjects(story, address=own)
    assert subjects(story, address=whole) == [DELETE_B, RENEW_A, OPEN_A, RENAME, CREATE_B, CREATE_A, JOE]
    behind = own.replace("::1", "")[:-1] + "7:1:2:3:4"  # a host in network 7 of the gateway
    assert subjects(story, address=behind) == subjects(story, address=own)
    assert subjects(story, address=address(story, "b.story.example.org")) == [CREATE_B_AGAIN, EVE]
    assert subjects(story, address="2001:db8:0:ff00::1") == [] and subjects(story, address="::/0") == []


def test_since_and_until(fresh):
    fresh.user("early")
    time.sleep(1.2)
    fresh.user("late")
    late = log(fresh)[0]["time"]
    early = log(fresh)[1]["time"]
    assert subjects(fresh, since=late) == ["user late: create"]
    assert subjects(fresh, until=early)[0] == "user early: create"
    assert len(log(fresh, since=early, until=late)) == len(log(fresh, since=early))
    assert len(log(fresh, since=late[:10])) == 3 and len(log(fresh, until=late[:10])) == 3
    assert log(fresh, until="2020-01-01") == [] and log(fresh, since="2100-01-01") == []
    assert subjects(fresh, user="early", until=early) == ["user early: create"]
    assert subjects(fresh, user="early", since=late) == []


@pytest.mark.parametrize("filters, field", [
    ({"user": "a b"}, "user"), ({"gateway": "-"}, "gateway"), ({"address": "10.0.0.1"}, "address"),
    ({"address": "2001:db8::1/48"}, "address"), ({"since": "yesterday"}, "since"), ({"until": "2026-02-30"}, "until"),
    ({"cursor": "joe"}, "cursor"), ({"cursor": "0"}, "cursor"), ({"limit": "0"}, "limit")])
def test_bad_filters(service, filters, field):
    assert_problem(service.get("/log", params=filters), 400, "invalid", field)


def test_unknown_filter(service):
    assert service.get("/log?usr=joe").status_code == 400


@pytest.mark.parametrize("filters", [{}, {"actor": "admin"}, {"user": "jane"}, {"q": "b.story", "change": "gateway.create"},
                                     {"since": "2020-01-01", "until": "2100-01-01"}])
def test_pages(story, filters):
    """Every page continues where the last one ended, and keeps its filters."""
    seen, path = [], "/log"
    params = {**filters, "limit": 2}
    while path:
        answer = story.get(path, params=params)
        assert answer.status_code == 200 and len(answer.json()) <= 2, answer.text
        seen += answer.json()
        link = answer.headers.get("Link")
        path, params = (re.fullmatch('<(.*)>; rel="next"', link)[1], None) if link else (None, None)
    assert seen == log(story, **filters)


def test_reads_its_own_writes(service, name):
    """An answered change is in the log, and in its snapshot."""
    commit = service.post("/users", {"name": name}).headers["X-Commit"]
    answer = service.get("/log?limit=1")
    assert answer.json()[0]["commit"] == commit == answer.headers["X-Commit"]


def test_batch(service, name):
    """One commit that makes a user and his gateways: all are in it, the user's and each gateway's."""
    changes = [{"op": "user.create", "name": name}]
    changes += [{"op": "gateway.create", "name": f"g{i}.{name}.example.org", "user": name} for i in range(5)]
    assert service.post("/batch", {"changes": changes}).status_code == 201
    entry = log(service, limit=1)[0]
    assert entry["objects"] == sorted([f"user:{name}"] + [f"gateway:g{i}.{name}.example.org" for i in range(5)])
    assert log(service, user=name) == log(service, gateway=f"g3.{name}.example.org") == [entry]
    assert len(log(service, address=service.get(f"/user/{name}").json()["prefix"])) == 1


def test_commits_of_one_turn(service, name):
    """Changes that wait together are commits of their own, each with what it did."""
    processes = []
    for i in range(24):
        processes.append(subprocess.Popen(
            ["curl", "-sf", "-o", "/dev/null", "-H", f"Authorization: Bearer {service.token}", "--json",
             f'{{"name":"{name}.{i}"}}', service.url("/users")]))
    assert [process.wait(timeout=60) for process in processes] == [0] * 24
    assert_is_git_log(service, log(service))
    for i in range(24):
        assert [entry["objects"] for entry in log(service, user=f"{name}.{i}")] == [[f"user:{name}.{i}"]]


# --- the index, wherever it comes from ---

def dump(service):
    tables = ("commits", "touched", "tenures", "issued")
    with sqlite3.connect(f"file:{service.data}/database.sqlite3?mode=ro", uri=True) as database:
        return {table: sorted(map(str, database.execute(f"SELECT * FROM {table}"))) for table in tables}


def make_history(service):
    for i in range(6):
        service.user(f"u{i}")
        service.gateway(f"g.u{i}.example.org", f"u{i}")
    service.patch("/user/u1", {"name": "v1"}).raise_for_status()
    service.post("/gateway/g.u2.example.org/renew", {"force": True, "revoke_old": True, "reason": "x"}).raise_for_status()
    service.delete("/user/u3?cascade=1").raise_for_status()
    service.user("u3")
    service.gateway("g.u4.u3.example.org", "u3")
    service.delete("/gateway/g.u4.example.org").raise_for_status()
    service.gateway("g.u3.example.org", "u5")


def test_rebuilt_from_git(fresh):
    """The database removed: the same index, row by row, comes from git."""
    make_history(fresh)
    before, entries = dump(fresh), log(fresh)
    assert len(before["commits"]) == len(entries) and before["tenures"]
    fresh.stop()
    forget_database(fresh)
    fresh.start()
    assert wait_for_log(fresh) == entries
    assert dump(fresh) == before


def test_full_render_keeps_it(fresh):
    make_history(fresh)
    before = dump(fresh)
    assert fresh.post("/render").status_code == 200
    assert dump(fresh) == before and len(log(fresh)) == len(before["commits"])


def test_fresh_clone(fresh, tmp_path):
    """A clone rendered elsewhere has the index at once."""
    make_history(fresh)
    fresh.run("render", "--out", str(tmp_path / "elsewhere"))
    with sqlite3.connect(tmp_path / "elsewhere" / "database.sqlite3") as database:
        rendered = sorted(map(str, database.execute("SELECT * FROM tenures")))
    assert rendered == dump(fresh)["tenures"]


def test_killed_at_any_moment(fresh):
    """kill -9 while changes come in: at the next start the log is git's."""
    for turn in range(4):
        changes = [subprocess.Popen(
            ["curl", "-s", "-o", "/dev/null", "-H", f"Authorization: Bearer {fresh.token}", "--json",
             f'{{"name":"k{turn}.{i}"}}', fresh.url("/users")]) for i in range(30)]
        time.sleep(0.05 + turn * 0.04)
        fresh.process.send_signal(signal.SIGKILL)
        fresh.process.wait()
        for change in changes:
            change.wait(timeout=60)
        fresh.start()
        assert_is_git_log(fresh, wait_for_log(fresh))


def forget_database(service):
    for suffix in ("", "-wal", "-shm"):
        path = service.data + "/database.sqlite3" + suffix
        if os.path.exists(path):
            os.remove(path)


def test_between_publish_and_promote(fresh):
    """HEAD has moved and nothing else: what is missing is added at the start, each commit as itself."""
    make_history(fresh)
    fresh.stop()
    expected, head = dump(fresh), fresh.head()
    fresh.git("update-ref", "refs/heads/main", "main~5")
    forget_database(fresh)
    os.remove(os.path.join(fresh.data, "pki", "crl.pem"))  # it tells that this state is an old one
    fresh.run("render", "--full")
    assert len(dump(fresh)["commits"]) == len(expected["commits"]) - 5
    fresh.git("update-ref", "refs/heads/main", head)
    fresh.start()
    assert_is_git_log(fresh, wait_for_log(fresh))
    assert dump(fresh) == expected


def test_commands(story):
    printed = story.run("log", "gateway=a.story.example.org", "change=gateway.patch").stdout.splitlines()
    assert len(printed) == 2 and printed[0].endswith(f"admin: {OPEN_A}") and printed[1] == "    reason: she asked for it"
    commit = log(story, q="inbound allow")[0]["commit"]
    shown = story.run("show", commit[:10]).stdout
    assert '"inbound":"deny"' in shown and '"inbound":"allow"' in shown and "+++ b/firewall/nftables.conf" in shown
    assert story.run("show", "nonsense", check=False).returncode == 1
    assert story.run("log", "nonsense", check=False).returncode == 2
