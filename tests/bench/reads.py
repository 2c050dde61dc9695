"""GET /gateway/{fqdn}, 8 clients, beside CivetWeb answering one constant of the same length."""
import random

import network
from peers import Constant
from samples import Row, warm_up

CLIENTS = 8
NAMES = 1000


def measure(context, large):
    sizes, path = context.sizes, context.path("constant")
    chosen = random.Random(1).sample(range(sizes.large), NAMES)
    asked = ["GET /gateway/" + network.gateway_name(number) for number in chosen]
    with open(path, "wb") as file:
        file.write(large.ask("GET", asked[0].split()[1])[1])

    def rate(load):
        return [sizes.reads / load.run(CLIENTS, sizes.reads, asked)["seconds"]]

    with Constant(context.constant(), path) as constant:
        ours, theirs = context.load(large), context.load(constant, large.headers)
        found = warm_up(context.noise, sizes.rounds, sizes.row_seconds,
                          ours=lambda: rate(ours), theirs=lambda: rate(theirs))
    yield Row(f"GET /gateway/{{fqdn}}, {CLIENTS} clients, at {sizes.large:,}", "/s", found["ours"],
              "CivetWeb answering a constant", found["theirs"], least=0.6)
