"""A full disk: a clear 5xx, and HEAD, files and memory as before; once there is room, all works."""
import os
import subprocess

import pytest

from service import Service, assert_problem


@pytest.fixture
def small(tmp_path):
    """A service whose folder is a file system of 8 MiB."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", mounted], check=False, capture_output=True)
    if mount.returncode != 0:
        pytest.skip("SKIPPED LOUDLY: a full disk needs the right to mount a tmpfs")
    running = Service(str(mounted))
    running.log = str(tmp_path / "serve.log")
    try:
        yield running.start()
    finally:
        running.stop()
        subprocess.run(["umount", mounted], check=True)


def fill(folder):
    path = os.path.join(folder, "filler")
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
    return path


def test_full_disk(small):
    small.user("before")
    small.gateway("a.example.org", "before")
    head, files, rows = small.head(), small.rendered(), small.get("/gateways").json()
    filler = fill(small.data)
    for method, path, body in (("POST", "/users", {"name": "late"}), ("DELETE", "/gateway/a.example.org", None),
                               ("POST", "/gateways", {"name": "b.example.org", "user": "before"}),
                               ("PATCH", "/gateway/a.example.org", {"inbound": "allow"})):
        assert_problem(small.ask(method, path, body), 507, "disk_full")
        assert small.head() == head and small.rendered() == files
    assert small.get("/gateways").json() == rows
    assert [user["name"] for user in small.get("/users").json()] == ["before"]
    os.unlink(filler)
    assert small.user("late")["id"] == "04"
    assert small.gateway("b.example.org", "before")["id"] == "1"
    assert small.delete("/gateway/a.example.org").status_code == 204
    small.git("fsck", "--strict")
