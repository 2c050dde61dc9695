"""The N-th call fails, for N from 1 until the operation passes: a clear error or success, never both, and no trace of it after.

`make test` takes some of these calls, `make test-long` all of them, each kind by itself.
"""
import contextlib
import errno
import itertools
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest
import requests

from disk import CALLS, ERROR, EXIT, FOR_EVER, IS_LONG, SHORT, Control
from service import BINARY, Service
from whole import check, start_again, wait_for_repair

if IS_LONG:
    FAULTS = [(call, EXIT, 0, 1) for call in CALLS]
    FAULTS += [(call, ERROR, errno.EIO, 1) for call in CALLS]
    FAULTS += [(call, ERROR, errno.ENOSPC, 1) for call in ("write", "pwrite", "rename", "link", "open", "mkdir")]
    FAULTS += [("open", ERROR, errno.EMFILE, 1), ("write", SHORT, 0, 1), ("pwrite", SHORT, 0, 1)]
    FAULTS += [("write", ERROR, errno.ENOSPC, FOR_EVER), ("open", ERROR, errno.EMFILE, FOR_EVER)]
else:
    FAULTS = [("any", EXIT, 0, 1), ("any", ERROR, errno.EIO, 1), ("write", ERROR, errno.ENOSPC, FOR_EVER), ("write", SHORT, 0, 1)]
FAULTS += [("any", ERROR, errno.EIO, FOR_EVER)]  # from the N-th on: cleaning up behind a failure fails as well
FAULTS_OF_REPACK = FAULTS if IS_LONG else FAULTS[:2]  # twenty changes each time
FAULTS_AT_BEGIN = FAULTS if IS_LONG else FAULTS[:1] + FAULTS[-1:]
HOW = {EXIT: "kill", SHORT: "short"}


def fault_name(fault):
    call, how, code, last = fault
    return f"{call}-{HOW.get(how) or errno.errorcode[code]}{'-on' if last != 1 else ''}"


def numbers(each=IS_LONG):
    """1, 2, 3, ... or, in short, some of them, others each time."""
    n = 1
    while True:
        yield n
        n += 1 if each else random.randint(n, 1 + 3 * n)


# --- operations: each (service, number) -> an answer; what it needs is made before the fault is armed ---

def make_gateway(service, name):
    service.gateway(name, "u")


def create(service, number):
    return service.post("/gateways", {"name": f"new{number}.example.org", "user": "u"})


def renew(service, number):
    return service.post(f"/gateway/old{number}.example.org/renew", {"force": True, "reason": "test", "revoke_old": True})


def revoke(service, number):
    return service.delete(f"/gateway/old{number}.example.org")


def rollback(service, number):
    return service.post("/rollback", {"to": "HEAD~1"})


def batch(service, number):
    return service.post("/batch", {"changes": [{"op": "user.create", "name": f"v{number}"}] + [
        {"op": "gateway.create", "name": f"b{number}-{i}.example.org", "user": f"v{number}"} for i in range(3)]})


def repack(service, number):
    """The change that makes the packs too many, and what follows behind its answer."""
    answer = service.post("/users", {"name": f"w{number}"})
    wait_for_packs(service)
    return answer


def count_packs(service):
    return sum(name.endswith(".pack") for name in os.listdir(os.path.join(service.repository, "objects", "pack")))


def wait_for_packs(service):
    deadline = time.monotonic() + 3
    while count_packs(service) > 20 and time.monotonic() < deadline and service.process.poll() is None:
        time.sleep(0.02)


def fill_packs(service, number):
    for i in itertools.count():
        if count_packs(service) == 20:
            return
        service.user(f"p{number}-{i}")


def make_room(service, number):
    """Gateways are 16 a user, users 253: take away what earlier numbers left."""
    for row in service.get("/users").json():
        if row["name"] != "u" and service.get("/state").json()["users"] > 100:
            assert service.delete(f"/user/{row['name']}?cascade=1").status_code == 204
    for row in service.get("/gateways?user=u").json():
        assert service.delete(f"/gateway/{row['name']}").status_code == 204


def before(operation, service, number):
    make_room(service, number)
    if operation in (renew, revoke, rollback):
        make_gateway(service, f"old{number}.example.org")
    if operation is repack:
        fill_packs(service, number)


def is_clear(answer, call):
    """libgit2 takes for missing what it could not open."""
    return answer.status_code in (503, 507) or call in ("any", "open") and answer.json()["code"] == "state_corrupt"


def try_once(service, control, operation, number, fault, n):
    """Was there an n-th call?"""
    call, how, code, last = fault
    before(operation, service, number)
    head, answer = service.head(), None
    control.arm(call, how, code, n, n if last == 1 else last)
    try:
        answer = operation(service, number)
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        service.process.wait(timeout=10)
    _, hits = control.disarm()
    if service.process.poll() is not None:
        assert how == EXIT or "stopping" in service.read_log().splitlines()[-1], service.read_log()
        start_again(service)
    wait_for_repair(service)
    if last == FOR_EVER:
        service.user(f"x{number}")  # sweeps what could not be swept
    acknowledged = []
    if answer is not None and answer.ok:
        assert service.git("rev-parse", f"main~{int(last == FOR_EVER)}").strip() == answer.headers["X-Commit"] != head
        acknowledged = [answer.headers["X-Commit"]]
    elif answer is not None:
        assert how != SHORT, answer.text
        assert is_clear(answer, call)
        assert answer.headers["Content-Type"] == "application/problem+json" and answer.json()["detail"]
        assert code != errno.ENOSPC or answer.json()["code"] == "disk_full", answer.text
        assert service.git("rev-parse", f"main~{int(last == FOR_EVER)}").strip() == head, f"refused and done: {answer.text}"
    check(service, acknowledged, started=False)
    return hits > 0


class Pool:
    """One service for all, and another one when a test has failed."""

    def __init__(self, memory):
        self.memory, self.service, self.control = memory, None, None

    def take(self):
        folder = tempfile.mkdtemp(dir=self.memory)
        self.control = Control(folder, os.path.join(folder, "data"))
        self.service = Service(folder, environment=self.control.environment("fail"))
        self.service.start().user("u")

    def drop(self):
        if self.service and self.service.process:
            self.service.stop()
        self.service = None


@pytest.fixture(scope="module")
def pool(memory):
    made = Pool(memory)
    yield made
    made.drop()


serial = itertools.count(1)


CASES = [(operation, fault) for operation in (create, renew, revoke, rollback, batch) for fault in FAULTS]
CASES += [(repack, fault) for fault in FAULTS_OF_REPACK]


@pytest.mark.parametrize("operation, fault", CASES, ids=[f"{case[0].__name__}-{fault_name(case[1])}" for case in CASES])
def test_nth_call(pool, operation, fault):
    if not pool.service:
        pool.take()
    try:
        for n in numbers():
            if not try_once(pool.service, pool.control, operation, next(serial), fault, n):
                break
        assert pool.service.stop() == 0, pool.service.read_log()[-6000:]
        start_again(pool.service)
        check(pool.service)
    except BaseException:
        pool.drop()
        raise


# --- many at a time: while one turn is put into place the next one is planned ---

CROWD, EACH = 8, 3


def make_users(service, prefix, answers):
    for i in range(EACH):
        name = f"{prefix}-{i}"
        try:
            answers[name] = service.post("/users", {"name": name})
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            answers[name] = None


def ask_together(service, number):
    """name: answer, or None where there was none."""
    answers = {}
    callers = [threading.Thread(target=make_users, args=(service, f"c{number}-{i}", answers)) for i in range(CROWD)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(answers) == CROWD * EACH
    return answers


def has_ended(service):
    """Behind its answers, and not a `git repack` of its that met the fault."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        service.process.wait(timeout=1)
    return service.process.poll() is not None


@pytest.mark.parametrize("fault", FAULTS[:2] + FAULTS[-1:], ids=fault_name)
def test_nth_call_among_many(pool, fault):
    """A turn that could not be put into place is nobody else's: each answer is true by itself."""
    if not pool.service:
        pool.take()
    call, how, code, last = fault
    service, control = pool.service, pool.control
    try:
        for n in numbers(each=False):  # who of them meets it is another one each time
            make_room(service, n)
            control.arm(call, how, code, n, n if last == 1 else last)
            answers = ask_together(service, next(serial))
            _, hits = control.disarm()
            if None in answers.values() or how == EXIT and hits and has_ended(service):
                service.process.wait(timeout=10)
                assert how == EXIT or "stopping" in service.read_log().splitlines()[-1], service.read_log()
                start_again(service)
            wait_for_repair(service)
            if last == FOR_EVER:
                service.user(f"x{next(serial)}")  # sweeps what could not be swept
            there = {row["name"] for row in service.get("/users").json()}
            for name, answer in answers.items():
                assert answer is None or answer.ok == (name in there), f"{name}: {answer.status_code} {answer.text}"
                assert answer is None or answer.ok or is_clear(answer, call), answer.text
            check(service, [answer.headers["X-Commit"] for answer in answers.values() if answer is not None and answer.ok],
                  started=False)
            if not hits:
                break
    except BaseException:
        pool.drop()
        raise


# --- without a service: init, and its first start ---

def run_init(service, control, fault, n):
    call, how, code, last = fault
    control.arm(call, how, code, n, n if last == 1 else last)
    done = subprocess.run([BINARY, "init", "--data", service.data, "--prefix", "2001:db8::/48", "--endpoint",
                           "vpn.example.org:1194"], check=False, capture_output=True, text=True, timeout=60,
                          env=service.environment)
    return done, control.disarm()[1]


def run_start(service, control, fault, n):
    """Either it serves or it ends and says why."""
    call, how, code, last = fault
    control.arm(call, how, code, n, n if last == 1 else last)
    try:
        service.start()
    except RuntimeError:
        status = service.process.wait()
        assert status == 1 or how == EXIT and status == -signal.SIGKILL, service.read_log()
    return control.disarm()[1]


@pytest.fixture
def bare(folder):
    """A service whose folder is there once it is asked for."""
    control = Control(folder, os.path.join(folder, "data"))
    service = Service.__new__(Service)
    service.__dict__.update(data=control.data, socket=os.path.join(folder, "api.sock"), log=os.path.join(folder, "serve.log"),
                            process=None, environment=dict(os.environ, **control.environment("fail")))
    from service import free_port
    service.port = free_port()
    yield service, control
    service.stop()


@pytest.mark.parametrize("fault", FAULTS_AT_BEGIN, ids=fault_name)
def test_init(bare, fault):
    service, control = bare
    for n in numbers():
        shutil.rmtree(service.data, ignore_errors=True)
        done, hits = run_init(service, control, fault, n)
        if done.returncode != 0:
            assert fault[1] == EXIT and done.returncode < 0 or done.returncode == 1 and done.stderr.startswith("vpnunit: ")
            assert fault[1] != SHORT, done.stderr
            again, _ = run_init(service, control, ("any", ERROR, 0, 1), 0)
            assert again.returncode == 0 or "holds a state already" in again.stderr, again.stderr
        start_again(service)
        check(service)
        service.stop()
        if not hits:
            return


@pytest.mark.parametrize("fault", FAULTS_AT_BEGIN, ids=fault_name)
def test_first_start(bare, fault):
    service, control = bare
    for n in numbers():
        shutil.rmtree(service.data, ignore_errors=True)
        assert run_init(service, control, ("any", ERROR, 0, 1), 0)[0].returncode == 0
        hits = run_start(service, control, fault, n)
        if service.process.poll() is not None:
            start_again(service)
        wait_for_repair(service)
        check(service)
        service.stop()
        if not hits:
            return
