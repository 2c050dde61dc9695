"""Whether a gateway takes longer in a full network: the whole plan of a /48, one by one, over one connection."""
import time

from samples import Row
from vpn import Vpn

PER_USER = 16
WINDOW = 16
GROWTH_MAX = 1.5
SECONDS = 240


def fill(vpn, users):
    """The seconds of every POST /gateways in order."""
    gateways = []
    end = time.monotonic() + SECONDS
    for user in range(users):
        if time.monotonic() > end:
            raise RuntimeError(f"only {len(gateways):,} gateways in {SECONDS} s: is the machine busy?")
        vpn.must(201, "POST", "/users", {"name": f"user{user}"})
        bodies = [{"name": f"g{i}.user{user}.example.org", "user": f"user{user}"} for i in range(PER_USER)]
        gateways += [vpn.must(201, "POST", "/gateways", body) for body in bodies]
    return gateways


def measure(context):
    with Vpn(context.binary, context.path("growth")).init().serving() as vpn:
        context.noise.sample()
        gateways = fill(vpn, context.sizes.growth_users)
        context.noise.sample()
    first, last = gateways[:WINDOW], gateways[-4 * WINDOW:]
    yield Row(f"POST /gateways, 1 client, at {len(gateways):,}", "ms", last, f"the first {WINDOW}", first,
              most=GROWTH_MAX)
