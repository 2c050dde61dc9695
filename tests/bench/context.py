"""What every part of the benchmark is given: programs, folders, sizes, the machine's noise, networks that serve."""
import os

import network
from peers import Load


class Sizes:
    """Of the whole run, and of the quick one that only shows that all of it works."""

    def __init__(self, is_quick):
        self.small, self.large = 1000, 2000 if is_quick else 100_000
        self.revoked = 1000 if is_quick else 4000
        self.rounds = 3 if is_quick else 7
        self.row_seconds = 6 if is_quick else 45
        self.cold_rounds = 1 if is_quick else 2
        self.cold_seconds = 20 if is_quick else 150
        self.burst = 320 if is_quick else 480       # requests of 64 clients in one sample: the small network stays small
        self.reads = 4000 if is_quick else 20_000   # of 8 clients
        self.growth_users = 32 if is_quick else 253
        self.histories = (100,) if is_quick else (100, 10_000, 100_000)


class Context:
    def __init__(self, binary, folder, cache, noise, is_quick):
        self.binary, self.folder, self.noise = os.path.abspath(binary), folder, noise
        self.tools = os.path.dirname(self.binary) + "/bench"
        self.cache = network.open_cache(self.binary, cache)
        self.sizes, self.paths = Sizes(is_quick), 0

    def path(self, name):
        """A new one. Nothing is removed before the end: an ext4 without a journal avoids the inodes of files that went
        within five minutes, and looks at each of them first, which makes a new file up to ten times as dear."""
        self.paths += 1
        return os.path.join(self.folder, f"{self.paths}-{name}")

    def network(self, name, gateways, revoked=0):
        return network.prepare(self.binary, self.cache, self.path(name), gateways, revoked)

    def load(self, server, headers=None):
        return Load(os.path.join(self.tools, "load"), server.port, headers or server.headers)

    def constant(self):
        return os.path.join(self.tools, "constant")
