"""Samples of works that take turns, and of what the machine itself did meanwhile."""
import hashlib
import os
import statistics
import time

CPU_ROUNDS = 20000
WRITES = 16
QUIET_CPU, QUIET_FSYNC = 1.25, 2.0


class Noise:
    """A fixed loop of the CPU and one of write and fsync, between the runs: a quiet machine does them alike."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "noise")
        self.cpu, self.fsync, self.loads = [], [], [os.getloadavg()[0]]
        self.sample()

    def sample(self):
        start = time.perf_counter()
        hashlib.pbkdf2_hmac("sha256", b"noise", b"noise", CPU_ROUNDS)
        self.cpu.append(time.perf_counter() - start)
        fd = os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600)
        start = time.perf_counter()
        for _ in range(WRITES):
            os.pwrite(fd, b"x" * 4096, 0)
            os.fsync(fd)
        self.fsync.append(time.perf_counter() - start)
        os.close(fd)
        self.loads.append(os.getloadavg()[0])

    def report(self):
        spreads = {"cpu": spread(self.cpu), "fsync": spread(self.fsync)}
        processors = len(os.sched_getaffinity(0))
        quiet = spreads["cpu"] <= QUIET_CPU and spreads["fsync"] <= QUIET_FSYNC and self.loads[0] <= processors
        return {"cpu": summary(self.cpu), "fsync": summary(self.fsync), "spread": spreads, "is_quiet": quiet,
                "load_before": self.loads[0], "processors": processors}


def spread(values):
    """What nine of ten stay below, to the median."""
    return sorted(values)[9 * (len(values) - 1) // 10] / statistics.median(values)


def summary(values):
    return {"runs": len(values), "min": min(values), "median": statistics.median(values), "max": max(values)}


def alternate(noise, rounds, seconds, **works):
    """Each work returns its samples. Rounds of all in turn; at least one, and no new one after so many seconds."""
    found = {name: [] for name in works}
    end = time.monotonic() + seconds
    while rounds and (time.monotonic() < end or not all(found.values())):
        rounds -= 1
        for name, work in works.items():
            found[name] += work()
        noise.sample()
    return found


def warm_up(noise, rounds, seconds, **works):
    """The same, after a round that does not count."""
    for work in works.values():
        work()
    return alternate(noise, rounds, seconds, **works)


class Row:
    """One figure (seconds, a rate, megabytes) beside its peer's, and the ratio of their medians.

    The ratio has to be: at least so many times `faster`, or of the peer's figure at `least` or at `most` that much.
    """

    def __init__(self, work, unit, ours, peer=None, theirs=None, **goal):
        self.work, self.unit, self.ours, self.peer, self.theirs, self.goal = work, unit, ours, peer, theirs, goal

    @property
    def ratio(self):
        if not self.theirs:
            return None
        ratio = statistics.median(self.ours) / statistics.median(self.theirs)
        return 1 / ratio if "faster" in self.goal else ratio

    @property
    def is_reached(self):
        return all(self.ratio <= bound if kind == "most" else self.ratio >= bound for kind, bound in self.goal.items())

    def document(self):
        return {"work": self.work, "unit": self.unit, "ours": summary(self.ours), "peer": self.peer,
                "theirs": summary(self.theirs) if self.theirs else None,
                "ratio": self.ratio and float(f"{self.ratio:.4g}"), "goal": self.goal, "reached": self.is_reached}
