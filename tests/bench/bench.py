"""What VPNUnit costs beside what others take for the same, in one run on one machine.

    bench.py BINARY FOLDER [--quick]

FOLDER is on the disk to be measured and keeps results.json and the filled networks.  Every figure stands beside its
peer's, with the ratio of their medians; exit 1 when one that has to be reached isn't.  --quick is a small run that
shows that all of it works: its figures mean little.  A whole run goes to results.json here, with how noisy the
machine was.
"""
import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
import traceback

import cold
import growth
import log_index
import network
import reads
import revocation
import writes
from context import Context
from samples import Noise

RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results.json")
PER_UNIT = {"ms": 1000, "s": 1, "/s": 1, "MB": 1}


def measure_large(context):
    """All that wants the large network, in the order that it is full and running, then stopped, then gone."""
    sizes = context.sizes
    vpn = context.network("large", sizes.large)
    with vpn.serving():
        yield from writes.measure(context, vpn)
        yield from reads.measure(context, vpn)
        yield cold.memory_row(f"after that load, at {sizes.large:,}", [vpn.memory()])
    yield from cold.measure(context, vpn)


PARTS = {"large network": measure_large, "revocation": revocation.measure, "growth": growth.measure,
         "log": log_index.measure}


def figure(value):
    return f"{value:8,.0f}" if value >= 1000 else f"{value:8.3g}"


def print_line(name, unit, found, verdict=""):
    figures = " ".join(figure(PER_UNIT[unit] * found[key]) for key in ("min", "median", "max"))
    print(f"{name:50} {found['runs']:4} {figures} {unit:3} {verdict}".rstrip(), flush=True)


def print_row(row):
    """The figure, and below it its peer's; the latter's unit is the former's."""
    verdict = f"{row['ratio']:8.3g} " if row["ratio"] is not None else ""
    for kind, bound in row["goal"].items():
        verdict += f"{'<=' if kind == 'most' else '>='} {bound:<4g} {'reached' if row['reached'] else 'MISSED'}"
    print_line(row["work"], row["unit"], row["ours"], verdict)
    if row["peer"]:
        print_line("    " + row["peer"], row["unit"], row["theirs"])


def print_noise(noise):
    for name in "cpu", "fsync":
        figures = " ".join(f"{1000 * noise[name][key]:.1f}" for key in ("min", "median", "max"))
        print(f"noise, a fixed {name} loop between the runs: {figures} ms, "
              f"nine of ten within {noise['spread'][name]:.2f} of the median")
    print(f"load average {noise['load_before']:.2f} at the beginning; the machine was "
          f"{'quiet' if noise['is_quiet'] else 'NOISY: other programs were measured, too'}")


def run_parts(context, rows):
    """False when a part broke; the others are run all the same."""
    is_whole = True
    for name, measure in PARTS.items():
        network.progress(name)
        try:
            for row in measure(context):
                rows.append(row.document())
                print_row(rows[-1])
        except Exception:
            traceback.print_exc()
            is_whole = False
    return is_whole


def write_results(folder, found):
    """In the folder; those of a whole run beside this program, too."""
    path = os.path.join(folder, "results.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(found, file, indent=2)
        file.write("\n")
    if found["whole"]:
        shutil.copyfile(path, RESULTS)
        path = RESULTS
    print(f"written to {path}", flush=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every server is stopped
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("folder")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    folder = os.path.abspath(options.folder)
    os.makedirs(folder, exist_ok=True)
    rows, start = [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as work:
        noise = Noise(work)
        context = Context(options.binary, work, os.path.join(folder, "networks"), noise, options.quick)
        print(f"{'':50} runs      min   median      max        ratio", flush=True)
        is_whole = run_parts(context, rows)
        seconds, found = time.monotonic() - start, noise.report()
        print_noise(found)
        missed = [row["work"] for row in rows if not row["reached"]]
        broken = "" if is_whole else ", and parts of it broke"
        print(f"{len(rows)} figures in {seconds:.0f} s, {len(missed)} missed{broken}")
        write_results(folder, {"kernel": platform.release(), "seconds": round(seconds), "noise": found, "rows": rows,
                               "whole": is_whole and not options.quick})
        network.progress("remove what was made")
    return 0 if is_whole and not missed else 1


if __name__ == "__main__":
    sys.exit(main())
