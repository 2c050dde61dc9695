"""Power loss: the folder as a file system may leave it at any moment.  Whatever was acknowledged by then is there, and it starts
by itself."""
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest

from disk import IS_LONG, Control
from power import Disk, Everything, Names, Strict, Torn, digest, lay_down, read_log, survivors
from service import BINARY, Service, free_port
from whole import check, start_again

SEED = int(os.environ.get("VPNUNIT_SEED", random.randrange(10 ** 6)))
STATES = 4000 if IS_LONG else 12  # of each recording
INIT = ("--prefix", "2001:db8::/48", "--endpoint", "vpn.example.org:1194")


class Recording:
    """A service, or a command, under record.so; its folder as it was before."""

    def __init__(self, folder):
        self.data, self.log = os.path.join(folder, "data"), os.path.join(folder, "calls")
        self.control = Control(folder, self.data)
        open(self.log, "wb").close()
        self.acknowledged = []  # (calls until then, commit)
        self.before = None

    @property
    def environment(self):
        return self.control.environment("record", self.log)

    def keep(self, commit):
        self.acknowledged.append((self.control.records, commit))

    def states(self, dice):
        """(commits that have to be there, what is left), each once, in no order."""
        log, seen = read_log(self.log), set()
        rules = [lambda: Strict(), lambda: Names(), lambda: Everything(), lambda: Torn(dice), lambda: Torn(dice)]
        moments = [(at, rule) for at in range(len(log) + 1) for rule in rules]
        chosen = {}
        for at, rule in dice.sample(moments, min(len(moments), STATES)) + [(len(log), rule) for rule in rules]:
            chosen.setdefault(at, []).append(rule)
        for at in range(len(log) + 1):
            if at:
                self.before.play(log[at - 1])
            for rule in chosen.get(at, ()):
                left = list(survivors(self.before.top, rule()))
                if digest(left) not in seen:
                    seen.add(digest(left))
                    yield at, [commit for calls, commit in self.acknowledged if calls <= at], left


def work(service, recording):
    """A little of everything, one by one and at once."""
    def do(method, path, body=None):
        answer = service.ask(method, path, body)
        assert answer.ok, answer.text
        recording.keep(answer.headers["X-Commit"])

    do("POST", "/users", {"name": "u"})
    do("POST", "/gateways", {"name": "a.example.org", "user": "u"})
    do("POST", "/gateways", {"name": "b.example.org", "user": "u"})
    do("PATCH", "/gateway/a.example.org", {"inbound": "allow"})
    do("POST", "/gateway/a.example.org/renew", {"force": True, "reason": "test"})
    do("DELETE", "/gateway/b.example.org")
    do("POST", "/batch", {"changes": [{"op": "user.create", "name": "v"}] + [
        {"op": "gateway.create", "name": f"v{i}.example.org", "user": "v"} for i in range(12)]})
    do("POST", "/rollback", {"to": "HEAD~2"})
    clients = [threading.Thread(target=do, args=("POST", "/users", {"name": f"w{i}"})) for i in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if IS_LONG:
        for i in range(15):  # enough packs for a repack
            do("POST", "/users", {"name": f"x{i}"})
        time.sleep(1)
    do("DELETE", "/gateway/a.example.org")


@pytest.fixture(scope="module")
def recorded(memory):
    folder = tempfile.mkdtemp(dir=memory)
    recording = Recording(folder)
    service = Service(folder)
    recording.before = Disk(service.data)
    service.environment.update(recording.environment)
    service.start()
    work(service, recording)
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    return recording


def revive(folder, left):
    """A service on what is left."""
    service = Service.__new__(Service)
    service.__dict__.update(data=os.path.join(folder, "data"), socket=os.path.join(folder, "api.sock"),
                            log=os.path.join(folder, "serve.log"), port=free_port(), process=None, environment=dict(os.environ))
    shutil.rmtree(service.data, ignore_errors=True)
    lay_down(left, service.data)
    return service


def test_power_loss(recorded, folder):
    print("seed", SEED)
    for at, acknowledged, left in recorded.states(random.Random(SEED)):
        print("after call", at)
        service = revive(folder, left)
        try:
            start_again(service)
            check(service, acknowledged)
        finally:
            service.stop()


def test_power_loss_in_init(folder):
    print("seed", SEED)
    recording = Recording(folder)
    recording.before = Disk(recording.data)
    subprocess.run([BINARY, "init", "--data", recording.data, *INIT], check=True, capture_output=True,
                   env=dict(os.environ, **recording.environment))
    calls = recording.control.records
    for at, _, left in recording.states(random.Random(SEED)):
        print("after call", at)
        service = revive(os.path.join(folder, "revived"), left)
        again = subprocess.run([BINARY, "init", "--data", service.data, *INIT], check=False, capture_output=True, text=True)
        assert again.returncode == 0 and at < calls or "holds a state already" in again.stderr, again.stderr
        try:
            start_again(service)
            check(service)
        finally:
            service.stop()
