"""Whether a gateway takes longer in a full network: the whole plan of a /48, one by one, over one connection."""
import time

from samples import Row
from vpn import Vpn

PER_USER = 16
GROWTH_MAX = 1.5
ROUNDS = 4
SECONDS = 240


def add_user(vpn, number):
    """The seconds of every POST /gateways of a new user's."""
    vpn.must(201, "POST", "/users", {"name": f"user{number}"})
    return [vpn.must(201, "POST", "/gateways", {"name": f"g{i}.user{number}.example.org", "user": f"user{number}"})
            for i in range(PER_USER)]


def fill(vpn, users):
    end = time.monotonic() + SECONDS
    for number in range(users):
        if time.monotonic() > end:
            raise RuntimeError(f"only {number} users in {SECONDS} s: is the machine busy?")
        add_user(vpn, number)


def measure(context):
    first, last, users = [], [], context.sizes.growth_users - ROUNDS
    with Vpn(context.binary, context.path("growth")).init().serving() as grown:
        fill(grown, users)
        for number in range(users, users + ROUNDS):  # side by side: the disk is not as it was in the beginning
            context.noise.sample()
            last += add_user(grown, number)
            with Vpn(context.binary, context.path("fresh")).init().serving() as fresh:
                first += add_user(fresh, 0)
    yield Row(f"POST /gateways, 1 client, at {(users + ROUNDS) * PER_USER:,}", "ms", last,
              f"the first {PER_USER}", first, most=GROWTH_MAX)
