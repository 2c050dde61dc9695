"""Editing the state by git push: stock git, a clone, JSON in an editor; accepted or refused as a request is."""
import json
import os
import secrets
import subprocess
import threading
import time

import pytest

from service import BINARY, Service, assert_problem

ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Alice", "GIT_AUTHOR_EMAIL": "alice@example.org", "GIT_COMMITTER_NAME": "Alice",
    "GIT_COMMITTER_EMAIL": "alice@example.org"}


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def user_file(name, **members):
    return {"created": now(), "enabled": True, "name": name, **members}


def gateway_file(name, **members):
    return {"allow": [], "created": now(), "device": secrets.token_hex(16), "enabled": True, "inbound": "deny",
            "name": name, "routes": "prefix", **members}


class Clone:
    """A working clone of a service's state."""

    def __init__(self, service, folder):
        self.service = service
        self.folder = str(folder)
        # --no-local: a plain copy of the files may meet the service folding packs together.
        subprocess.run(["git", "clone", "--quiet", "--no-local", service.repository, self.folder], check=True, env=ENVIRONMENT, timeout=60)

    def git(self, *arguments, check=True, environment=None):
        return subprocess.run(["git", "-C", self.folder, *arguments], check=check, capture_output=True, text=True,
                              timeout=120, env={**ENVIRONMENT, **(environment or {})})

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return json.load(file)

    def write(self, name, content):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content, indent=2, sort_keys=True) + "\n"
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def edit(self, path, /, **members):
        self.write(path, {**self.read(path), **members})

    def commit(self, message="edit", environment=None):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message, environment=environment)
        return self.git("rev-parse", "HEAD").stdout.strip()

    def push(self, *arguments, environment=None):
        return self.git("push", *(arguments or ("origin", "HEAD:main")), check=False, environment=environment)

    def accept(self):
        """Push what must be taken; the clone follows the service's commit."""
        pushed = self.git("rev-parse", "HEAD").stdout.strip()
        done = self.push()
        assert done.returncode == 0, done.stderr
        head = self.service.head()
        assert self.service.git("rev-parse", f"{head}^").strip() == pushed
        self.git("pull", "--quiet", "--ff-only")
        return head

    def sync(self):
        self.git("fetch", "--quiet")
        self.git("reset", "--quiet", "--hard", "origin/main")
        self.git("clean", "--quiet", "-xdf")


@pytest.fixture
def clone(service, tmp_path):
    return Clone(service, tmp_path / "clone")


def user_path(user):
    return "users/" + "/".join(user["id"])


def refused(service, clone, *words, push=()):
    """The push is refused with these words, and nothing has moved: neither history nor files."""
    head, files = service.head(), service.rendered()
    done = clone.push(*push)
    assert done.returncode != 0 and "remote rejected" in done.stderr, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert service.head() == head and service.rendered() == files
    assert service.get("/state").json()["rendered"] == head
    clone.sync()


# --- what is accepted ---

def test_a_user_and_a_gateway(service, clone, name):
    """Made by push, they work as if made by a request: id, certificate, configuration, database."""
    clone.write("users/7/0/user.json", user_file(name))
    clone.write("users/7/0/gateways/3.json", gateway_file(f"gw.{name}.example.org"))
    pushed = clone.commit(f"welcome {name}")
    old = service.head()
    head = clone.accept()
    assert service.get(f"/user/{name}").json()["id"] == "70"
    gateway = service.get(f"/gateway/gw.{name}.example.org").json()
    assert gateway["address"] == "2001:db8:0:7030::1" and len(gateway["certificates"]) == 1
    assert "BEGIN PRIVATE KEY" in service.get(f"/gateway/gw.{name}.example.org/config").text
    assert os.path.exists(os.path.join(service.data, "ovpn", "clients", f"gw.{name}.example.org"))
    subject, body = service.git("log", "-1", "--format=%s%x00%B", head).split("\0")
    assert subject == f"push: accept {old[:7]}..{pushed[:7]}"
    trailers = dict(line.split(": ", 1) for line in body.strip().split("\n\n")[-1].splitlines())
    assert trailers["Change"] == "push" and trailers["Accepts"] == f"{old}..{pushed}"
    assert trailers["Pusher"].startswith(f"uid {os.getuid()} (")
    assert "gpgsig " in service.git("cat-file", "commit", head)
    changed = service.git("diff", "--name-only", pushed, head).split()
    assert changed and all(path.startswith("ledger/") for path in changed)
    service.git("fsck", "--strict", "--no-dangling")
    service.run("render", "--check")


def test_pusher_is_named(service, user, clone):
    """authorized_keys tells whose key it was."""
    clone.edit(f"{user_path(user)}/user.json", enabled=False)
    clone.commit()
    done = clone.push(environment={"VPNUNIT_PUSHER": "alice@laptop"})
    assert done.returncode == 0, done.stderr
    author, body = service.git("log", "-1", "--format=%an%x00%B", "main").split("\0")
    assert author == "alice@laptop" and "Pusher: alice@laptop, as uid " in body


def test_pusher_with_a_token(fresh, tmp_path):
    """Named as a token, he may push what that token may do: the plan is judged, not the way that it came."""
    fresh.user("joe")
    fresh.user("eve")
    for body in ({"name": "op", "role": "operator"}, {"name": "reader", "role": "auditor"},
                 {"name": "joes", "role": "operator", "user": "joe"}):
        assert fresh.post("/tokens", body).status_code == 201
    clone = Clone(fresh, tmp_path / "clone")
    path = f"{user_path(fresh.get('/user/eve').json())}/user.json"

    def push(who):
        return clone.push(environment={"VPNUNIT_PUSHER": who})

    clone.edit(path, enabled=False)
    clone.commit()
    for who in ("reader", "joes"):
        done = push(who)
        assert done.returncode != 0 and f"the token {who} (" in done.stderr, done.stderr
    assert push("op").returncode == 0
    clone.git("pull", "--quiet")
    clone.edit("network.json", name="Mine")
    clone.commit()
    done = push("op")
    assert done.returncode != 0 and "may not change network.json" in done.stderr, done.stderr
    assert push("nobody.with.a.token").returncode == 0


def test_disable_rename_delete(service, user, gateway, clone):
    folder, gateway_path = user_path(user), f"{user_path(user)}/gateways/{gateway['id']}.json"
    clone.edit(gateway_path, enabled=False)
    clone.commit("off")
    clone.accept()
    assert service.get(f"/gateway/{gateway['name']}").json()["enabled"] is False
    clone.edit(f"{folder}/user.json", name=f"{user['name']}.new")
    clone.commit("another name")
    clone.accept()
    assert service.get(f"/user/{user['name']}").status_code == 404
    assert service.get(f"/user/{user['name']}.new").json()["id"] == user["id"]
    serial = gateway["certificates"][0]["serial"]
    assert service.get(f"/gateway/{gateway['name']}").json()["certificates"][0]["serial"] == serial
    os.remove(clone.path(gateway_path))
    clone.commit("gone")
    clone.accept()
    assert service.get(f"/gateway/{gateway['name']}").status_code == 404
    revoked = subprocess.run(["openssl", "crl", "-noout", "-text"], input=service.get("/crl.pem").text, check=True,
                             capture_output=True, text=True).stdout
    assert serial.upper() in revoked
    os.remove(clone.path(f"{folder}/user.json"))
    clone.commit("goodbye")
    clone.accept()
    assert service.get(f"/user/{user['name']}.new").status_code == 404


def test_revert_of_a_deletion(service, user, gateway, clone):
    """`git revert` brings a device back: the same one, with a new certificate."""
    os.remove(clone.path(f"{user_path(user)}/gateways/{gateway['id']}.json"))
    clone.commit("gone")
    clone.accept()
    clone.git("revert", "--no-edit", "HEAD^")
    clone.accept()
    back = service.get(f"/gateway/{gateway['name']}").json()
    assert back["address"] == gateway["address"]
    assert back["certificates"][0]["serial"] != gateway["certificates"][0]["serial"]


def test_many_commits_are_one_push(service, user, clone):
    """Each commit stays as its author made it; what comes and goes in between leaves no certificate."""
    before = int(service.git("rev-list", "--count", "main"))
    path = f"{user_path(user)}/gateways/"
    clone.write(path + "1.json", gateway_file(f"one.{user['name']}.example.org"))
    clone.commit("one")
    clone.write(path + "2.json", gateway_file(f"two.{user['name']}.example.org"))
    clone.commit("two")
    os.remove(clone.path(path + "1.json"))
    clone.commit("not one")
    for number in range(20):
        clone.edit(path + "2.json", inbound="allow" if number % 2 else "deny")
        clone.commit(f"turn {number}")
    head = clone.accept()
    assert int(service.git("rev-list", "--count", "main")) == before + 24
    assert [g["id"] for g in service.get(f"/gateways?user={user['name']}").json()] == ["2"]
    added = service.git("diff", "--name-only", f"{head}^", head).split()
    assert len([p for p in added if p.startswith("ledger/certificates/")]) == 1
    service.run("render", "--check")


def test_commits_that_cancel_out(service, user, clone):
    clone.edit(f"{user_path(user)}/user.json", enabled=False)
    clone.commit("off")
    clone.git("revert", "--no-edit", "HEAD")
    head = clone.accept()
    assert service.git("rev-parse", f"{head}^{{tree}}") == service.git("rev-parse", f"{head}~3^{{tree}}")


def test_five_hundred_gateways(fresh, tmp_path, name):
    """A wide history: one commit that fills many users."""
    clone = Clone(fresh, tmp_path / "clone")
    for number in range(32):
        folder = f"users/{8 + number // 16}/{number % 16:x}"
        clone.write(f"{folder}/user.json", user_file(f"{name}.{number}"))
        for leaf in range(16):
            clone.write(f"{folder}/gateways/{leaf:x}.json", gateway_file(f"g{leaf}.u{number}.{name}.example.org"))
    clone.commit("everybody")
    clone.accept()
    assert len([g for g in fresh.get("/gateways").json() if f".{name}." in g["name"]]) == 512
    fresh.run("render", "--check")


def test_settings(service, clone):
    policy = clone.read("network.json")["policy"]
    clone.edit("network.json", policy={**policy, "overlap": "7d"})
    clone.commit("a shorter overlap")
    clone.accept()
    clone.edit("servers/main.json", endpoints=["vpn.example.org:1194", "vpn2.example.org:1194"])
    clone.commit("a second door")
    done = clone.push()
    assert done.returncode == 0, done.stderr


# --- what is refused, each by its name ---

def broken_paths(user, gateway):
    """A rule, how to break it, what the refusal says."""
    folder = user_path(user)
    file, own = f"{folder}/user.json", f"{folder}/gateways/{gateway['id']}.json"
    free = f"{folder}/gateways/{'e' if gateway['id'] != 'e' else 'd'}.json"
    ledger = "ledger/ids/" + "/".join(user["id"]) + ".json"
    return {
        "not canonical": (lambda c: c.write(file, json.dumps(c.read(file))), f"{file}:1", "jq -S .", "vpnunit fmt"),
        "not canonical further down": (lambda c: c.write(file, json.dumps(c.read(file), indent=2, sort_keys=True).replace(
            '"name":', '"name" :') + "\n"), f"{file}:4: not canonical"),
        "no JSON": (lambda c: c.write(file, '{\n  "name": "x",\n'), f"{file}:3"),
        "unknown member": (lambda c: c.edit(file, email="x@example.org"), f"{file}:3", "email"),
        "bad name": (lambda c: c.edit(file, name="Not A Name"), f"{file}:4", "name"),
        "unknown path": (lambda c: c.write("README.md", "hello\n"), "README.md"),
        "unknown user path": (lambda c: c.write("users/1/user.json", user_file("x")), "users/1/user.json"),
        "format": (lambda c: c.write("format", "2\n"), "format"),
        "ledger entry": (lambda c: c.edit(ledger, given="2026-01-01T00:00:00Z"), ledger),
        "ledger removed": (lambda c: os.remove(c.path(ledger)), ledger),
        "access": (lambda c: c.write("access/signers/x.json", {"key": "ssh-ed25519 x", "name": "x"}), "access/signers/x.json"),
        "pending": (lambda c: c.write("pending.json", {}), "pending.json"),
        "settings removed": (lambda c: os.remove(c.path("network.json")), "network.json"),
        "server removed": (lambda c: os.remove(c.path("servers/main.json")), "servers/main.json"),
        "server's name": (lambda c: c.edit("servers/main.json", name="other.example.org"), "servers/main.json"),
        "server's device": (lambda c: c.edit("servers/main.json", device="0" * 32), "servers/main.json"),
        "prefix": (lambda c: c.edit("network.json", prefix="2001:db8:1::/48"), "network.json", "prefix"),
        "master key": (lambda c: c.edit("network.json", master_key="sha256:" + "0" * 32), "network.json", "master_key"),
        "name taken": (lambda c: c.write("users/7/a/user.json", user_file(user["name"])), user["name"]),
        "reserved id": (lambda c: c.write("users/0/0/user.json", user_file("zero")), "users/0/0/user.json", "reserved"),
        "user with gateways": (lambda c: os.remove(c.path(file)), file),
        "device of another": (lambda c: c.write(free, gateway_file("x.example.org", device=c.read(own)["device"])), free,
                              "its device"),
        "device of the server": (lambda c: c.write(free, gateway_file(
            "x.example.org", device=c.read("servers/main.json")["device"])), free, "device"),
        "device of the CA": (lambda c: c.write(free, gateway_file("x.example.org", device="0" * 32)), free, "device"),
        "no device": (lambda c: c.write(free, {**gateway_file("x.example.org"), "device": "me"}), free, "device"),
        "made tomorrow": (lambda c: c.write(free, gateway_file("x.example.org", created="2101-01-01T00:00:00Z")), free,
                          "created"),
        "made before the network": (lambda c: c.write(free, gateway_file("x.example.org", created="2001-01-01T00:00:00Z")),
                                    free, "created"),
        "made another day": (lambda c: c.edit(file, created="2026-01-01T00:00:00Z"), f"{file}:2", "created"),
        "allow nobody": (lambda c: c.edit(own, allow=[{"from": "user:nobody", "ports": "22", "proto": "tcp"}]), own,
                         "user:nobody"),
        "a link": (lambda c: os.symlink("user.json", c.path(f"{folder}/other.json")), "100644"),
        "a program": (lambda c: os.chmod(c.path(file), 0o755), file, "100644"),
        "too long": (lambda c: c.write(file, {**c.read(file), "name": "x" * 70000}), file, "64 KiB"),
    }


RULES = list(broken_paths({"id": "00", "name": ""}, {"id": "0"}))


@pytest.mark.parametrize("rule", RULES)
def test_broken_rules(service, user, gateway, clone, rule):
    spoil, *words = broken_paths(user, gateway)[rule]
    spoil(clone)
    commit = clone.commit(rule)
    refused(service, clone, f"commit {commit[:12]}", *words)


def test_the_broken_one_of_many_is_named(service, user, clone):
    file = f"{user_path(user)}/user.json"
    clone.edit(file, enabled=False)
    clone.commit("fine")
    clone.edit(file, enabled="perhaps")
    bad = clone.commit("not fine")
    clone.edit(file, enabled=True)
    clone.commit("fine again, too late")
    refused(service, clone, f"commit {bad[:12]}: {file}:3")


def test_all_that_is_wrong_in_a_commit_is_told(service, user, clone):
    clone.write(f"{user_path(user)}/user.json", "{}\n")
    clone.write("notes.txt", "x")
    clone.commit("twice")
    refused(service, clone, "user.json", "notes.txt")


def test_a_merge(service, user, clone):
    clone.git("checkout", "--quiet", "-b", "side")
    clone.edit(f"{user_path(user)}/user.json", enabled=False)
    clone.commit("side")
    clone.git("checkout", "--quiet", "main")
    clone.commit("main")
    clone.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    refused(service, clone, "is a merge")


def test_a_submodule_and_odd_trees(service, user, clone):
    clone.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},users/module")
    clone.git("commit", "--quiet", "-m", "module")
    refused(service, clone, "100644")
    empty = clone.git("hash-object", "-t", "tree", "-w", "/dev/null").stdout.strip()
    tree = empty
    for _ in range(40):  # 2^40 folders out of 40 objects
        tree = subprocess.run(["git", "-C", clone.folder, "mktree"], input=f"040000 tree {tree}\ta\n040000 tree {tree}\tb\n",
                              check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout.strip()
    root = clone.git("ls-tree", "HEAD").stdout + f"040000 tree {tree}\tzzz\n"
    root = subprocess.run(["git", "-C", clone.folder, "mktree"], input=root, check=True, capture_output=True, text=True,
                          env=ENVIRONMENT).stdout.strip()
    bomb = clone.git("commit-tree", "-p", "HEAD", "-m", "bomb", root).stdout.strip()
    begun = time.monotonic()
    refused(service, clone, "empty folder", push=("origin", f"{bomb}:main"))
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("refspec", ["HEAD:other", "HEAD:refs/tags/v1", "HEAD:refs/notes/commits", ":main"])
def test_other_refs_and_deletion(service, user, clone, refspec):
    refused(service, clone, push=("origin", refspec))
    assert service.git("for-each-ref", "--format=%(refname)").split() == ["refs/heads/main"]


def test_two_refs_at_once(service, user, clone):
    clone.edit(f"{user_path(user)}/user.json", enabled=False)
    clone.commit("off")
    refused(service, clone, "by itself", push=("origin", "HEAD:main", "HEAD:other"))


def test_rewritten_history(service, user, clone):
    clone.git("reset", "--quiet", "--hard", "HEAD~1")
    clone.commit("another past")
    refused(service, clone, push=("--force", "origin", "HEAD:main"))
    clone.git("checkout", "--quiet", "--orphan", "nothing")
    clone.commit("no past")
    refused(service, clone, push=("--force", "origin", "HEAD:main"))


@pytest.mark.parametrize("date", ["2060-01-01T00:00:00Z", "2001-01-01T00:00:00Z"])
def test_dates(service, user, clone, date):
    clone.edit(f"{user_path(user)}/user.json", enabled=False)
    commit = clone.commit("when?", environment={"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date})
    refused(service, clone, f"commit {commit[:12]}", "date")


@pytest.mark.parametrize("message", ["x\n\nChange: user.create", "x\n\nAccepts: a..b", "x\n\nconfirm-within: 600", "\033[31mred"])
def test_messages(service, user, clone, message):
    clone.edit(f"{user_path(user)}/user.json", enabled=False)
    commit = clone.commit(message)
    refused(service, clone, f"commit {commit[:12]}", "message")


def test_too_many_commits(service, clone):
    tree = clone.git("rev-parse", "HEAD^{tree}").stdout.strip()
    stream = f"reset refs/heads/many\nfrom {clone.git('rev-parse', 'HEAD').stdout.strip()}\n\n" + "".join(
        f"commit refs/heads/many\ncommitter A <a@example.org> {int(time.time())} +0000\ndata 2\nx\n\n" for _ in range(1001))
    subprocess.run(["git", "-C", clone.folder, "fast-import", "--quiet"], input=stream, check=True, text=True, env=ENVIRONMENT)
    assert clone.git("rev-parse", "many^{tree}").stdout.strip() == tree
    refused(service, clone, "1000 commits", push=("origin", "many:main"))


def test_who_comes_second_fetches_first(service, user, clone, name):
    clone.edit(f"{user_path(user)}/user.json", enabled=False)
    clone.commit("off")
    service.user(f"{name}.meanwhile")
    head = service.head()
    assert clone.push().returncode != 0 and service.head() == head
    clone.git("pull", "--quiet", "--rebase")
    clone.accept()
    assert service.get(f"/user/{user['name']}").json()["enabled"] is False


def test_the_door_of_the_hook(service, user):
    """POST /push: only onto HEAD, only commits that are there."""
    old, head = service.git("rev-parse", "main~1", "main").split()

    def ask(**members):
        return service.post("/push", {"old": head, "new": head, "actor": "x", "pusher": "x", **members})

    assert_problem(ask(old=old), 409, "fetch_first")
    assert_problem(ask(), 400, "push_refused")
    assert_problem(ask(new="1" * 40), 404, "not_found")
    assert_problem(ask(new="HEAD"), 400, "invalid", "new")
    assert_problem(ask(actor=""), 400, "invalid", "actor")
    assert_problem(ask(force=True), 400, "invalid", "force")
    assert service.head() == head


def test_pending_change_comes_first(service, user, clone, name):
    answer = service.post("/users", {"name": f"{name}.pending"}, headers={"Confirm-Within": "600"})
    assert answer.status_code == 201
    clone.git("pull", "--quiet")
    clone.edit(f"{user_path(user)}/user.json", enabled=False)
    clone.commit("off")
    refused(service, clone, "waits for its confirmation")
    assert service.post(f"/confirm/{answer.headers['X-Commit']}").ok


# --- beside other writers, and without a service ---

def test_beside_requests(service, clone, name):
    """Requests and pushes at once: none is lost, a push that comes second is told to fetch."""
    made, failures = [], []

    def post(first):
        for number in range(first, 30, 3):
            answer = service.post("/users", {"name": f"{name}.r{number}"})
            (made if answer.status_code == 201 else failures).append(f"{name}.r{number}")

    threads = [threading.Thread(target=post, args=(first,)) for first in range(3)]
    for thread in threads:
        thread.start()
    for number in range(8):
        clone.write(f"users/f/{number:x}/user.json", user_file(f"{name}.p{number}"))
        clone.commit(f"p{number}")
        for _ in range(100):
            clone.git("pull", "--quiet", "--rebase")
            done = clone.push()
            if done.returncode == 0:
                break
            assert "fetch" in done.stderr or "stale info" in done.stderr, done.stderr
        else:
            pytest.fail("never accepted")
    for thread in threads:
        thread.join()
    assert not failures
    names = {u["name"] for u in service.get("/users").json()}
    assert set(made) <= names and {f"{name}.p{number}" for number in range(8)} <= names
    service.run("render", "--check")
    service.git("fsck", "--strict", "--no-dangling")


def test_without_a_service(fresh, tmp_path):
    """The hook does the work itself, under the instance's lock; what it refuses changes nothing."""
    clone = Clone(fresh, tmp_path / "clone")
    assert fresh.stop() == 0
    clone.write("users/7/0/user.json", user_file("offline"))
    clone.write("users/7/0/gateways/3.json", gateway_file("gw.offline.example.org"))
    clone.commit("while it was down")
    clone.accept()
    assert os.path.exists(os.path.join(fresh.data, "ovpn", "clients", "gw.offline.example.org"))
    clone.edit("users/7/0/user.json", enabled=1)
    clone.commit("bad")
    head = fresh.head()
    done = clone.push()
    assert done.returncode != 0 and "users/7/0/user.json:3" in done.stderr and fresh.head() == head
    fresh.run("render", "--check")
    fresh.start()
    assert len(fresh.get("/gateway/gw.offline.example.org").json()["certificates"]) == 1


def test_before_the_first_start(tmp_path):
    service = Service(str(tmp_path))
    clone = Clone(service, tmp_path / "clone")
    clone.write("users/7/0/user.json", user_file("early"))
    clone.commit("early")
    clone.accept()
    service.start()
    try:
        assert service.get("/user/early").status_code == 200
    finally:
        service.stop()


def test_signatures(fresh, tmp_path):
    """Where access/signers names keys, each pushed commit needs one of them."""
    keys = {}
    for who in ("alice", "mallory"):
        keys[who] = str(tmp_path / who)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", keys[who]], check=True)
    assert fresh.stop() == 0
    clone = Clone(fresh, tmp_path / "clone")
    with open(keys["alice"] + ".pub", encoding="ascii") as file:
        clone.write("access/signers/alice.json", {"key": file.read().strip(), "name": "alice"})
    clone.commit("who may sign")
    fresh.git("fetch", "--quiet", clone.folder, "HEAD")  # as its owner, past the hook
    fresh.git("update-ref", "refs/heads/main", clone.git("rev-parse", "HEAD").stdout.strip())
    fresh.start()
    clone.write("users/7/0/user.json", user_file("signed"))
    commit = clone.commit("unsigned")
    refused(fresh, clone, f"commit {commit[:12]}", "is not signed")
    for who, is_fine in (("mallory", False), ("alice", True)):
        clone.write("users/7/0/user.json", user_file("signed"))
        clone.git("add", "--all")
        clone.git("-c", "gpg.format=ssh", "-c", f"user.signingKey={keys[who]}", "commit", "--quiet", "-S", "-m", who)
        if is_fine:
            clone.accept()
        else:
            refused(fresh, clone, "is signed by the key SHA256:")


# --- the commands ---

def test_check(service, user, clone):
    """`vpnunit check` says what a push would say, and changes nothing."""
    old = clone.git("rev-parse", "HEAD").stdout.strip()
    clone.edit(f"{user_path(user)}/user.json", enabled=False)
    good = clone.commit("off")
    clone.write("notes.txt", "x")
    bad = clone.commit("bad")
    head = service.head()

    def check(*commits):
        return subprocess.run([BINARY, "check", "--data", clone.folder, *commits], capture_output=True, text=True, timeout=60)

    assert check(old, good).returncode == 0
    done = check(old, bad)
    assert done.returncode == 1 and "notes.txt" in done.stderr
    assert check("HEAD", bad).returncode == 2
    assert service.run("check", service.git("rev-parse", "main~1").strip(), head, check=False).returncode == 1  # a ledger's entry
    assert service.head() == head


def test_fmt(service, tmp_path):
    file = tmp_path / "a.json"
    file.write_text('{"b":[1,{"a":null}],"a":"\\u00e4"}')
    file.chmod(0o640)
    canonical = subprocess.run(["jq", "-S", ".", str(file)], check=True, capture_output=True).stdout
    piped = subprocess.run([BINARY, "fmt", "-"], input=file.read_bytes(), check=True, capture_output=True).stdout
    subprocess.run([BINARY, "fmt", str(file)], check=True, timeout=60)
    assert file.read_bytes() == piped == canonical and file.stat().st_mode & 0o777 == 0o640
    file.write_text("{")
    done = subprocess.run([BINARY, "fmt", str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "line 1" in done.stderr and file.read_text() == "{"
