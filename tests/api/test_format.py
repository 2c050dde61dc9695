"""The layout's version: an older vpnunit leaves a newer state alone, whichever way it comes to it."""
import os
import subprocess

import pytest

NEWER = ("layout 2", "use a newer vpnunit")


def git(folder, *arguments):
    environment = {**os.environ, "GIT_AUTHOR_NAME": "vpnunit", "GIT_AUTHOR_EMAIL": "vpnunit@localhost",
                   "GIT_COMMITTER_NAME": "vpnunit", "GIT_COMMITTER_EMAIL": "vpnunit@localhost"}
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True, env=environment).stdout.strip()


@pytest.fixture
def newer(fresh, tmp_path):
    """A state as a vpnunit of tomorrow would have left it: one commit brought it to layout 2."""
    fresh.user("joe")
    fresh.stop()
    clone = str(tmp_path / "clone")
    git(str(tmp_path), "clone", "-q", fresh.repository, clone)
    with open(os.path.join(clone, "format"), "w", encoding="ascii") as file:
        file.write("2\n")
    git(clone, "commit", "-q", "-a", "-m", "format: 2")
    git(fresh.repository, "fetch", "-q", clone, "main")
    git(fresh.repository, "update-ref", "refs/heads/main", "FETCH_HEAD")
    return fresh


def test_an_older_one_refuses(newer):
    head, rendered = newer.head(), newer.rendered()
    for command in (("serve", "--listen", f"unix:{newer.socket}"), ("render",), ("render", "--full"),
                    ("render", "--out", newer.data + ".out"), ("restore", "--accept-loss")):
        refused = newer.run(*command, check=False)
        assert refused.returncode == 1 and all(word in refused.stderr for word in NEWER), (command, refused)
    assert newer.run("verify", check=False).returncode == 1
    assert newer.head() == head and newer.rendered() == rendered


def test_the_one_that_knows_it_goes_on(newer):
    """What was refused is as it was: a vpnunit that knows the layout, here with the format it knows, just serves."""
    newer.run("render", check=False)
    git(newer.repository, "update-ref", "refs/heads/main", "main~1")
    newer.start()
    assert [user["name"] for user in newer.get("/users").json()] == ["joe"]


def test_no_version(newer):
    clone = os.path.join(os.path.dirname(newer.data), "clone")
    for text in ("", "0\n", "1", "one\n", "-1\n", "1\n\n", "99999999999999999999\n"):
        with open(os.path.join(clone, "format"), "w", encoding="ascii") as file:
            file.write(text)
        git(clone, "commit", "-q", "-a", "-m", "format")
        git(newer.repository, "fetch", "-q", clone, "main")
        git(newer.repository, "update-ref", "refs/heads/main", "FETCH_HEAD")
        refused = newer.run("render", check=False)
        assert refused.returncode == 1 and "layout" in refused.stderr, text


def test_nobody_pushes_one(fresh, tmp_path):
    fresh.user("joe")
    clone = str(tmp_path / "clone")
    git(str(tmp_path), "clone", "-q", fresh.repository, clone)
    with open(os.path.join(clone, "format"), "w", encoding="ascii") as file:
        file.write("2\n")
    git(clone, "commit", "-q", "-a", "-m", "format: 2")
    head = fresh.head()
    pushed = subprocess.run(["git", "-C", clone, "push", "-q"], capture_output=True, text=True, check=False)
    assert pushed.returncode != 0 and fresh.head() == head
