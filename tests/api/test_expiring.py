"""hooks/expiring: what ends in 30, 7 and 1 days, as JSON, each once: whatever the hook does, across restarts too."""
import json
import os
import time

import pytest

from clock import HAS_CLOCK, Clock
from service import Service
from test_events import stream

pytestmark = pytest.mark.skipif(not HAS_CLOCK, reason="a sanitizer's runtime and libfaketime do not go together")
DAY = 86400


class World:
    """A service whose clock can be set, and a hook that keeps what it is told."""

    def __init__(self, folder):
        self.clock = Clock(folder)
        self.service = Service(folder, ("--validity", "40"), self.clock.environment())
        self.told = os.path.join(folder, "told")
        self.hook = os.path.join(self.service.repository, "hooks", "expiring")
        self.service.start()  # without hooks, whose end a request waits for
        self.service.user("joe")
        self.service.gateway("a.example.org", "joe")
        self.restart()

    def install(self, body="true"):
        with open(self.hook + ".new", "w", encoding="ascii") as hook:
            hook.write(f'#!/bin/sh\ncat >> "{self.told}"; echo >> "{self.told}"\n{body}\n')
        os.chmod(self.hook + ".new", 0o755)
        os.rename(self.hook + ".new", self.hook)

    def heard(self):
        """All that the hook was told, call by call."""
        if not os.path.exists(self.told):
            return []
        with open(self.told, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def wait(self, calls):
        deadline = time.monotonic() + 10
        while len(self.heard()) < calls:
            assert time.monotonic() < deadline, self.service.read_log()
            time.sleep(0.05)
        return [[(end["name"], end["days"]) for end in call] for call in self.heard()]

    def is_quiet(self, calls):
        """No more than these, also when the timer has looked again."""
        time.sleep(1.5)
        return len(self.heard()) == calls

    def restart(self):
        assert self.service.stop() == 0
        self.service.start(hooks=True)


@pytest.fixture
def world(tmp_path):
    made = World(str(tmp_path))
    yield made
    made.service.stop()


def test_once_each_and_across_restarts(world):
    world.install()
    world.clock.step(9 * DAY)
    assert world.is_quiet(0)
    world.clock.step(DAY + 7200)
    assert world.wait(1) == [[("a.example.org", 30)]]
    certificate = world.service.get("/gateway/a.example.org").json()["certificates"][0]
    assert world.heard()[0] == [{"kind": "gateway", "name": "a.example.org", "user": "joe", "days": 30,
                                 "not_after": certificate["not_after"], "serial": certificate["serial"]}]
    world.restart()
    world.clock.step(3 * 3600)
    assert world.is_quiet(1)
    world.clock.step(23 * DAY)
    world.wait(2)
    world.restart()
    world.clock.step(6 * DAY)
    assert world.wait(3) == [[("a.example.org", 30)], [("a.example.org", 7)], [("a.example.org", 1)]]
    world.clock.step(3 * DAY)
    assert world.is_quiet(3), "what has ended is not ending"


def test_what_came_due_while_nobody_looked_is_told_once(world):
    """By the nearest notice alone."""
    world.install()
    world.service.stop()
    world.clock.step(35 * DAY)
    world.service.start(hooks=True)
    assert world.wait(1) == [[("a.example.org", 7)]]


def test_a_hook_that_fails_is_told_again(world):
    world.install("exit 1")
    world.clock.step(10 * DAY + 7200)
    assert world.wait(1) == [[("a.example.org", 30)]]
    deadline = time.monotonic() + 10
    while "the hook expiring ended with exit code 1" not in world.service.read_log():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    world.install()
    world.clock.step(3700)
    assert world.wait(2) == [[("a.example.org", 30)]] * 2
    world.clock.step(3700)
    assert world.is_quiet(2)


def test_a_hook_that_comes_late_hears_what_is_due(world):
    world.clock.step(15 * DAY)
    time.sleep(1.5)
    world.install()
    world.clock.step(3700)
    assert world.wait(1) == [[("a.example.org", 30)]]


def test_who_has_renewed_is_left_alone(world):
    world.install()
    world.clock.step(11 * DAY)
    world.wait(1)
    assert world.service.post("/gateway/a.example.org/renew").status_code == 201
    world.clock.step(28 * DAY)  # the day before the old one's end
    assert world.wait(2) == [[("a.example.org", 30)], [("a.example.org", 30)]]


def test_as_an_event(world):
    world.clock.step(10 * DAY - 3600)
    time.sleep(1.5)
    with stream(world.service) as events:
        world.clock.step(7200)
        _, identity, end = events.next("expiry")
    assert identity is None
    assert (end["kind"], end["name"], end["days"]) == ("gateway", "a.example.org", 30)


def test_the_example_is_there_and_no_hook(world):
    assert os.path.exists(world.hook + ".example")
    assert not os.access(world.hook + ".example", os.X_OK)
    os.unlink(world.hook + ".example")
    world.install()
    world.restart()
    assert not os.path.exists(world.hook + ".example"), "who has a hook needs no example"
