"""The plan's ends: the user after the last, and ids that come back then."""
from service import assert_problem


def test_the_user_after_the_last(fresh):
    """253 ids are given without being asked for, then none; a freed one comes back."""
    for number in range(253):
        fresh.user(f"u{number}")
    head = fresh.head()
    assert_problem(fresh.post("/users", {"name": "late"}), 409, "plan_full")
    assert fresh.head() == head
    assert fresh.delete("/user/u7").status_code == 204
    assert fresh.user("late")["id"] == "0a"
