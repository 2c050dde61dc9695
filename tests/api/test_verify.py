"""`vpnunit verify` tells a true history, and names commit and path of each lie that stock git can forge."""
import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import time

import pytest

from service import Service

NOBODY = {"GIT_AUTHOR_NAME": "eve", "GIT_AUTHOR_EMAIL": "eve@example.org",
          "GIT_COMMITTER_NAME": "vpnunit", "GIT_COMMITTER_EMAIL": "vpnunit@vpnunit"}
LAPTOP, PHONE = "laptop.joe.example.org", "phone.joe.example.org"


def ssh_string(data):
    return struct.pack(">I", len(data)) + data


class State(Service):
    """The folder of a stopped service, with all that a forger can do to it who has stock git, and the master key."""

    @property
    def key(self):
        with open(os.path.join(self.data, "audit", "allowed_signers"), encoding="ascii") as file:
            return base64.b64decode(file.readline().split()[-1])

    @property
    def fingerprint(self):
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.key).digest()).decode().rstrip("=")

    def stolen_key(self):
        """The audit key as a file of ssh's, derived as the service does (RFC 5869)."""
        path = os.path.join(self.data, os.pardir, "stolen")
        with open(os.path.join(self.data, "secrets", "master.key"), encoding="ascii") as file:
            generation, digits = file.read().split()
        secret = hmac.new(bytes(32), bytes.fromhex(digits), hashlib.sha256).digest()
        seed = hmac.new(secret, f"{generation}/audit-key/commits\x01".encode(), hashlib.sha256).digest()
        private = bytes(8) + self.key + ssh_string(seed + self.key[-32:]) + ssh_string(b"")
        private += bytes(range(1, 1 + -len(private) % 8))
        blob = b"openssh-key-v1\0" + ssh_string(b"none") * 2 + ssh_string(b"") + struct.pack(">I", 1) + \
            ssh_string(self.key) + ssh_string(private)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write("-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64.encodebytes(blob).decode() +
                       "-----END OPENSSH PRIVATE KEY-----\n")
        return path

    def verify(self, *arguments):
        return self.run("verify", *arguments, check=False)

    def forge_git(self, *arguments, stdin=None, **environment):
        index = os.path.join(self.data, os.pardir, "index")
        return subprocess.run(["git", "-c", f"safe.directory={self.repository}", "--git-dir", self.repository, *arguments],
                              check=True, capture_output=True, text=True, timeout=60, input=stdin,
                              env=dict(os.environ, GIT_INDEX_FILE=index, **NOBODY, **environment)).stdout.strip()

    def tree(self, commit, changes):
        """The tree of a commit with some paths changed; None removes one."""
        self.forge_git("read-tree", commit)
        for path, text in changes.items():
            if text is None:
                self.forge_git("update-index", "--index-info", stdin=f"0 {'0' * 40}\t{path}\n")
            else:
                blob = self.forge_git("hash-object", "-w", "--stdin", stdin=text)
                self.forge_git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        return self.forge_git("write-tree")

    def commit(self, changes, message="forged", parents=("main",), key=None, date=None):
        """A commit by stock git, signed by a key of ssh's or by nobody; main moves there."""
        parent = [word for p in parents for word in ("-p", p)]
        sign = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={key}"] if key else []
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
        made = self.forge_git(*sign, "commit-tree", *parent, *(["-S"] if key else []), self.tree(parents[0], changes),
                              stdin=message, **dates)
        self.move(made)
        return made

    def move(self, commit):
        self.forge_git("update-ref", "refs/heads/main", commit)

    def sql(self, statement):
        with sqlite3.connect(os.path.join(self.data, "database.sqlite3"), timeout=10) as database:
            database.execute(statement)
        database.close()

    def paths(self, pattern):
        return [path for path in self.git("ls-tree", "-r", "--name-only", "main").split() if re.search(pattern, path)]

    def show(self, path):
        return self.git("show", f"main:{path}")

    def edited_user(self, **members):
        """A change of intent as somebody would push it."""
        path = self.paths("user.json$")[0]
        text = json.dumps(dict(json.loads(self.show(path)), **members), indent=2, sort_keys=True) + "\n"
        return {path: text}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    state = State(str(tmp_path_factory.mktemp("verify"))).start()
    state.user("joe")
    state.gateway(LAPTOP, "joe")
    state.gateway(PHONE, "joe")
    state.patch(f"/gateway/{LAPTOP}", {"inbound": "allow"})
    assert state.delete(f"/gateway/{PHONE}").status_code == 204
    assert state.stop() == 0, state.read_log()
    return state


@pytest.fixture
def state(template, tmp_path):
    copy = State.__new__(State)
    vars(copy).update(vars(template), data=str(tmp_path / "data"), socket=str(tmp_path / "api.sock"),
                      log=str(tmp_path / "serve.log"))
    shutil.copytree(template.data, copy.data, symlinks=True)
    yield copy
    copy.stop()


def assert_true(state, *arguments):
    answer = state.verify(*arguments)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def assert_named(state, commit, what, *arguments):
    """One line says what is wrong with which commit."""
    answer = state.verify(*arguments)
    assert answer.returncode == 1 and answer.stderr == "", answer.stderr
    lines = [line for line in answer.stdout.splitlines() if line.startswith(commit) and what in line[len(commit):]]
    assert len(lines) == 1, f"{commit} ... {what} is not one line of:\n{answer.stdout}"
    return answer.stdout.splitlines()


# --- what is true ---


def test_a_true_history(state):
    commits = state.git("rev-list", "main").split()
    assert assert_true(state) == f"{len(commits)} commits, all signed by {state.fingerprint}\n"
    for commit in commits:
        assert_true(state, "--expect", commit, "--key", state.fingerprint)


def test_it_writes_nothing(state):
    def digest():
        files = {}
        for folder, _, names in os.walk(state.data):
            for path in [folder, *(os.path.join(folder, name) for name in names)]:
                found = os.lstat(path)
                files[path] = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
        return files
    before = digest()
    assert_true(state)
    assert digest() == before


def test_beside_a_service(state):
    state.start()
    assert "commits, all signed by" in assert_true(state)
    state.user("ann")
    assert assert_true(state).startswith(f"{len(state.git('rev-list', 'main').split())} commits")


def test_before_anything_is_rendered(state):
    """After init, or a clone and the key alone."""
    for name in os.listdir(state.data):
        if name not in ("state.git", "secrets"):
            path = os.path.join(state.data, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    assert "all signed by" in state.verify().stdout


@pytest.mark.parametrize("arguments", [("--expect", "main"), ("--expect", "abcdef1"), ("more",)])
def test_usage(state, arguments):
    assert state.verify(*arguments).returncode == 2


# --- commits ---


def test_amended_without_a_signature(state):
    forged = state.commit({}, state.git("log", "-1", "--format=%B"), ["main~1"])
    assert_named(state, forged, "nobody signed it")


def test_amended_under_its_signature(state):
    text = state.git("cat-file", "commit", "main").replace("author admin", "author root")
    forged = state.forge_git("hash-object", "-t", "commit", "-w", "--stdin", stdin=text)
    state.move(forged)
    assert_named(state, forged, "changed after it was signed")


def test_amended_in_the_middle(state):
    """Whoever changes one commit has to make all that come after."""
    text = state.git("cat-file", "commit", "main~1").replace("author admin", "author root")
    forged = state.forge_git("hash-object", "-t", "commit", "-w", "--stdin", stdin=text)
    text = state.git("cat-file", "commit", "main").replace(state.git("rev-parse", "main~1").strip(), forged)
    tip = state.forge_git("hash-object", "-t", "commit", "-w", "--stdin", stdin=text)
    state.move(tip)
    assert_named(state, forged, "changed after it was signed")
    assert_named(state, tip, "changed after it was signed")


def test_a_foreign_key(state, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "eve"], check=True)
    forged = state.commit({}, key=tmp_path / "eve")
    lines = assert_named(state, forged, "which is not the audit key")
    print_of_eve = subprocess.run(["ssh-keygen", "-l", "-f", tmp_path / "eve.pub"], check=True, capture_output=True,
                                  text=True).stdout.split()[1]
    assert any(print_of_eve in line for line in lines)


def test_another_key_was_expected(state):
    other = "SHA256:" + "A" * 43
    lines = assert_named(state, state.head(), f"the audit key is {state.fingerprint}", "--key", other)
    assert len(lines) == 1


def test_another_key_signed_all(state, tmp_path):
    """A whole state of somebody else's making, master key included, is true in itself; the kept fingerprint tells."""
    kept, head = state.fingerprint, state.head()
    shutil.rmtree(state.data)
    state.run("init", "--prefix", "2001:db8::/48", "--endpoint", "vpn.example.org:1194")
    assert_true(state)
    assert_named(state, state.head(), "the audit key is", "--key", kept)
    assert_named(state, state.head(), head, "--expect", head)


def test_history_cut_short(state):
    remembered = state.head()
    state.move("main~2")
    assert_named(state, state.head(), f"does not come after {remembered}", "--expect", remembered)
    assert_named(state, state.head(), "does not come after " + "a" * 40, "--expect", "a" * 40)


def test_a_merge(state):
    forged = state.commit({}, parents=("main", "main~2"), key=state.stolen_key())
    assert_named(state, forged, "has 2 parents")


def test_a_missing_object(state):
    """Behind HEAD, where nothing but fsck looks."""
    packs, away = os.path.join(state.repository, "objects", "pack"), os.path.join(state.data, os.pardir)
    younger = state.git("rev-parse", "main~1:" + state.paths("gateways/.*json")[0]).strip()
    older = state.git("rev-parse", "main~2:" + state.paths("gateways/.*json")[0]).strip()
    assert younger != older
    for name in os.listdir(packs):
        shutil.move(os.path.join(packs, name), away)
    for name in os.listdir(away):
        if name.endswith(".pack"):
            with open(os.path.join(away, name), "rb") as pack:
                subprocess.run(["git", "--git-dir", state.repository, "unpack-objects", "-q"], stdin=pack, check=True)
    os.unlink(os.path.join(state.repository, "objects", older[:2], older[2:]))
    assert_named(state, state.head(), f"state.git: missing blob {older}")


# --- the ledger ---


@pytest.mark.parametrize("stolen", [False, True])
@pytest.mark.parametrize("pattern", ["^ledger/revocations/", "^ledger/certificates/", "^ledger/ids/"])
def test_a_dropped_entry(state, stolen, pattern):
    """By whoever, the audit key's thief included."""
    path = state.paths(pattern)[0]
    forged = state.commit({path: None}, key=state.stolen_key() if stolen else None)
    lines = assert_named(state, forged, f"{path}: taken out of the ledger")
    assert stolen != any("nobody signed it" in line for line in lines)


def test_an_added_entry(state):
    path = state.paths("^ledger/revocations/")[0]
    certificate = [p for p in state.paths("^ledger/certificates/") if p.split("/")[-1] != path.split("/")[-1]][0]
    added = certificate.replace("certificates", "revocations")
    forged = state.commit({added: state.show(path)})
    assert_named(state, forged, f"{added}: put into the ledger, but not by the service")


@pytest.mark.parametrize("stolen", [False, True])
def test_a_changed_entry(state, stolen):
    path = state.paths("^ledger/revocations/")[0]
    forged = state.commit({path: state.show(path).replace("admin", "eve")}, key=state.stolen_key() if stolen else None)
    assert_named(state, forged, f"{path}: an entry of the ledger was changed")


def test_a_dropped_entry_comes_back(state):
    """What is true of HEAD need not have been true of every step."""
    path = state.paths("^ledger/revocations/")[0]
    text, key = state.show(path), state.stolen_key()
    forged = state.commit({path: None}, key=key)
    state.commit({path: text}, key=key)
    assert_named(state, forged, f"{path}: taken out of the ledger")


def prune(state, date, message="ledger: prune\n\nChange: ledger.prune\n"):
    serial = state.paths("^ledger/revocations/")[0].split("/")[-1]
    paths = [path for path in state.paths("^ledger/") if path.endswith(serial)]
    assert len(paths) == 2
    return paths, state.commit(dict.fromkeys(paths), message, key=state.stolen_key(), date=date)


def test_pruning(state):
    """By the service, one CRL period after the certificate's end: 825 and 30 days from now it may."""
    prune(state, "2035-01-01T00:00:00Z")
    state.run("render")
    assert_true(state)


def test_pruning_too_early(state):
    serial = state.paths("^ledger/revocations/")[0].split("/")[-1]
    entry = json.loads(state.show([path for path in state.paths("^ledger/certificates/") if path.endswith(serial)][0]))
    end = int(subprocess.run(["date", "-d", entry["not_after"], "+%s"], check=True, capture_output=True,
                             text=True).stdout)
    paths, forged = prune(state, f"{end + 30 * 86400 - 1} +0000")
    for path in paths:
        assert_named(state, forged, f"{path}: pruned, although")
    state.move("main~1")
    prune(state, f"{end + 30 * 86400} +0000")
    state.run("render")
    assert_true(state)


def test_pruning_by_another_name(state):
    paths, forged = prune(state, "2035-01-01T00:00:00Z", "gateway: delete\n\nChange: gateway.delete\n")
    assert_named(state, forged, f"{paths[0]}: taken out of the ledger")


def test_pruning_what_has_no_end(state):
    path = state.paths("^ledger/ids/")[0]
    forged = state.commit({path: None}, "ledger: prune\n\nChange: ledger.prune\n", key=state.stolen_key(),
                          date="2035-01-01T00:00:00Z")
    assert_named(state, forged, f"{path}: pruned, although")


# --- pushes ---


def accept(state, old, new, changes=None):
    return state.commit(changes or {}, f"push by eve: accept\n\nChange: push\nAccepts: {old}..{new}\n",
                        key=state.stolen_key())


def test_an_accepted_push(state):
    old = state.head()
    state.commit(state.edited_user(enabled=False))
    new = state.commit(state.edited_user(enabled=True))
    accept(state, old, new)
    state.run("render")
    assert assert_true(state).endswith(f"{state.fingerprint}, 2 of them by a commit that accepts what was pushed\n")


def test_two_accepted_pushes(state):
    for enabled in (False, True):
        old = state.head()
        accept(state, old, state.commit(state.edited_user(enabled=enabled)))
    state.run("render")
    assert_true(state)


def test_a_push_that_nobody_accepted(state):
    forged = state.commit(state.edited_user(enabled=False))
    assert_named(state, forged, "nobody signed it")
    state.commit({}, key=state.stolen_key())
    assert_named(state, forged, "nobody signed it")


def test_a_range_that_is_too_short(state):
    forged = state.commit(state.edited_user(enabled=False))
    new = state.commit(state.edited_user(enabled=True))
    accept(state, forged, new)
    lines = assert_named(state, forged, "nobody signed it")
    assert not any(line.startswith(new) for line in lines)


def test_a_range_that_is_not_right_below(state):
    old, forged = state.head(), state.commit(state.edited_user(enabled=False))
    state.commit({}, key=state.stolen_key())
    late = accept(state, old, forged)
    assert_named(state, late, f"accepts {old}..{forged}, which is not what lies right below it")
    assert_named(state, forged, "nobody signed it")


def test_a_range_that_holds_what_the_service_made(state):
    old = state.git("rev-parse", "main~1").strip()
    inside = state.head()
    late = accept(state, old, state.commit(state.edited_user(enabled=False)))
    assert_named(state, late, f"accepts a range that holds {inside}")


def test_a_range_without_a_beginning(state):
    new = state.commit(state.edited_user(enabled=False))
    late = accept(state, "b" * 40, new)
    assert_named(state, late, "accepts a range that holds")


@pytest.mark.parametrize("text", ["main..main", "x", "A" * 40 + ".." + "B" * 40])
def test_a_range_that_is_none(state, text):
    forged = state.commit({}, f"push\n\nAccepts: {text}\n", key=state.stolen_key())
    assert_named(state, forged, f"accepts {text}, which is not")


@pytest.mark.parametrize("path", ["ledger/ids/0/9.json", "access/tokens/eve.json", "format", "pending.json"])
def test_a_push_of_what_is_not_intent(state, path):
    old = state.head()
    forged = state.commit({path: "{}\n"})
    accept(state, old, forged)
    assert_named(state, forged, f"{path}: a push may not touch it")


def test_a_range_that_accepts_itself(state):
    """Only the service's own commit can vouch."""
    old = state.head()
    first = state.commit(state.edited_user(enabled=False))
    second = state.commit({}, f"x\n\nAccepts: {old}..{first}\n")
    assert_named(state, first, "nobody signed it")
    assert_named(state, second, "nobody signed it")


# --- what lies beside the history ---


@pytest.mark.parametrize("sql, table", [
    ("UPDATE users SET name = 'eve'", "users"),
    ("UPDATE gateways SET inbound = 'deny'", "gateways"),
    ("DELETE FROM certificates WHERE revoked_at IS NOT NULL", "certificates"),
    ("UPDATE commits SET actor = 'eve' WHERE seq = 2", "commits"),
    ("DELETE FROM touched WHERE seq = 3", "touched"),
    ("UPDATE tenures SET until = NULL", "tenures"),
    ("DELETE FROM issued", "issued"),
])
def test_an_entry_changed_in_sqlite(state, sql, table):
    state.sql(sql)
    assert_named(state, state.head(), f"database.sqlite3, table {table}: changed")


def test_lies_beside_a_service(state):
    state.start()
    time.sleep(2.5)  # the service looks for drift at its start, and then once a minute
    assert_true(state)
    state.sql("UPDATE users SET name = 'eve'")
    state.sql("UPDATE commits SET subject = 'nothing happened' WHERE seq = 1")
    os.unlink(os.path.join(state.data, "ip", "routes"))
    for what in ("table users: changed", "table commits: changed", "ip/routes: missing"):
        assert_named(state, state.head(), what)


def test_an_index_of_another_history(state):
    state.sql(f"UPDATE meta SET value = '{'c' * 40}' WHERE key = 'indexed'")
    assert_named(state, state.head(), "which is not in the history")


def test_a_database_that_is_none(state):
    with open(os.path.join(state.data, "database.sqlite3"), "r+b") as file:
        file.write(b"garbage" * 100)
    assert_named(state, state.head(), "database.sqlite3: bad")


def test_an_edited_rendered_file(state):
    with open(os.path.join(state.data, "ovpn", "clients", LAPTOP), "a", encoding="ascii") as file:
        file.write("push-reset\n")
    assert_named(state, state.head(), f"ovpn/clients/{LAPTOP}: changed")


def test_a_client_file_that_came_back(state):
    shutil.copy(os.path.join(state.data, "ovpn", "clients", LAPTOP), os.path.join(state.data, "ovpn", "clients", PHONE))
    assert_named(state, state.head(), f"ovpn/clients/{PHONE}: foreign")


def test_a_state_that_does_not_load(state):
    forged = state.commit({state.paths("user.json$")[0]: "{}\n"}, key=state.stolen_key())
    assert_named(state, forged, "user.json")


def test_another_master_key(state):
    """Not that of the state: then nothing that was signed is ours."""
    with open(os.path.join(state.data, "secrets", "master.key"), "w", encoding="ascii") as file:
        file.write("1 " + "ab" * 32 + "\n")
    lines = assert_named(state, state.head(), "network.json: this is the wrong master key")
    assert sum("which is not the audit key" in line for line in lines) == len(state.git("rev-list", "main").split())


def test_a_whole_life_is_true(tmp_path):
    """Every kind of commit that there is, a real push among them: verify has nothing to say."""
    service = Service(str(tmp_path)).start()
    try:
        service.user("joe")
        service.gateway("a.example.org", "joe")
        assert service.post("/batch", {"changes": [{"op": "gateway.create", "name": "b.example.org", "user": "joe"},
                                                   {"op": "user.create", "name": "ann"}]}).status_code == 201
        assert service.post("/gateway/a.example.org/renew", {"force": True, "reason": "x"}).status_code == 201
        assert service.post("/rollback", {"to": "HEAD~2"}).status_code == 201
        assert service.post("/commit/HEAD/revert", {}).status_code == 201
        assert service.delete("/gateway/b.example.org", headers={"Confirm-Within": "60"}).status_code == 204
        assert service.delete("/confirm/" + service.head()).status_code == 200
        assert service.delete("/gateway/b.example.org", headers={"Confirm-Within": "60"}).status_code == 204
        assert service.post("/confirm/" + service.head()).status_code == 200
        clone = str(tmp_path / "clone")
        subprocess.run(["git", "clone", "-q", service.repository, clone], check=True)
        path = os.path.join(clone, "users", "0", "3", "user.json")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace('"joe"', '"joanna"'))
        for command in (["commit", "-qam", "joe is joanna now"], ["push", "-q", "origin", "HEAD:main"]):
            subprocess.run(["git", "-c", "user.name=op", "-c", "user.email=op@example.org", *command], cwd=clone,
                           check=True, capture_output=True)
        assert service.get("/user/joanna").status_code == 200
        result = service.run("verify", "--expect", service.head(), check=False)
        assert result.returncode == 0, result.stdout + result.stderr
    finally:
        service.stop()
