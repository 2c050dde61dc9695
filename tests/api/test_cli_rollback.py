"""`vpnunit rollback`, `revert` and `batch`: the API from a shell, told for people."""
import json
import os

from history import intent


def lines(result):
    assert result.returncode == 0, result.stderr
    return [tuple(line.split(None, 1)) for line in result.stdout.replace("loses access", "loses-access")
            .replace("needs config", "needs-config").splitlines()]


def test_rollback(fresh, tmp_path):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    then = fresh.head()
    fresh.delete("/gateway/a.example.org")
    fresh.gateway("c.example.org", "joe")
    configs = str(tmp_path / "new" / "configs")
    result = lines(fresh.run("rollback", then, "--yes", "--reason", "all wrong", "--configs", configs))
    assert ("commit", fresh.head()) in result and ("loses-access", "c.example.org") in result
    assert ("needs-config", "a.example.org") in result and ("file", "users/0/3/gateways/0.json") in result
    assert {word for word, text in result if "a.example.org (" in text} == {"issued"}
    assert {word for word, text in result if "c.example.org (" in text} == {"revoked"}
    assert intent(fresh) == intent(fresh, then)
    assert "Reason: all wrong" in fresh.git("log", "-1", "--format=%B")
    assert os.listdir(configs) == ["a.example.org.ovpn"]
    path = os.path.join(configs, "a.example.org.ovpn")
    assert os.stat(path).st_mode & 0o777 == 0o600 and os.stat(configs).st_mode & 0o777 == 0o700
    with open(path, encoding="utf-8") as file:
        assert file.read() == fresh.get("/gateway/a.example.org/config").text


def test_configs_overwrite_nothing(fresh, tmp_path):
    """What is there stays; the others come; the exit status tells."""
    fresh.user("joe")
    for name in ("a.example.org", "b.example.org", "c.example.org"):
        fresh.gateway(name, "joe")
    fresh.delete("/user/joe?cascade=1")
    (tmp_path / "a.example.org.ovpn").write_text("mine")
    (tmp_path / "elsewhere").write_text("mine too")
    os.symlink(tmp_path / "elsewhere", tmp_path / "b.example.org.ovpn")
    result = fresh.run("rollback", "HEAD~1", "--configs", str(tmp_path), check=False)
    assert result.returncode == 1
    assert "a.example.org.ovpn" in result.stderr and "b.example.org.ovpn" in result.stderr
    assert len(fresh.get("/gateways").json()) == 3
    assert (tmp_path / "a.example.org.ovpn").read_text() == "mine"
    assert (tmp_path / "elsewhere").read_text() == "mine too"
    assert "BEGIN PRIVATE KEY" in (tmp_path / "c.example.org.ovpn").read_text()


def test_only_and_include(fresh):
    fresh.user("joe")
    fresh.user("ann")
    fresh.user("eve")
    for name in ("joe", "ann", "eve"):
        fresh.delete(f"/user/{name}")
    lines(fresh.run("rollback", "HEAD~3", "--only", "user:joe", "--only", "user:ann", "--include", "network"))
    assert [user["name"] for user in fresh.get("/users").json()] == ["ann", "joe"]
    assert "nothing to do" in fresh.run("rollback", "HEAD").stdout


def test_revert(fresh):
    fresh.user("joe")
    lines(fresh.run("revert", "HEAD", "--reason", "a typo"))
    assert fresh.get("/users").json() == []
    assert "Reason: a typo" in fresh.git("log", "-1", "--format=%B")
    result = fresh.run("revert", "HEAD~1", check=False)
    assert result.returncode == 1 and "undone already" in result.stderr


def test_batch(fresh, tmp_path):
    file = tmp_path / "changes.json"
    file.write_text(json.dumps({"changes": [
        {"op": "user.create", "name": "joe"}, {"op": "gateway.create", "name": "a.example.org", "user": "joe"}]}))
    result = lines(fresh.run("batch", str(file), "--reason", "first members", "--configs", str(tmp_path)))
    assert ("needs-config", "a.example.org") in result
    assert (tmp_path / "a.example.org.ovpn").exists()
    assert "Reason: first members" in fresh.git("log", "-1", "--format=%B")
    refused = fresh.run("batch", str(file), check=False)
    assert refused.returncode == 1 and refused.stdout == ""
    assert refused.stderr == "vpnunit: there is a user joe already (changes/0)\n"
    file.write_text('{"changes": [}')
    refused = fresh.run("batch", str(file), check=False)
    assert refused.returncode == 1 and "line 1" in refused.stderr


def test_wrong_usage(fresh):
    for arguments in (("rollback",), ("rollback", "HEAD", "HEAD~1"), ("rollback", "HEAD", "--include", "ledger"),
                      ("revert",), ("revert", "HEAD", "--only", "user:joe"), ("batch",), ("batch", "x", "--only", "user:y")):
        assert fresh.run(*arguments, check=False).returncode == 2, arguments
    missing = fresh.run("batch", "/nowhere/changes.json", check=False)
    assert missing.returncode == 1 and "/nowhere/changes.json" in missing.stderr
    fresh.stop()
    silent = fresh.run("rollback", "HEAD", check=False)
    assert silent.returncode == 1 and "nobody listens" in silent.stderr
