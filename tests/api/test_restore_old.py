"""An older state where a newer one ran: refused, and taken over by `vpnunit restore --accept-loss` without letting anybody in."""
import os
import shutil
import subprocess

import pytest

from service import BINARY


def clone_backup(service, folder):
    subprocess.run(["git", "clone", "--quiet", "--bare", service.repository, folder], check=True, timeout=60,
                   env={**os.environ, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"})


def listed(service):
    """Serials of the CRL on the disk, lower case."""
    text = subprocess.run(["openssl", "crl", "-noout", "-text", "-in", os.path.join(service.data, "pki", "crl.pem")],
                          check=True, capture_output=True, text=True).stdout
    return {line.split(":")[1].strip().lower() for line in text.splitlines() if "Serial Number:" in line}


def number(service):
    text = subprocess.run(["openssl", "crl", "-noout", "-crlnumber", "-in", os.path.join(service.data, "pki", "crl.pem")],
                          check=True, capture_output=True, text=True).stdout
    return int(text.split("=")[1], 16)


def refused_start(service):
    done = subprocess.run([BINARY, "serve", "--data", service.data, "--listen", f"127.0.0.1:{service.port}", "--hooks",
                           "none"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "vpnunit restore" in done.stderr and "--accept-loss" in done.stderr, done.stderr


def serial(gateway):
    return gateway["certificates"][0]["serial"]


@pytest.fixture
def old(fresh, tmp_path):
    """A backup, and what happened since: one device revoked, one made and revoked, one made, one renewed, a user gone."""
    fresh.user("joe")
    fresh.user("gone")
    fresh.facts = {
        "revoked": serial(fresh.gateway("revoked.example.org", "joe")),
        "kept": serial(fresh.gateway("kept.example.org", "joe")),
    }
    fresh.gateway("renewed.example.org", "joe")
    clone_backup(fresh, tmp_path / "backup.git")
    assert fresh.delete("/gateway/revoked.example.org").status_code == 204
    fresh.facts["made and revoked"] = serial(fresh.gateway("brief.example.org", "joe"))
    assert fresh.delete("/gateway/brief.example.org").status_code == 204
    fresh.user("new")
    fresh.facts["made"] = serial(fresh.gateway("made.example.org", "new"))
    fresh.facts["renewed"] = serial(fresh.post("/gateway/renewed.example.org/renew", {"force": True, "reason": "test"}).json())
    assert fresh.delete("/user/gone").status_code == 204
    assert fresh.stop() == 0
    fresh.facts["number"] = number(fresh)
    shutil.rmtree(fresh.repository)
    shutil.copytree(tmp_path / "backup.git", fresh.repository)
    return fresh


def test_an_old_backup(old):
    refused_start(old)
    assert old.run("restore", check=False).returncode == 2
    done = old.run("restore", "--accept-loss")
    out = old.facts
    for name in ("revoked", "made and revoked", "made", "renewed"):
        assert f"certificate {out[name]}: revoked" in done.stdout, done.stdout
        assert out[name] in listed(old)
    assert out["kept"] not in listed(old) and number(old) > out["number"]
    for words in ("user new", "user gone", "gateway made.example.org", "gateway revoked.example.org", "lost: user new: create",
                  "was deleted or renamed, and is back", "has no certificate"):
        assert words in done.stdout, done.stdout
    old.run("render", "--check")
    old.start()
    assert old.get("/user/gone").status_code == 200 and old.get("/user/new").status_code == 404
    assert old.get("/gateway/kept.example.org").json()["certificates"][0]["serial"] == out["kept"]
    assert old.get("/gateway/revoked.example.org").json()["certificates"] == []
    renewed = old.post("/gateway/revoked.example.org/renew")
    assert renewed.status_code == 201 and serial(renewed.json()) != out["revoked"]
    assert {out["revoked"], out["made and revoked"], out["made"], out["renewed"]} <= listed(old)
    adopted = old.git("ls-tree", "-r", "--name-only", "main", "ledger/adopted").split()
    assert {os.path.basename(path)[:-5] for path in adopted} == {out["made and revoked"], out["made"], out["renewed"]}
    old.git("fsck", "--strict", "--no-dangling")
    assert old.stop() == 0
    assert old.run("verify", check=False).returncode == 0
    done = old.run("restore", "--accept-loss", check=False)
    assert done.returncode == 1 and "nothing is lost" in done.stderr


def test_without_the_database(old):
    """Only the CRL is left to tell: a serial whose certificate the ledger knows, but not as revoked, is enough."""
    for name in os.listdir(old.data):
        if name.startswith("database.sqlite3"):
            os.remove(os.path.join(old.data, name))
    refused_start(old)
    old.run("restore", "--accept-loss")
    assert {old.facts["revoked"], old.facts["made and revoked"]} <= listed(old)
    old.start()


@pytest.mark.parametrize("has_database", [True, False])
def test_git_reset(fresh, has_database):
    """The same by `git update-ref` in the state; without a database, only the CRL tells of a revocation that is gone."""
    fresh.user("joe")
    device = serial(fresh.gateway("a.example.org", "joe"))
    assert fresh.delete("/gateway/a.example.org").status_code == 204
    assert fresh.stop() == 0
    fresh.git("update-ref", "refs/heads/main", "main~1")
    for name in os.listdir(fresh.data):
        if name.startswith("database.sqlite3") and not has_database:
            os.remove(os.path.join(fresh.data, name))
    refused_start(fresh)
    fresh.run("restore", "--accept-loss")
    fresh.start()
    assert device in listed(fresh)
    assert fresh.get("/gateway/a.example.org").json()["certificates"] == []


def test_killed_in_between(old):
    """Killed when the commit is made but nothing rendered: it is refused still, and done again."""
    database = os.path.join(old.data, "database.sqlite3")
    with open(database, "rb") as file:
        before = file.read()
    old.run("restore", "--accept-loss")
    head = old.head()
    for name in ("-wal", "-shm"):
        if os.path.exists(database + name):
            os.remove(database + name)
    with open(database, "wb") as file:
        file.write(before)
    refused_start(old)
    old.run("restore", "--accept-loss")
    assert old.head() == head
    old.start()


def test_a_whole_state_needs_no_restore(fresh):
    fresh.user("joe")
    assert fresh.stop() == 0
    head = fresh.head()
    assert fresh.run("restore", "--accept-loss", check=False).returncode == 1
    assert fresh.head() == head
