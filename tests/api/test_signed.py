"""Every commit of the service is signed: stock git and ssh-keygen say so with nothing but the rendered file."""
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from service import PREFIX


def allowed_signers(service):
    return os.path.join(service.data, "audit", "allowed_signers")


def verify_commit(service, commit):
    return subprocess.run(["git", "-c", f"safe.directory={service.repository}", "-c", "gpg.format=ssh",
                           "-c", f"gpg.ssh.allowedSignersFile={allowed_signers(service)}",
                           "--git-dir", service.repository, "verify-commit", commit],
                          check=False, capture_output=True, text=True, timeout=60)


def fingerprint(service, tmp_path):
    """Of the key in the rendered file, as ssh-keygen prints it."""
    with open(allowed_signers(service), encoding="ascii") as file:
        principal, options, kind, key = file.readline().split()
    assert (principal, options, kind) == ("vpnunit@vpnunit", 'namespaces="git"', "ssh-ed25519")
    path = tmp_path / "audit.pub"
    path.write_text(f"{kind} {key}\n")
    said = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True, capture_output=True, text=True).stdout
    return said.split()[1]


def test_git_says_good_for_every_commit(service, name, tmp_path):
    service.user(name)
    service.gateway(f"gw.{name}.example.org", name)
    service.patch(f"/gateway/gw.{name}.example.org", {"inbound": "allow"}, params={"reason": "tüv — grün"})
    service.delete(f"/gateway/gw.{name}.example.org")
    commits = service.git("rev-list", "main").split()
    assert len(commits) > 4
    key = fingerprint(service, tmp_path)
    for commit in commits:
        answer = verify_commit(service, commit)
        assert answer.returncode == 0, answer.stderr
        assert f'Good "git" signature for vpnunit@vpnunit with ED25519 key {key}' in answer.stderr
    service.git("fsck", "--strict", "--no-dangling")


def test_vpnunit_git_knows_the_key(service, name):
    service.user(name)
    assert 'Good "git" signature' in service.run("git", "verify-commit", "main").stderr
    assert service.run("git", "log", "-1", "--format=%G? %GK", "main").stdout.split()[0] == "G"


def test_a_changed_commit_is_not_good(service, user):
    commit = service.git("cat-file", "commit", "main").replace(user["name"], "mallory")
    forged = subprocess.run(["git", "--git-dir", service.repository, "hash-object", "-t", "commit", "-w", "--stdin"],
                            input=commit, check=True, capture_output=True, text=True).stdout.strip()
    assert verify_commit(service, "main").returncode == 0
    assert verify_commit(service, forged).returncode != 0


def test_many_at_once_are_signed(service, name):
    """Changes that wait together are one batch of the writer."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(service.user, [f"{name}-{i}" for i in range(24)]))
    for commit in service.git("rev-list", "-24", "main").split():
        assert verify_commit(service, commit).returncode == 0


def test_the_fingerprint_is_told(fresh, tmp_path):
    """By init, with the advice to keep it elsewhere, and by key show."""
    fresh.data = str(tmp_path / "another")
    said = fresh.run("init", "--prefix", PREFIX, "--endpoint", "vpn.example.org:1194").stdout
    fresh.run("render")
    key = fingerprint(fresh, tmp_path)
    assert f"audit key {key}.\n" in said and "elsewhere" in said
    assert f"audit key {key}\n" in fresh.run("key", "show").stdout


@pytest.mark.parametrize("damage, named", [
    (lambda path: open(path, "a", encoding="ascii").write("eve@example.org ssh-ed25519 AAAA\n"),
     "changed audit/allowed_signers"),
    (os.unlink, "missing audit/allowed_signers"),
    (lambda path: open(path + ".old", "x", encoding="ascii").close(), "foreign audit/allowed_signers.old"),
])
def test_the_file_is_looked_after(fresh, damage, named):
    fresh.stop()
    before = fresh.rendered()["audit/allowed_signers"]
    damage(allowed_signers(fresh))
    answer = fresh.run("render", "--check", check=False)
    assert answer.returncode == 1 and answer.stdout.splitlines() == [named]
    fresh.run("render", "--full")
    assert fresh.rendered()["audit/allowed_signers"] == before
    assert os.listdir(os.path.join(fresh.data, "audit")) == ["allowed_signers"]
