"""Clients at the same moment: one writer, no name, id or address twice."""
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier


def at_once(calls):
    """Run all calls in threads that start together."""
    barrier = Barrier(len(calls))

    def run(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


def test_same_name(service, name):
    for number in range(10):
        body = {"name": f"{name}-{number}"}
        answers = at_once([lambda: service.post("/users", body)] * 2)
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        assert [answer.json()["code"] for answer in answers if answer.status_code == 409] == ["name_taken"]


def test_two_gateways_of_one_user(service, user):
    for number in range(8):
        names = [f"{side}{number}.{user['name']}.example.org" for side in "ab"]
        answers = at_once([lambda n=n: service.post("/gateways", {"name": n, "user": user["name"]}) for n in names])
        assert [answer.status_code for answer in answers] == [201, 201]
        assert len({answer.json()["id"] for answer in answers}) == 2
    rows = service.get(f"/gateways?user={user['name']}").json()
    assert sorted(row["id"] for row in rows) == list("0123456789abcdef")
    assert len({row["prefix"] for row in rows}) == len({row["certificates"][0]["serial"] for row in rows}) == 16


def test_same_tag(service, user):
    """Two who have read the same write: one is told of the other."""
    path = f"/user/{user['name']}"
    tag = service.get(path).headers["ETag"]
    answers = at_once([lambda n=n: service.patch(path, {"name": f"{n}{user['name']}"}, headers={"If-Match": tag})
                       for n in ("a", "b")])
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([200, 412], [200, 404])


def test_delete_while_created(service, user):
    """A user with a gateway is never deleted without it, whatever comes first."""
    for number in range(5):
        owner = service.user(f"o{number}{user['name']}")["name"]
        gateway = f"g.{owner}.example.org"
        create, delete = at_once([lambda: service.post("/gateways", {"name": gateway, "user": owner}),
                                  lambda: service.delete(f"/user/{owner}")])
        assert (create.status_code, delete.status_code) in ((201, 409), (404, 204))


def test_many(fresh):
    """Batches: sixteen clients, each change its own commit, all of them there."""
    before = int(fresh.git("rev-list", "--count", "main"))
    answers = at_once([lambda n=n: fresh.post("/users", {"name": f"u{n}"}) for n in range(16)])
    assert [answer.status_code for answer in answers] == [201] * 16
    assert len({answer.json()["id"] for answer in answers}) == 16
    assert len({answer.headers["X-Commit"] for answer in answers}) == 16
    assert int(fresh.git("rev-list", "--count", "main")) == before + 16
    assert len(fresh.get("/users").json()) == 16
    fresh.git("fsck", "--strict")
