"""Disks and clocks at their limits: full to any degree, read-only, damaged, shared by two; a clock a year behind.  A clear answer,
nothing half done, reads go on."""
import errno
import os
import random
import subprocess

import pytest

from clock import HAS_CLOCK, Clock
from disk import CALLS, ERROR, FOR_EVER, IS_LONG, Control
from service import BINARY, Service, assert_problem
from whole import check, fsck, start_again, wait_for_repair

PAGE = 4096


@pytest.fixture
def mounted(tmp_path):
    """A file system of 8 MiB."""
    path = tmp_path / "small"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path], check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip("SKIPPED LOUDLY: a full disk needs the right to mount a tmpfs")
    yield str(path)
    subprocess.run(["umount", path], check=True)


def free_pages(folder):
    return os.statvfs(folder).f_bavail


def fill(folder, leave):
    """Take all room but so many pages."""
    path = os.path.join(folder, "filler")
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, (free_pages(folder) - leave) * PAGE)
    return path


BATCH = {"changes": [{"op": "user.create", "name": "b"}] + [
    {"op": "gateway.create", "name": f"b{i}.example.org", "user": "b"} for i in range(14)]}


def test_full_to_any_degree(mounted, tmp_path):
    """The room ends at each page that a change of many files wants."""
    service = Service(mounted)
    service.log = str(tmp_path / "serve.log")
    service.start()
    try:
        for leave in range(0, 120) if IS_LONG else range(random.randrange(16), 100, 16):
            head, filler = service.head(), fill(mounted, leave)
            answer = service.post("/batch", BATCH)
            assert service.get("/users").ok
            assert service.process.poll() is None, f"{leave} pages were left: {service.read_log()}"
            os.unlink(filler)
            if answer.status_code == 201:
                assert service.head() == answer.headers["X-Commit"]
                wait_for_repair(service)
                assert service.delete("/user/b?cascade=1").status_code == 204
            else:
                assert_problem(answer, 507, "disk_full")
                assert service.head() == head
                assert service.get("/users").json() == []
            check(service, verify=leave % 20 == 0)
    finally:
        service.stop()


def test_read_only_disk(folder):
    """A file system that turned read-only under a running service: changes are refused, reads go on."""
    control = Control(folder, os.path.join(folder, "data"))
    service = Service(folder, environment=control.environment("fail"))
    service.start().user("u")
    head = service.head()
    writes = {name: bit for name, bit in CALLS.items() if name != "open"}
    control.arm(sum(writes.values()), ERROR, errno.EROFS, 1, FOR_EVER)
    for method, path, body in (("POST", "/users", {"name": "late"}), ("DELETE", "/user/u", None)):
        assert_problem(service.ask(method, path, body), 503, "io")
        assert [user["name"] for user in service.get("/users").json()] == ["u"]
    assert service.get("/state").json()["head"] == head == service.head()
    control.disarm()
    service.user("late")
    check(service, started=False)
    assert service.stop() == 0


def test_start_on_a_read_only_disk(mounted, tmp_path):
    service = Service(mounted)
    service.log = str(tmp_path / "serve.log")
    subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    for command in (["serve", "--listen", f"127.0.0.1:{service.port}", "--hooks", "none"], ["render"],
                    ["init", "--prefix", "2001:db8::/48", "--endpoint", "vpn.example.org:1194"]):
        done = service.run(*command, check=False)
        assert done.returncode == 1 and "ead-only file system" in done.stderr or "holds a state" in done.stderr, done.stderr
    subprocess.run(["mount", "-o", "remount,rw", mounted], check=True)
    start_again(service)
    check(service)
    assert service.stop() == 0


def test_two_services(folder):
    service = Service(folder).start()
    service.user("u")
    other = subprocess.run([BINARY, "serve", "--data", service.data, "--hooks", "none", "--listen", f"unix:{folder}/other"],
                           check=False, capture_output=True, text=True, timeout=30)
    assert other.returncode == 1 and "another vpnunit works on" in other.stderr, other.stderr
    again = service.run("init", "--prefix", "2001:db8::/48", "--endpoint", "vpn.example.org:1194", check=False)
    assert again.returncode == 1 and ("holds a state" in again.stderr or "another process holds" in again.stderr), again.stderr
    service.user("v")
    check(service, started=False)
    assert service.stop() == 0


@pytest.mark.skipif(not HAS_CLOCK, reason="libfaketime and a sanitizer's runtime both want to be first")
def test_clock_back_a_year(folder):
    """Nothing is lost by it, changes go on, and the revocation list's number only grows."""
    clock = Clock(folder)
    service = Service(folder, environment=clock.environment())
    service.start().user("u")
    service.gateway("a.example.org", "u")
    service.gateway("b.example.org", "u")
    service.delete("/gateway/b.example.org")
    numbers = [crl_number(service)]
    for by in -365 * 86400, 2 * 365 * 86400:
        clock.step(by)
        for name in "c", "d":
            service.gateway(f"{name}{by}.example.org", "u")
            assert service.delete(f"/gateway/{name}{by}.example.org").status_code == 204
            numbers.append(crl_number(service))
        check(service, started=False)
        assert service.stop() == 0
        start_again(service)
        check(service)
    assert numbers == sorted(set(numbers))
    assert service.stop() == 0


def crl_number(service):
    path = os.path.join(service.data, "pki", "crl.pem")
    text = subprocess.run(["openssl", "crl", "-in", path, "-noout", "-crlnumber"], check=True, capture_output=True,
                          text=True).stdout
    return int(text.strip().split("=")[1], 16)


# --- objects that are not what their names say ---

def unpack(service):
    """All of the repository as loose objects, which stock git may leave."""
    folder = os.path.join(service.repository, "objects", "pack")
    packs = [name for name in os.listdir(folder) if name.endswith(".pack")]
    for name in packs:
        os.rename(os.path.join(folder, name), os.path.join(service.data, name))
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    for name in packs:
        with open(os.path.join(service.data, name), "rb") as file:
            subprocess.run(["git", "--git-dir", service.repository, "unpack-objects", "-q"], stdin=file, check=True)
        os.unlink(os.path.join(service.data, name))


def loose(service, name):
    return os.path.join(service.repository, "objects", name[:2], name[2:])


@pytest.mark.parametrize("content", (b"", b"x" * 100, b"\x78\x9c\x03\x00"), ids=("empty", "garbage", "cut"))
def test_poisoned_object(folder, content):
    """What a power loss leaves of a loose object would pass for a written one: it goes, and the object can be written."""
    service = Service(folder).start()
    service.user("u")
    tree = service.git("rev-parse", "main^{tree}").strip()
    stranger = "1234567890123456789012345678901234567890"
    service.stop()
    for name in tree, stranger:
        with open(loose(service, name), "wb") as file:
            file.write(content)
    start_again(service)
    assert not os.path.exists(loose(service, tree)) and not os.path.exists(loose(service, stranger))
    assert content == b"" or stranger in service.read_log()
    service.user("v")
    check(service)
    assert service.stop() == 0


def test_damaged_object_is_named(folder):
    """One that HEAD needs and nothing else has: a start says which, and a copy from a clone heals it."""
    service = Service(folder).start()
    service.user("u")
    service.stop()
    unpack(service)
    name = service.git("rev-parse", "main:users/0/3/user.json").strip()
    with open(loose(service, name), "rb") as file:
        good = file.read()
    os.chmod(loose(service, name), 0o600)
    with open(loose(service, name), "wb") as file:
        file.write(good[:len(good) // 2])
    try:
        service.start()  # from what is rendered, which is HEAD
        service.stop()
    except RuntimeError:
        service.process = None
    assert f"the object {name} is damaged" in service.read_log()
    assert name in fsck(service)
    with open(loose(service, name), "wb") as file:
        file.write(good)
    start_again(service)
    assert not fsck(service)
    service.user("v")
    check(service)
    assert service.stop() == 0
