"""Goal: a list that is too long for one piece is one JSON array of one commit, and the same as its pages."""
import pytest
import requests

from service import Service

USERS = 1203  # two pieces and a rest


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    service = Service(str(tmp_path_factory.mktemp("crowded")), init=("--prefix", "2001:db8::/32", "--widths", "20/8/4"))
    service.start()
    names = [f"user{i:04}" for i in range(USERS)]
    for at in range(0, USERS, 400):
        changes = [{"op": "user.create", "name": name} for name in names[at:at + 400]]
        changes += [{"op": "gateway.create", "name": f"g.{name}.example.org", "user": name} for name in names[at:at + 400]]
        assert service.post("/batch", {"changes": changes}).status_code == 201
    yield service
    service.stop()


@pytest.mark.parametrize("path, last", [("/users", f"user{USERS - 1}"), ("/gateways", f"g.user{USERS - 1}.example.org")])
def test_whole_list(crowded, path, last):
    answer = crowded.get(path)
    rows = answer.json()
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert len(rows) == USERS and rows[-1]["name"] == last
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)
    assert answer.headers["X-Commit"] == crowded.get("/state").json()["head"]
    pages, url = [], f"{path}?limit=500"
    while url:
        page = crowded.get(url)
        pages += page.json()
        url = requests.utils.parse_header_links(page.headers["Link"])[0]["url"] if "Link" in page.headers else None
    assert pages == rows
    again = crowded.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304 and not again.content
    assert crowded.get(f"{path}?cursor={rows[100]['name']}").json() == rows[101:]


def test_head_and_old_clients(crowded):
    head = crowded.ask("HEAD", "/gateways")
    assert head.status_code == 200 and not head.content and head.headers["X-Commit"]
    old = crowded.raw(f"GET /users HTTP/1.0\r\nAuthorization: Bearer {crowded.token}\r\n\r\n".encode())
    head, body = old.split(b"\r\n\r\n", 1)
    assert b"200" in head.splitlines()[0] and b"chunked" not in head
    assert body.startswith(b"[{") and body.endswith(b"}]") and body.count(b'"prefix"') == USERS


def test_exact_piece(crowded):
    """A list of a thousand is a piece that looks as if there were more."""
    rows = crowded.get("/users").json()
    assert crowded.get(f"/users?cursor={rows[USERS - 1001]['name']}").json() == rows[-1000:]


def test_one_snapshot(crowded):
    """A change while the list is under way does not show in it."""
    with requests.get(crowded.url("/gateways"), headers={"Authorization": f"Bearer {crowded.token}"},
                      stream=True, timeout=60) as answer:
        commit = answer.headers["X-Commit"]
        crowded.gateway("zz.example.org", "user0000")
        assert crowded.get("/state").json()["head"] != commit
        assert len(answer.json()) == USERS
    crowded.delete("/gateway/zz.example.org")
