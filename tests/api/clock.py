"""A service's clock, moved by the test while the service runs (libfaketime)."""
import glob
import os
import re
import time

from service import BINARY

FAKETIME = (glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") or [None])[0]


def is_sanitized():
    """A sanitizer's runtime has to be the first library, and so has libfaketime."""
    with open(BINARY, "rb") as file:
        return re.search(rb"__[at]san_init", file.read()) is not None


HAS_CLOCK = not is_sanitized()
if HAS_CLOCK and not FAKETIME:
    raise ImportError("libfaketime is missing: make deps-test")


class Clock:
    """Moves the service's clock while it runs."""

    def __init__(self, folder):
        self.path, self.offset = os.path.join(folder, "clock"), 0
        self.step(0)

    def step(self, by):
        self.offset += by
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(f"+{self.offset}\n")
        os.rename(self.path + ".new", self.path)

    def now(self):
        return int(time.time()) + self.offset

    def environment(self):
        if not HAS_CLOCK:
            return {}
        # Only wall-clock time jumps, as it does when a host's clock is set.
        return {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": "1",
                "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
