"""The Debian package: built, installed, used as its units say, removed, purged.

On a copy of this machine's root: an overlay that is gone with the namespace it is mounted in, so that its dpkg,
users and files are real and the machine's own stay as they are.
"""
import configparser
import json
import os
import pty
import pwd
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

DATA = "/var/lib/vpnunit"
DEB = "/run/vpnunit.deb"
UNITS = "/lib/systemd/system"
MOUNT = """set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mknod -m 666 "$1/tun" c 10 200
mount --bind "$1/tun" dev/net/tun
mount -t tmpfs tmpfs run
cp "$2" run/vpnunit.deb
ip link set lo up
exec chroot . /usr/bin/python3 "$3" --inside
"""


def run(*command, check=True, **options):
    options.setdefault("env", {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})
    done = subprocess.run(command, check=False, text=True, capture_output=True, timeout=120, **options)
    assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


def install():
    run("dpkg", "--install", DEB)
    status = os.stat(DATA)
    assert pwd.getpwuid(status.st_uid).pw_name == "vpnunit" and status.st_mode & 0o777 == 0o711
    assert "openvpn" in run("id", "-Gn", "vpnunit").stdout.split()
    assert run("dpkg", "--verify", "vpnunit").stdout == ""


def as_user(name, *command, capabilities=""):
    """What systemd does before it starts a unit's command."""
    words = ["setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups", "--no-new-privs"]
    if capabilities:
        words += [f"--inh-caps=+{capabilities}", f"--ambient-caps=+{capabilities}"]
    return [*words, "--", *command]


def start(unit):
    """The unit's command line, with its user, capabilities and environment; until it says that it is ready."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str
    with open(f"{UNITS}/{unit}.service", encoding="utf-8") as file:
        text = file.read()
    parser.read_string(text)
    service = parser["Service"]
    environment = dict(line.split("=", 1)[1].split("=", 1) for line in text.splitlines() if line.startswith("Environment="))
    capabilities = service.get("AmbientCapabilities", "").lower().removeprefix("cap_")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(f"/run/{unit}")
        os.chmod(f"/run/{unit}", 0o777)
        ready.settimeout(30)
        process = subprocess.Popen(as_user(service["User"], *shlex.split(service["ExecStart"]), capabilities=capabilities),
                                   env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": f"/run/{unit}", **environment})
        while service["Type"] == "notify" and b"READY=1" not in ready.recv(4096):
            pass
    return process


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "that takes too long"
        time.sleep(0.1)


def state():
    return json.loads(run("curl", "--silent", "--unix-socket", f"{DATA}/run/vpnunit.sock", "http://localhost/state").stdout)


def use():
    """As README tells: init, render, three units, a first user; root needs no token."""
    run(*as_user("vpnunit", "vpnunit", "init", "--prefix", "2001:db8::/48", "--endpoint", "vpn.example.org:1194"))
    run(*as_user("vpnunit", "vpnunit", "render", "--openvpn-group", "openvpn"))
    running = [start(unit) for unit in ("vpnunit", "vpnunit-deploy", "vpnunit-openvpn")]
    try:
        wait_until(lambda: run("vpnunit", "status", check=False).returncode == 0)
        run("vpnunit", "user", "add", "joe")
        run("vpnunit", "gateway", "add", "laptop.joe.example.org", "--user", "joe")
        assert "BEGIN PRIVATE KEY" in run("vpnunit", "gateway", "config", "laptop.joe.example.org").stdout
        wait_until(lambda: state()["deployed"] == state()["head"] and state()["openvpn"]["running"])
        assert "2001:db8:0:300::/60" in run("ip", "-6", "route", "show", "dev", "tun-vpn").stdout
        assert run("vpnunit", "status").returncode == 0
    finally:
        for process in reversed(running):
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(30) for process in running]
    assert set(codes) <= {0, -signal.SIGTERM}


def purge(answer):
    """On a terminal, where it asks; what it said."""
    main, side = pty.openpty()
    process = subprocess.Popen(["dpkg", "--purge", "vpnunit"], stdin=side, stdout=side, stderr=side, start_new_session=True,
                               env={"PATH": os.environ["PATH"], "DEBIAN_FRONTEND": "teletype", "TERM": "dumb", "LC_ALL": "C.UTF-8"})
    os.close(side)
    screen = ""
    while process.poll() is None or select.select([main], [], [], 0)[0]:
        if not select.select([main], [], [], 0.2)[0]:
            continue
        try:
            screen += os.read(main, 4096).decode()
        except OSError:
            break
        if answer and "[yes/no]" in screen:
            os.write(main, answer.encode())
            answer = None
    assert process.wait(60) == 0 and answer is None, screen
    return screen


def is_there(command):
    return shutil.which(command, path="/usr/sbin:/usr/bin:/sbin:/bin") is not None


def inside():
    install()
    use()
    run("dpkg", "--install", DEB)  # again, as an upgrade does
    assert os.path.isdir(f"{DATA}/state.git")
    run("dpkg", "--remove", "vpnunit")
    assert not is_there("vpnunit") and os.path.exists(f"{DATA}/secrets/master.key")
    kept = run("dpkg", "--purge", "vpnunit")
    assert "kept" in kept.stdout + kept.stderr and os.path.exists(f"{DATA}/secrets/master.key")
    install()
    assert "master key" in purge("no\n") and os.path.exists(f"{DATA}/secrets/master.key")
    install()
    purge("yes\n")
    assert not os.path.exists(DATA) and not is_there("vpnunit")
    assert run("dpkg-query", "--show", "vpnunit", check=False).returncode != 0


if __name__ == "__main__" and sys.argv[1:] == ["--inside"]:
    inside()
    print("package: all is well")
    sys.exit(0)

# The part above runs in the copy, where nothing but Python is needed.
import pytest  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

from service import BINARY, ROOT  # noqa: E402

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/net/tun") or os.geteuid() != 0,
                                reason="SKIPPED LOUDLY: a package is tried as root, with /dev/net/tun")


def test_package(tmp_path):
    build = os.path.dirname(BINARY)
    version = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    made = subprocess.run([f"{ROOT}/.ci/deb", build, version], capture_output=True, text=True, check=False, timeout=120)
    assert made.returncode == 0, made.stdout + made.stderr
    deb = made.stdout.splitlines()[-1].removeprefix("deb: ")
    tried = subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-c", MOUNT, "sh",
                            str(tmp_path), deb, os.path.abspath(__file__)], capture_output=True, text=True, check=False, timeout=300)
    assert tried.returncode == 0 and "all is well" in tried.stdout, tried.stdout + tried.stderr
