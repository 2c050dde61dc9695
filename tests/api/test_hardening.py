"""What the running service has given up, and what its hooks cannot get at: the master key above all."""
import os
import re
import stat
import subprocess

import pytest
import requests

from clock import is_sanitized
from service import BINARY, ROOT, Service, wait_for

UNITS = os.path.join(ROOT, "hooks", "systemd")
NOBODY = 65534

HOOK = r"""#!/bin/sh
# Each way to the key; what comes out goes to a file beside.
out=$VPNUNIT_DATA/stolen
key=$VPNUNIT_DATA/secrets/master.key
{
	[ ! -e "$VPNUNIT_DATA/kept" ] || { cat "$VPNUNIT_DATA/kept/master.key"; mv "$VPNUNIT_DATA/kept" "$VPNUNIT_DATA/secrets"; }
	cat "$key"
	cat "$VPNUNIT_DATA/secrets/admin.token"
	cd "$VPNUNIT_DATA/secrets" && cat master.key; cd /
	ln "$key" "$VPNUNIT_DATA/linked" && cat "$VPNUNIT_DATA/linked"
	ln "$key" /tmp/linked.$$ && cat /tmp/linked.$$
	mv "$key" "$VPNUNIT_DATA/moved" && cat "$VPNUNIT_DATA/moved"
	ln -s "$key" "$VPNUNIT_DATA/symbolic" && cat "$VPNUNIT_DATA/symbolic"
	mv "$VPNUNIT_DATA/secrets" "$VPNUNIT_DATA/other" && cat "$VPNUNIT_DATA/other/master.key"; mv "$VPNUNIT_DATA/other" "$VPNUNIT_DATA/secrets"
	cat "/proc/$PPID/root$key"
	cat "/proc/$PPID/cwd/secrets/master.key"
	cat /proc/$PPID/fd/*
	cat /proc/$PPID/environ
	grep -a -o "$(printf '1 [0-9a-f]\{64\}')" /proc/$PPID/mem
	"$VPNUNIT_BIN" key show --data "$VPNUNIT_DATA"
	mv "$VPNUNIT_DATA/secrets" "$VPNUNIT_DATA/kept" && touch "$VPNUNIT_DATA/kept.name"
	unshare -rm sh -c "mount --bind '$VPNUNIT_DATA' /mnt && cat /mnt/secrets/master.key"
} > "$out" 2> "$out.errors"
cat "$VPNUNIT_DATA/state.json" "$VPNUNIT_DATA/ip/routes" /etc/passwd > "$VPNUNIT_DATA/readable" && touch "$VPNUNIT_DATA/done"
clone=$(mktemp -d -p /var/tmp) && git clone --quiet "$GIT_DIR" "$clone/state" && git -C "$clone/state" push --quiet origin HEAD:refs/heads/main
[ -e "$clone/state/format" ] && touch "$VPNUNIT_DATA/cloned"; rm -rf "$clone"
sed -n '/^NoNewPrivs\|^CapEff/p' /proc/self/status > "$VPNUNIT_DATA/status"
"""


def install_hook(service, text):
    folder = os.path.join(service.repository, "hooks", "post-commit.d")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "thief")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)
    return path


def master_key(service):
    with open(os.path.join(service.data, "secrets", "master.key"), encoding="ascii") as file:
        return file.read().split()[1]


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(re.findall(r"^(\w+):\s*(.*)$", file.read(), re.M))


def rob(service):
    """Two runs: under the name that the first one gave the folder at its end the second one tries it again."""
    key, token = master_key(service), service.token
    done, kept = os.path.join(service.data, "status"), os.path.join(service.data, "kept")
    yield
    wait_for(lambda: os.path.exists(done))
    assert os.path.exists(kept)
    check_theft(service, key, token)
    os.remove(done)
    answer = requests.post(service.url("/users"), json={"name": "again"}, headers={"Authorization": f"Bearer {token}"},
                           timeout=60)
    assert answer.status_code == 201, answer.text
    wait_for(lambda: os.path.exists(done))
    check_theft(service, key, token)
    os.rename(kept, os.path.join(service.data, "secrets"))
    assert master_key(service) == key
    yield


def check_theft(service, key, token):
    found = ""
    for path in ("stolen", "stolen.errors", "readable"):
        with open(os.path.join(service.data, path), encoding="utf-8", errors="replace") as file:
            found += file.read()
    assert not any(key[i:i + 8] in found for i in range(0, 64, 8))
    assert token not in found
    assert "root:" in found  # what is no secret can be read
    assert os.path.exists(os.path.join(service.data, "cloned"))


def test_hooks_cannot_read_the_master_key(tmp_path):
    """As root, to whom modes of files mean nothing."""
    service = Service(str(tmp_path))
    install_hook(service, HOOK)
    robbery = rob(service)
    next(robbery)
    service.start(hooks=True)
    try:
        next(robbery)
        assert "hooks, which run as the service's user, can read" not in service.read_log()
    finally:
        service.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_hooks_of_a_user_without_privileges(tmp_path):
    """As the unit runs it: the same user owns the key, and cannot look into the service's memory either."""
    os.chmod(tmp_path, 0o755)
    for folder in list(tmp_path.parents)[:3]:
        os.chmod(folder, os.stat(folder).st_mode | stat.S_IXOTH | stat.S_IROTH)
    service = Service(str(tmp_path))
    install_hook(service, HOOK)
    robbery = rob(service)
    next(robbery)
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", service.data], check=True)
    with open(service.log, "a", encoding="utf-8") as log:
        service.process = subprocess.Popen(
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--", BINARY, "serve", "--data",
             service.data, "--listen", f"127.0.0.1:{service.port}"], stdout=log, stderr=log)
    try:
        next(robbery)
        pid = service.process.pid
        look = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--", "head", "-c1",
                               f"/proc/{pid}/environ"], capture_output=True, text=True)
        assert look.returncode != 0 and "Permission denied" in look.stderr
        assert set(status(pid)["CapPrm"]) == {"0"}
        assert status(pid)["NoNewPrivs"] == "1"
    finally:
        service.stop()


def test_a_master_key_elsewhere(tmp_path):
    service = Service(str(tmp_path))
    key = master_key(service)
    elsewhere = tmp_path / "credentials" / "master.key"
    elsewhere.parent.mkdir()
    os.rename(os.path.join(service.data, "secrets", "master.key"), elsewhere)
    install_hook(service, f'#!/bin/sh\ncat {elsewhere} > "$VPNUNIT_DATA/stolen"\ncp {elsewhere.parent}/other '
                          '"$VPNUNIT_DATA/copied"; touch "$VPNUNIT_DATA/done"\n')
    (elsewhere.parent / "other").write_text("beside it\n")
    service.environment["VPNUNIT_MASTER_KEY"] = str(elsewhere)
    service.start(hooks=True)
    try:
        wait_for(lambda: os.path.exists(os.path.join(service.data, "done")))
        assert open(os.path.join(service.data, "stolen"), encoding="ascii").read() == ""
        assert open(os.path.join(service.data, "copied"), encoding="ascii").read() == "beside it\n"
        assert elsewhere.read_text().split()[1] == key
    finally:
        service.stop()


def test_what_the_process_keeps(fresh):
    """Every thread of it, as root: three capabilities for the files, no way to more, no core file."""
    pid = fresh.process.pid
    needed = (1 << 0) | (1 << 1) | (1 << 3)  # chown, dac_override, fowner
    for task in os.listdir(f"/proc/{pid}/task"):
        of = status(f"{pid}/task/{task}")
        assert of["NoNewPrivs"] == "1"
        for name in ("CapEff", "CapPrm", "CapBnd"):
            assert int(of[name], 16) & ~needed == 0, (task, name, of[name])
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        assert re.search(r"Max core file size\s+0\s+0", file.read())
    assert os.stat(f"/proc/{pid}/environ").st_uid == 0
    if is_sanitized():
        return  # which has an mlock of its own, that does nothing
    locked = [line for line in open(f"/proc/{pid}/smaps", encoding="ascii") if line.startswith("VmFlags") and " lo " in line]
    assert any(" dd " in line for line in locked)  # the key's page: locked, and not dumped


@pytest.mark.parametrize("unit, most", [("vpnunit.service", 2.0), ("vpnunit-deploy.service", 2.5), ("vpnunit-openvpn.service", 2.5)])
def test_units(unit, most):
    """systemd's own judgement."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", os.path.join(UNITS, unit)],
                          capture_output=True, text=True, timeout=60)
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposure, done.stdout + done.stderr
    assert float(exposure.group(1)) < most, done.stdout
