"""The preloaded shims, steered: which calls of a service fail, and the log of what it did to its folder."""
import mmap
import os
import struct

from service import BINARY

HERE = os.path.dirname(os.path.abspath(__file__))
SHIMS = os.environ.get("VPNUNIT_SHIMS", os.path.join(os.path.dirname(BINARY), "crash"))
CALLS = {"write": 1, "pwrite": 2, "fsync": 4, "rename": 8, "link": 16, "open": 32, "unlink": 64, "mkdir": 128,
         "truncate": 256}
ERROR, EXIT, SHORT = range(3)
FOR_EVER = 2 ** 63
LOSES_BYTES = {"LSAN_OPTIONS": "print_suppressions=0:suppressions=" + os.path.join(HERE, "lsan.supp")}  # libgit2 does
IS_LONG = os.environ.get("VPNUNIT_LONG") == "1"  # `make test-long`


class Control:
    """The page of disk.h.  A service under it has environment(...)."""
    LAYOUT = struct.Struct("IIiIQQQQQ")

    def __init__(self, folder, data):
        self.path, self.data = os.path.join(folder, "control"), data
        with open(self.path, "wb") as file:
            file.write(bytes(self.LAYOUT.size))
        with open(self.path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), self.LAYOUT.size)

    def environment(self, shim, log=""):
        """ASan would rather be first; a shim before it does no harm."""
        path = os.path.join(SHIMS, f"{shim}.so")
        assert os.access(path, os.R_OK), f"{path} is missing: make builds it, VPNUNIT_SHIMS names its folder"
        return {"LD_PRELOAD": path, "DISK_ROOT": self.data, "DISK_CONTROL": self.path,
                "DISK_LOG": log, **LOSES_BYTES,
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def arm(self, call, how, error=0, first=1, last=None):
        """From now on the first-th to last-th of these calls fail: of one kind, of "any", or of several kinds as bits."""
        calls = call if isinstance(call, int) else sum(CALLS.values()) if call == "any" else CALLS[call]
        self.page[4:] = self.LAYOUT.pack(0, how, error, 0, first, first if last is None else last, 0, 0, 0)[4:]
        self.page[:4] = struct.pack("I", calls)

    def disarm(self):
        """How many calls there were, and how many of them failed."""
        self.page[:4] = bytes(4)
        return self.LAYOUT.unpack(self.page[:])[6:8]

    @property
    def records(self):
        return self.LAYOUT.unpack(self.page[:])[8]
