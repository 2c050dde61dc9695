"""POST /gateways, whole requests: beside git's command line and easy-rsa alone, and 64 at once beside etcd."""
import json

import network
from git_peer import GitPeer
from peers import EasyRsa, Etcd
from samples import Row, warm_up

CLIENTS = 64
BLOCK = 4
PUTS = 4000


class Creator:
    """New gateways of users that are there; their first 5 are the network's own."""

    def __init__(self, vpn, users, load):
        self.vpn, self.users, self.load, self.made = vpn, users, load, 0

    def bodies(self, count):
        for number in range(self.made, self.made + count):
            user = number % self.users
            yield {"name": f"n{number}.u{user}.example.org", "user": f"u{user}"}
        self.made += count

    def one_by_one(self, count):
        return [self.vpn.must(201, "POST", "/gateways", body) for body in self.bodies(count)]

    def at_once(self, count):
        """Answers a second."""
        lines = ["POST /gateways " + json.dumps(body) for body in self.bodies(count)]
        return count / self.load.run(CLIENTS, count, lines)["seconds"]


def creator(context, vpn, gateways):
    return Creator(vpn, gateways // network.PER_USER, context.load(vpn))


def measure_single(context, small):
    git, easyrsa = GitPeer(small.vpn, context.path("peer.git")), EasyRsa(context.path("easyrsa"))
    found = warm_up(context.noise, context.sizes.rounds, context.sizes.row_seconds,
                      ours=lambda: small.one_by_one(BLOCK), git=git.replay, easyrsa=lambda: [easyrsa.issue()])
    ours = found["ours"]
    yield Row("POST /gateways, 1 client", "ms", ours, "git's command line, the same commit", found["git"],
              faster=3)
    yield Row("issue a certificate, whole request, 1 client", "ms", ours, "easyrsa build-client-full",
              found["easyrsa"], faster=40)


def measure_many(context, small, large):
    sizes = context.sizes
    easyrsa = EasyRsa(context.path("easyrsa-many"))
    with Etcd(context.folder) as etcd:
        found = warm_up(context.noise, sizes.rounds, sizes.row_seconds,
                          small=lambda: [small.at_once(sizes.burst)], etcd=lambda: [etcd.put(CLIENTS, PUTS)],
                          large=lambda: [large.at_once(sizes.burst)], easyrsa=lambda: [easyrsa.issue()])
    at_small, at_large = f"at {sizes.small:,}", f"at {sizes.large:,}"
    work = f"POST /gateways, {CLIENTS} clients, "
    for name, at in ("small", at_small), ("large", at_large):
        yield Row(work + at, "/s", found[name], f"etcd put of 1 KB, {CLIENTS} clients", found["etcd"], least=0.1)
    yield Row(work + at_large, "/s", found["large"], f"the same {at_small}", found["small"], least=0.5)
    issued = [1 / rate for rate in found["small"]]
    yield Row(f"issue a certificate, {CLIENTS} clients, {at_small}", "ms", issued, "easyrsa build-client-full",
              found["easyrsa"], faster=150)


def measure(context, large):
    sizes = context.sizes
    with context.network("small", sizes.small).serving() as vpn:
        small = creator(context, vpn, sizes.small)
        yield from measure_single(context, small)
        yield from measure_many(context, small, creator(context, large, sizes.large))
