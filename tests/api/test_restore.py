"""Goal: a clone and the master key are everything; anything else is refused in words that help."""
import os
import re
import shutil
import subprocess

import pytest

from service import BINARY, Service


@pytest.fixture
def life(tmp_path):
    """A service with some history, stopped."""
    service = Service(str(tmp_path)).start()
    service.user("joe")
    for name in ("a", "b", "c"):
        service.gateway(f"{name}.example.org", "joe")
    assert service.delete("/gateway/b.example.org").status_code == 204
    assert service.post("/gateway/c.example.org/renew", {"force": True, "reason": "x"}).status_code == 201
    service.profiles = {name: service.get(f"/gateway/{name}.example.org/config").content for name in ("a", "c")}
    assert service.stop() == 0
    return service


def clone(life, tmp_path, with_key=True):
    data = str(tmp_path / "copy")
    os.makedirs(os.path.join(data, "secrets"), 0o700)
    subprocess.run(["git", "clone", "-q", "--bare", life.repository, os.path.join(data, "state.git")], check=True)
    if with_key:
        shutil.copy(os.path.join(life.data, "secrets", "master.key"), os.path.join(data, "secrets"))
    return data


def vpnunit(*arguments, **options):
    return subprocess.run([BINARY, *arguments], text=True, capture_output=True, timeout=60, check=False, **options)


def test_the_same_bytes(life, tmp_path):
    data = clone(life, tmp_path)
    result = vpnunit("render", "--data", data)
    assert result.returncode == 0, result.stderr
    original = life.rendered()
    life.data = data
    assert life.rendered() == original and "ovpn/clients/a.example.org" in original


def test_the_same_service(life, tmp_path):
    """Serving from the copy gives every member the very file that they have."""
    life.data = clone(life, tmp_path)
    life.start()
    try:
        for name, profile in life.profiles.items():
            assert life.get(f"/gateway/{name}.example.org/config").content == profile
        assert life.gateway("d.example.org", "joe")["id"] == "3"
    finally:
        life.stop()


def test_another_master_key_is_refused(life, tmp_path):
    data = clone(life, tmp_path, with_key=False)
    other = str(tmp_path / "other")
    vpnunit("init", "--data", other, "--prefix", "2001:db8::/48", "--endpoint", "vpn.example.org:1194")
    shutil.copy(os.path.join(other, "secrets", "master.key"), os.path.join(data, "secrets"))
    result = vpnunit("render", "--data", data)
    assert result.returncode == 1
    fingerprints = {re.search(r"sha256:\w+", vpnunit("key", "show", "--data", d).stdout).group() for d in (life.data, other)}
    assert len(fingerprints) == 2
    for fingerprint in fingerprints:
        assert fingerprint in result.stderr
    assert not os.path.exists(os.path.join(data, "pki"))


def test_no_master_key(life, tmp_path):
    result = vpnunit("serve", "--data", clone(life, tmp_path, with_key=False))
    assert result.returncode == 1 and "master.key" in result.stderr and len(result.stderr.splitlines()) == 1


def test_the_paper(life, tmp_path):
    paper = vpnunit("key", "show", "--data", life.data).stdout
    groups = re.findall(r"\b[0-9a-f]{8}\b", paper)
    assert len(groups) == 8
    key = os.path.join(life.data, "secrets", "master.key")
    with open(key, encoding="ascii") as file:
        assert file.read() == "1 " + "".join(groups) + "\n"
    text = paper.split("fingerprint")[0]
    assert vpnunit("key", "check", "--data", life.data, input=text).returncode == 0
    spoilt = text.replace(groups[0], groups[0][::-1] if groups[0] != groups[0][::-1] else "01234567")
    result = vpnunit("key", "check", "--data", life.data, input=spoilt)
    assert result.returncode == 1 and "checksum" in result.stderr


def test_serve_and_render_say_how_to_init(tmp_path):
    for command in ("serve", "render"):
        result = vpnunit(command, "--data", str(tmp_path / "nothing"))
        assert result.returncode == 1 and "vpnunit init" in result.stderr
    assert not os.path.exists(str(tmp_path / "nothing"))


def test_init_changes_nothing_where_a_state_is(life):
    before = life.head()
    result = vpnunit("init", "--data", life.data, "--prefix", "2001:db8::/48", "--endpoint", "x.example.org:1194")
    assert result.returncode == 1 and "already" in result.stderr
    assert life.head() == before


@pytest.mark.parametrize("arguments", [
    ["--prefix", "2001:db8::/47"], ["--prefix", "2001:db8::1/48"], ["--prefix", "10.0.0.0/8"], ["--prefix", "x"],
    ["--widths", "8/4/5"], ["--widths", "12/4/4"], ["--widths", "8/4"], ["--endpoint", "vpn.example.org"],
    ["--endpoint", "vpn.example.org:0"], ["--endpoint", "vpn_x:1"], ["--endpoint", "[2001:db8::1]:1194"],
    ["--server-name", "a b"], ["--name", "x\ny"], ["--name", ""],
])
def test_init_refuses_and_leaves_nothing(tmp_path, arguments):
    data = str(tmp_path / "d")
    flags = {"--prefix": "2001:db8::/48", "--endpoint": "vpn.example.org:1194"}
    flags.update({arguments[0]: arguments[1]})
    result = vpnunit("init", "--data", data, *[word for flag in flags.items() for word in flag])
    assert result.returncode in (1, 2) and len(result.stderr.splitlines()) == 1, result.stderr
    assert not os.path.exists(data)


def test_a_relative_folder(tmp_path):
    result = vpnunit("init", "--data", "d", "--prefix", "2001:db8::/48", "--endpoint", "vpn.example.org:1194", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert vpnunit("render", "--data", "d", cwd=tmp_path).returncode == 0


def test_a_second_service_is_refused(life):
    life.start()
    try:
        result = vpnunit("serve", "--data", life.data, "--listen", "unix:" + life.data + "/other.sock")
        assert result.returncode == 1 and "another vpnunit" in result.stderr
        assert life.get("/healthz").status_code == 200
    finally:
        life.stop()


@pytest.mark.parametrize("path, text, says", [
    ("users/0/3/user.json", '{\n  "created": "2026-01-01T00:00:00Z",\n  "enabled": yes,\n  "name": "joe"\n}\n', "line 3"),
    ("users/0/3/user.json", '{"created":"2026-01-01T00:00:00Z","enabled":true,"name":"JOE"}', "name"),
    ("evil.json", "{}", "evil.json"),
])
def test_a_broken_file_is_named(life, tmp_path, path, text, says):
    """Commit, file and line; and nothing is rendered from it."""
    work = str(tmp_path / "work")
    subprocess.run(["git", "clone", "-q", life.repository, work], check=True)
    with open(os.path.join(work, path), "w", encoding="utf-8") as file:
        file.write(text)
    subprocess.run(["git", "add", "."], cwd=work, check=True)
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "break"], cwd=work, check=True)
    life.git("fetch", "-q", work, "+HEAD:refs/heads/main")
    result = vpnunit("serve", "--data", life.data)
    assert result.returncode == 1
    assert life.head()[:12] in result.stderr and path in result.stderr and says in result.stderr
