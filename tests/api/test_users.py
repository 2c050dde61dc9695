"""Users: create, read, rename, switch off, delete; which id of the address plan they get."""
import pytest

from service import assert_problem, is_time


def test_create(service, name):
    answer = service.post("/users", {"name": name})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/user/{name}"
    user = answer.json()
    assert set(user) == {"name", "id", "prefix", "enabled", "gateways", "created"}
    assert user["name"] == name and user["enabled"] is True and user["gateways"] == 0
    assert len(user["id"]) == 2 and user["prefix"].endswith("::/56") and is_time(user["created"])
    assert answer.headers["X-Commit"] == service.head()
    again = service.get(f"/user/{name}")
    assert again.json() == user
    assert again.headers["ETag"] == answer.headers["ETag"]
    assert user in service.get("/users").json()


def test_ids_begin_at_3(fresh):
    """00 and 01 are never given, 02 only when asked for."""
    assert fresh.user("first")["id"] == "03"
    assert fresh.user("second")["prefix"] == "2001:db8:0:400::/56"
    for reserved in ("00", "01"):
        assert_problem(fresh.post("/users", {"name": "x", "id": reserved}), 409, "id_reserved")
    assert fresh.user("third", id="02")["prefix"] == "2001:db8:0:200::/56"
    assert_problem(fresh.post("/users", {"name": "x", "id": "03"}), 409, "id_taken")
    assert fresh.user("fourth", id="1f")["id"] == "1f"
    assert fresh.user("fifth")["id"] == "05"


def test_an_id_comes_back_last(fresh):
    """The lowest id never used comes before one that was given back."""
    fresh.user("first")
    assert fresh.delete("/user/first").status_code == 204
    assert fresh.user("second")["id"] == "04"


@pytest.mark.parametrize("wrong", ["1", "001", "1F", "zz", "", " 1"])
def test_bad_id(service, name, wrong):
    assert_problem(service.post("/users", {"name": name, "id": wrong}), 400, "invalid", "id")


def test_taken_name(service, user):
    assert_problem(service.post("/users", {"name": user["name"]}), 409, "name_taken")
    assert_problem(service.post("/users", {"name": user["name"].upper()}), 409, "name_taken")


def test_upper_case_is_folded(service, name):
    assert service.user("Upper" + name.upper())["name"] == "upper" + name
    assert service.get(f"/user/UPPER{name}").json()["name"] == "upper" + name


@pytest.mark.parametrize("good", ["a", "0", "a.b_c-d", "a" * 32])
def test_good_names(service, good):
    assert service.user(good)["name"] == good


def test_rename_keeps_the_place(service, user, gateway):
    new = user["name"] + "new"
    answer = service.patch(f"/user/{user['name']}", {"name": new})
    assert answer.status_code == 200
    assert answer.json() == {**user, "name": new, "gateways": 1}
    assert_problem(service.get(f"/user/{user['name']}"), 404, "not_found")
    assert service.get(f"/gateway/{gateway['name']}").json() == {**gateway, "user": new}


def test_rename_to_a_taken_name(service, user):
    service.user("other" + user["name"])
    assert_problem(service.patch(f"/user/{user['name']}", {"name": "other" + user["name"]}), 409, "name_taken")


def test_switch_off_and_on(service, user):
    assert service.patch(f"/user/{user['name']}", {"enabled": False}).json()["enabled"] is False
    assert service.get(f"/user/{user['name']}").json()["enabled"] is False
    assert service.patch(f"/user/{user['name']}", {"enabled": True}).json() == user


def test_a_change_of_nothing_is_no_commit(service, user):
    head = service.head()
    for body in ({}, {"enabled": True}, {"name": user["name"]}):
        answer = service.patch(f"/user/{user['name']}", body)
        assert answer.status_code == 200 and answer.json() == user
    assert service.head() == head


def test_delete(service, user):
    answer = service.delete(f"/user/{user['name']}")
    assert answer.status_code == 204 and answer.content == b""
    assert answer.headers["X-Commit"] == service.head()
    assert_problem(service.get(f"/user/{user['name']}"), 404, "not_found")
    assert_problem(service.delete(f"/user/{user['name']}"), 404, "not_found")


def test_delete_with_gateways(service, user, gateway):
    for path in ("", "?cascade=0"):
        assert_problem(service.delete(f"/user/{user['name']}{path}"), 409, "has_gateways")
    assert service.get(f"/gateway/{gateway['name']}").status_code == 200
    assert_problem(service.delete(f"/user/{user['name']}?cascade=yes"), 400, "invalid", "cascade")
    assert service.delete(f"/user/{user['name']}?cascade=1").status_code == 204
    assert_problem(service.get(f"/gateway/{gateway['name']}"), 404, "not_found")


def test_no_such_user(service):
    for path in ("/user/nobody", "/user/no..body;", "/user/%C3%A4"):
        assert_problem(service.get(path), 404, "not_found")
        assert_problem(service.delete(path), 404, "not_found")
        assert_problem(service.patch(path, {"enabled": True}), 404, "not_found")
