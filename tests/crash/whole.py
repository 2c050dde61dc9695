"""Whatever happened to a service: what has to be true of its folder once it runs again."""
import os
import subprocess
import time

START_WITHIN = float(os.environ.get("VPNUNIT_START_SECONDS", "2"))


def start_again(service):
    """It starts by itself, soon."""
    began = time.monotonic()
    service.start()
    took = time.monotonic() - began
    assert took < START_WITHIN, f"the start took {took:.1f} s"


def leftovers(service):
    """Locks and temporary files that nobody is going to use or remove."""
    found = []
    for folder, _, names in os.walk(service.data):
        for name in names:
            path = os.path.join(folder, name)
            if (name.endswith((".lock", ".tmp")) or name.startswith(("tmp_", ".tmp-", "pack_git2_"))
                    or os.path.basename(folder) == "staging" or ".damaged" in name):
                found.append(os.path.relpath(path, service.data))
            elif "/objects/" in path and os.path.getsize(path) == 0:
                found.append(os.path.relpath(path, service.data) + " is empty")
    return found


def check(service, acknowledged=(), verify=True):
    """Nothing acknowledged is lost, nothing is half there, rendered = HEAD, the repository is sound."""
    lost = set(acknowledged) - set(service.git("rev-list", "main").split())
    assert not lost, f"acknowledged and not in the history: {lost}"
    state = service.get("/state").json()
    assert state["head"] == state["rendered"] == service.head(), state
    assert service.get("/render").json() == {"differences": []}
    for kind in "users", "gateways":
        assert len(service.get(f"/{kind}").json()) == state[kind]
    fsck = subprocess.run(["git", "-c", f"safe.directory={service.repository}", "--git-dir", service.repository, "fsck",
                           "--strict", "--full", "--no-dangling"], check=False, capture_output=True, text=True)
    assert fsck.returncode == 0 and not fsck.stderr, fsck.stdout + fsck.stderr
    if verify:
        service.run("verify")
    assert not leftovers(service), leftovers(service)
