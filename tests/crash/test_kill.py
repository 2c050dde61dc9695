"""kill -9 under load: what was acknowledged is there, nothing is half there, and it starts by itself."""
import os
import random
import signal
import threading
import time

import requests

from disk import IS_LONG
from service import Service
from whole import check, start_again

ROUNDS = 200 if IS_LONG else 20
CLIENTS = 6
SEED = int(os.environ.get("VPNUNIT_SEED", random.randrange(10 ** 6)))


class Client(threading.Thread):
    """Creates, changes, renews and deletes gateways of its own until the service is gone."""

    def __init__(self, service, number, past):
        super().__init__()
        self.service, self.number, self.dice = service, number, random.Random(SEED + number)
        self.names = past  # gateway -> is it there? None: nobody knows
        self.commits = []
        self.strange = []

    def run(self):
        try:
            while True:
                self.step()
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            pass

    def step(self):
        alive = [name for name, there in self.names.items() if there]
        what = self.dice.choice(("create", "create", "patch", "renew", "delete")) if alive else "create"
        name = self.dice.choice(alive) if alive else None
        if what == "create":
            name = f"g{self.number}-{len(self.names)}.example.org"
            self.ask(name, True, "POST", "/gateways", {"name": name, "user": self.user(name)})
        elif what == "patch":
            self.ask(name, True, "PATCH", f"/gateway/{name}", {"inbound": self.dice.choice(("allow", "deny"))})
        elif what == "renew":
            self.ask(name, True, "POST", f"/gateway/{name}/renew", {"force": True, "reason": "test"})
        else:
            self.ask(name, False, "DELETE", f"/gateway/{name}")

    def user(self, name):
        """One for at most ten gateways, made with the first of them."""
        number = int(name.split("-")[1].split(".")[0])
        user = f"u{self.number}-{number // 10}"
        if number % 10 == 0 and self.service.get(f"/user/{user}").status_code == 404:
            self.commits.append(self.service.post("/users", {"name": user}).headers["X-Commit"])
        return user

    def ask(self, name, there, method, path, body=None):
        was, self.names[name] = self.names.get(name), None
        answer = self.service.ask(method, path, body)
        if answer.status_code in (200, 201, 204):
            self.commits.append(answer.headers["X-Commit"])
            self.names[name] = there
        else:
            self.strange.append(f"{method} {path}: {answer.status_code} {answer.text}")
            self.names[name] = was


def settle(service, clients):
    """What was acknowledged is as it was said; what was cut off is one or the other, as a whole."""
    there = {row["name"]: row for row in service.get("/gateways").json()}
    for client in clients:
        assert not client.strange, client.strange
        for name, expected in client.names.items():
            assert expected is None or expected == (name in there), (name, expected)
            client.names[name] = name in there
            if name in there:
                assert there[name]["certificates"]
                assert service.get(f"/gateway/{name}/config").status_code == 200


def test_kill_under_load(folder):
    print("seed", SEED)
    dice, service = random.Random(SEED), Service(folder)
    clients, commits = [], []
    service.start()
    for turn in range(ROUNDS):
        clients = [Client(service, number, clients[number].names if clients else {}) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(dice.uniform(0.02, 0.7))
        service.process.send_signal(signal.SIGKILL)
        service.process.wait()
        for client in clients:
            client.join()
        commits = [commit for client in clients for commit in client.commits] + commits
        start_again(service)
        settle(service, clients)
        check(service, commits, verify=turn % 5 == 4 or turn == ROUNDS - 1)
    assert service.stop() == 0
