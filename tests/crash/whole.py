"""Whatever happened to a service: what has to be true of its folder once it runs again."""
import os
import subprocess
import time

from service import PATIENCE

START_WITHIN = 2 * PATIENCE
REPAIRED_WITHIN = 10 * PATIENCE


def start_again(service):
    """It starts by itself, soon."""
    began = time.monotonic()
    service.start()
    took = time.monotonic() - began
    assert took < START_WITHIN, f"the start took {took:.1f} s"


def wait_for_repair(service):
    """What could not be rendered is rendered soon, by itself."""
    deadline = time.monotonic() + REPAIRED_WITHIN
    while time.monotonic() < deadline:
        state = service.get("/state").json()
        if state["head"] == state["rendered"]:
            return
        time.sleep(0.05)
    raise AssertionError(f"not rendered after {REPAIRED_WITHIN} s: {service.read_log()[-2000:]}")


def is_empty(path):
    """A repack may just take it away."""
    try:
        return os.path.getsize(path) == 0
    except FileNotFoundError:
        return False


def leftovers(service):
    """Locks and temporary files that nobody is going to use or remove."""
    found = []
    for folder, _, names in os.walk(service.data):
        for name in names:
            path = os.path.join(folder, name)
            if (name.endswith((".lock", ".tmp")) or name.startswith(("tmp_", ".tmp-"))
                    or os.path.basename(folder) == "staging" or ".damaged" in name):
                found.append(os.path.relpath(path, service.data))
            elif "/objects/" in path and is_empty(path):
                found.append(os.path.relpath(path, service.data) + " is empty")
    return found


def fsck(service):
    """What git complains of.  A repack meanwhile takes packs away under its eyes: what is broken stays so."""
    for _ in range(3):
        done = subprocess.run(["git", "-c", f"safe.directory={service.repository}", "--git-dir", service.repository, "fsck",
                               "--strict", "--full", "--no-dangling"], check=False, capture_output=True, text=True)
        if done.returncode == 0 and not done.stderr:
            return None
    return done.stdout + done.stderr


def check(service, acknowledged=(), verify=True, started=True):
    """Nothing acknowledged is lost, nothing is half there, rendered = HEAD, the repository is sound."""
    lost = set(acknowledged) - set(service.git("rev-list", "main").split())
    assert not lost, f"acknowledged and not in the history: {lost}"
    state = service.get("/state").json()
    assert state["head"] == state["rendered"] == service.head(), state
    differences = service.get("/render").json()["differences"]
    assert not differences, differences
    for kind in "users", "gateways":
        assert len(service.get(f"/{kind}").json()) == state[kind]
    assert not fsck(service), fsck(service)
    if verify:
        service.run("verify")
    deadline = time.monotonic() + 10
    while True:  # a repack may be under way, behind the answers
        left = [path for path in leftovers(service) if started or "/objects/pack/." not in path]  # go at a start
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert not left, left
