"""/events: server-sent events that miss no commit, go on where one was, and never keep the service from its work."""
import contextlib
import json
import socket
import threading
import time

import requests

from service import assert_problem, document


class Stream:
    """What an EventSource would hear."""

    def __init__(self, service, last=None):
        headers = {"Authorization": f"Bearer {service.token}", "Accept": "text/event-stream"}
        if last:
            headers["Last-Event-ID"] = last
        self.answer = requests.get(service.url("/events"), headers=headers, stream=True, timeout=30)
        assert self.answer.status_code == 200, self.answer.text
        assert self.answer.headers["Content-Type"] == "text/event-stream"
        self.lines = self.answer.iter_lines(chunk_size=1, decode_unicode=True)
        assert next(self.lines) == "retry: 2000" and next(self.lines) == ""

    def next(self, kind=None):
        """The next event as (kind, id, data), comments left out; of a kind, if given. None: the stream has ended."""
        deadline = time.monotonic() + 20
        while True:
            fields = {}
            for line in self.lines:
                assert time.monotonic() < deadline, "no such event"
                if line == "":
                    break
                name, _, value = line.partition(":")
                fields[name] = value.strip()
            else:
                return None
            if "event" in fields and kind in (None, fields["event"]):
                return fields["event"], fields.get("id"), json.loads(fields["data"])

    def close(self):
        self.answer.close()


@contextlib.contextmanager
def stream(service, last=None):
    opened = Stream(service, last)
    try:
        yield opened
    finally:
        opened.close()


def test_a_commit_is_told_as_the_log_tells_it(service, name):
    with stream(service) as events:
        service.user(name)
        kind, commit, entry = events.next()
    assert (kind, commit) == ("commit", entry["commit"])
    assert entry == service.get("/log?limit=1").json()[0]
    assert entry["objects"] == [f"user:{name}"]
    document().validator({"$ref": "#/components/schemas/Entry"}).validate(entry)


def test_it_goes_on_where_one_was(service, user, name):
    last = service.head()
    made = [service.gateway(f"e{i}.{name}.example.org", user["name"])["name"] for i in range(5)]
    with stream(service, last) as events:
        heard = [events.next() for _ in made]
        assert [entry["objects"] for _, _, entry in heard] == [[f"gateway:{gateway}"] for gateway in made]
        service.delete(f"/gateway/{made[0]}")
        assert events.next()[2]["change"] == "gateway.delete"
    with stream(service, heard[2][1]) as events:
        assert [events.next()[1] for _ in range(2)] == [heard[3][1], heard[4][1]]


def test_an_unknown_place_begins_now(service, name):
    for last in ("0" * 40, "x", "HEAD", "../../etc"):
        with stream(service, last) as events:
            made = service.user(f"{name}-{last[0].lower() if last[0].isalnum() else 'd'}")
            assert events.next()[2]["objects"] == [f"user:{made['name']}"]


def test_none_is_missed_under_load(service, name):
    """While several write: each commit once, in the order of the history."""
    first = service.head()
    with stream(service) as events:
        threads = [threading.Thread(target=lambda k=k: [service.user(f"{name}-{k}-{i}") for i in range(20)]) for k in range(4)]
        for thread in threads:
            thread.start()
        heard = [events.next()[1] for _ in range(80)]
        for thread in threads:
            thread.join()
    assert heard == service.git("rev-list", "--reverse", f"{first}..main").split()


def test_the_cap_leaves_workers(service):
    """Over it: 503 and Retry-After; the service goes on; who leaves makes room."""
    with contextlib.ExitStack() as stack:
        opened = 0
        while opened < 100:
            answer = service.get("/events", stream=True)
            stack.callback(answer.close)
            if answer.status_code != 200:
                break
            opened += 1
        assert_problem(answer, 503, "too_many_streams")
        assert int(answer.headers["Retry-After"]) > 0
        assert 4 <= opened <= 48
        began = time.monotonic()
        for _ in range(20):
            assert service.get("/healthz").status_code == 200
        assert time.monotonic() - began < 5
    deadline = time.monotonic() + 15
    while service.get("/events", stream=True).status_code != 200:
        assert time.monotonic() < deadline, "who left still counts"
        time.sleep(0.2)


def test_head_and_token(service):
    head = service.ask("HEAD", "/events")
    assert head.status_code == 200 and head.content == b""
    assert service.get("/events", headers={"Authorization": "Bearer x"}).status_code == 401
    assert_problem(service.get("/events?since=1"), 400, "invalid", "since")


def test_who_does_not_read_holds_nobody_up(service, name):
    """A listener with a full window: changes are made as fast as ever, and the listener is let go."""
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", service.port))
        root = service.git("rev-list", "--max-parents=0", "main").strip()
        deaf.sendall(f"GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: {root}\r\n"
                     f"Authorization: Bearer {service.token}\r\n\r\n".encode())
        changes = [{"op": "user.create", "name": f"{name}-{i}"} for i in range(100)]
        for change in changes:
            change["name"] += "-" + "x" * (31 - len(change["name"]))
        began = time.monotonic()
        for change in changes:
            assert service.post("/users", {"name": change["name"]}).status_code == 201
        assert time.monotonic() - began < 10


def test_the_service_stops_while_one_listens(fresh):
    with stream(fresh) as events:
        ended = []
        thread = threading.Thread(target=lambda: ended.append(events.next()))
        thread.start()
        began = time.monotonic()
        assert fresh.stop() == 0
        assert time.monotonic() - began < 3
        thread.join(5)
        assert ended == [None]
