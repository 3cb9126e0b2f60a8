#!/usr/bin/python3
"""Captures the bundled model with two builds of the programme and compares the traces, bit for bit.

compare_captures.py OLD/kvatlas NEW/kvatlas [MODEL]

Every method that the old build has, under both presets and both granularities, with and without queries and keys, and a
synthetic trace. All datasets (bytes, shape, type, chunks, filters), attributes and the order of members have to be equal;
the time of day and how long something took are not compared.
"""
import itertools
import os
import re
import subprocess
import sys
import tempfile

import h5py
import numpy

TIMES = {"created", "seconds"}
TEXT = ("It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a "
        "wife.\nThe secret number of Emma is 48213.\nHowever little known the feelings or views of such a man may be on "
        "his first entering a neighbourhood, this truth is so well fixed in the minds of the surrounding families.\n"
        "Question: The secret number of Emma is")


def run(*words):
    ended = subprocess.run(words, capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit("%s: %s" % (" ".join(words), ended.stderr))
    return ended.stdout


def contents(path):
    """What a trace holds, in its order: name → comparable value."""
    found = []

    def attributes(name, item):
        for key, value in item.attrs.items():
            if key not in TIMES:
                found.append((name + "@" + key, str(item.attrs.get_id(key).dtype) + repr(value)))

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            data = numpy.asarray(item[()])
            layout = (item.shape, item.maxshape, str(item.dtype), item.chunks, item.id.get_storage_size())
            found.append((name, repr(layout) + data.tobytes().hex()))
        attributes(name, item)

    with h5py.File(path, "r") as file:
        attributes("/", file)
        file.visititems(visit)
    return found


def compare(name, old, new):
    a, b = contents(old), contents(new)
    different = [x[0] for x, y in zip(a, b) if x != y]
    if len(a) != len(b):
        different.append("%d members, %d members" % (len(a), len(b)))
    print("%-50s %5d members  %s" % (name, len(a), "equal" if not different else "DIFFERENT: " + ", ".join(different[:5])))
    return not different


def main():
    old, new = sys.argv[1:3]
    model = sys.argv[3] if len(sys.argv) > 3 else os.path.join(os.path.dirname(__file__), "../../resources/models/tiny-llama")
    methods = re.findall(r"^  ([a-z0-9]+) +\S", run(old, "capture", "--help").split("Methods:\n")[1], re.M)
    chosen = [word for method in methods if method != "full" for word in ("--method", method)]
    equal = True
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("old.kva.h5", "new.kva.h5")]
        for preset, granularity, more in itertools.product(("exact", "paper"), ("kv-head", "query-head"),
                                                           ((), ("--keep-qk", "0,3"), ("--heads", "0,3"))):
            options = ["--text", TEXT, "--budget", "24", "--budget", "50%", "--max-new-tokens", "6", "--preset", preset,
                       "--granularity", granularity, *more, *chosen]
            for programme, path in zip((old, new), paths):
                run(programme, "capture", "--model", model, "-o", path, *options)
            equal &= compare(" ".join((preset, granularity, *more)), *paths)
        for more in ((), ("--keep-qk", "1")):
            for programme, path in zip((old, new), paths):
                run(programme, "bench", "make-trace", "--tokens", "600", "-q", "-o", path, *more)
            equal &= compare(" ".join(("make-trace", *more)), *paths)
    print("methods:", ", ".join(methods))
    sys.exit(0 if equal else 1)


main()
