#!/usr/bin/env python3
"""Records what a build of KVAtlas produces, and compares two records: traces, results, figures, tables, messages, screens.

    same.py record BIN_FOLDER OUT     runs the programmes of BIN_FOLDER and keeps what they made in OUT
    same.py compare OLD NEW [AGAIN]   lists every difference; exit status 1 where there is one. AGAIN is a second record
                                      of the old programmes: what varies between the two is left out

Use it around a change of structure: what the programmes do has to stay as it is. Times, dates and the folders that
messages name are left out. Needs h5py and numpy (Debian: python3-h5py python3-numpy).
"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

import h5py
import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "resources/models/tiny-llama"
PROMPT = ROOT / "resources/samples/kellynch.txt"
EXAMPLE = ROOT / "resources/examples/marlow.kva.h5"
METHODS = ["streamingllm", "h2o", "snapkv", "pyramidkv", "snapkv:kernel=5,pooling=avg", "h2o:group=max"]
VARYING = {"created", "seconds", "generator"}


class Recorder:
    def __init__(self, folder, out):
        self.folder, self.out, self.facts = pathlib.Path(folder).resolve(), pathlib.Path(out), {}
        self.out.mkdir(parents=True)

    def run(self, name, *arguments, programme="kvatlas", keep=True):
        done = subprocess.run([str(self.folder / programme), *map(str, arguments)], cwd=self.out, capture_output=True,
                              env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}, check=False)
        if keep:
            lines = done.stderr.decode(errors="replace").splitlines()
            last = [self.plain(line) for line in lines if line.startswith("kvatlas: ")]
            self.facts["call " + name] = [done.returncode, self.plain(done.stdout.decode(errors="replace")), last]
        return done

    def plain(self, text):
        text = text.replace(str(ROOT), "ROOT").replace(str(self.out.resolve()), "OUT").replace(str(self.folder), "BIN")
        return text

    def trace(self, name, file):
        def visit(path, item):
            for key, value in item.attrs.items():
                if key not in VARYING:
                    self.facts[f"trace {name} {path}@{key}"] = numpy.asarray(value).tolist()
            if isinstance(item, h5py.Dataset):
                data = item[()]
                bytes_ = repr(data.tolist()).encode() if data.dtype == object else data.tobytes()
                self.facts[f"trace {name} {path}"] = [str(item.dtype), item.shape, item.chunks,
                                                      item.id.get_storage_size(), hashlib.sha256(bytes_).hexdigest()]
        with h5py.File(self.out / file) as trace:
            visit("/", trace)
            trace.visititems(visit)

    def file(self, name, path):
        data = path.read_bytes() if path.exists() else b"missing"
        if path.suffix == ".pdf":
            data = re.sub(rb"(/(CreationDate|ModDate) ?\([^)]*\)|<xmp:[A-Za-z]*Date>[^<]*<)", b"", data)
        if path.suffix in {".json", ".jsonl", ".svg", ".csv", ".md", ".tex"}:
            self.facts["file " + name] = self.plain(data.decode(errors="replace")).splitlines()
        else:
            self.facts["file " + name] = hashlib.sha256(data).hexdigest()

    def captures(self):
        for preset in ("exact", "paper"):
            for granularity in ("kv-head", "query-head"):
                name = f"{preset}-{granularity}"
                chosen = [word for method in METHODS for word in ("--method", method)]
                extra = ["--preset", "paper"] if preset == "paper" else []
                self.run(f"capture {name}", "capture", "--model", MODEL, "--prompt", PROMPT, *chosen, "--budget", 64,
                         "--budget", "10%", "--budget", 5000, "--granularity", granularity, *extra, "--max-new-tokens", 8,
                         "--span", "needle=The secret number of Marlow is 48213.", "--answer", "48213", "--keep-qk", 1,
                         "-o", f"{name}.kva.h5")
                self.trace(name, f"{name}.kva.h5")
                for command in ("info", "validate"):
                    self.run(f"{command} {name}", command, f"{name}.kva.h5")
                self.run(f"info json {name}", "info", f"{name}.kva.h5", "--json")
        self.run("capture follow", "capture", "--model", MODEL, "--prompt", PROMPT, "--method", "h2o", "--budget", 32, "--follow", "full",
                 "--window", 16, "--layers", "0,2", "--heads", "1,3", "--map-size", 64, "-o", "follow.kva.h5")
        self.trace("follow", "follow.kva.h5")
        self.run("generate", "generate", "--model", MODEL, "--text", "The secret number of Emma is", "--method", "snapkv",
                 "--budget", "50%", "--max-new-tokens", 12)
        self.run("make-trace", "bench", "make-trace", "--tokens", 700, "--layers", 4, "--heads", 8, "--kv-heads", 2, "--method", "snapkv",
                 "--method", "pyramidkv", "--method", "h2o", "--method", "streamingllm", "--budget", 64, "--budget", "20%", "-o", "made.kva.h5")
        self.trace("made", "made.kva.h5")

    def needles(self):
        common = ["--model", MODEL, "--lengths", "128,256", "--depths", "0,50,100", "--trials", 1, "--method", "snapkv",
                  "--method", "pyramidkv", "--method", "streamingllm", "--budget", "32", "--budget", "25%"]
        for name, extra in (("needle", ["--kind", "number"]), ("kinds", ["--kind", "words", "--kind", "multi", "--kind", "distractor"]),
                            ("shard1", ["--shard", "1/2"]), ("shard2", ["--shard", "2/2"])):
            self.run(f"evaluate {name}", "evaluate", "needle", *common, *extra, "-o", name)
            for part in ("settings.json", "results.jsonl", "origin.json"):
                self.file(f"{name} {part}", self.out / name / part)
        self.run("merge", "evaluate", "merge", "shard1", "shard2", "-o", "merged")
        self.file("merged", self.out / "merged" / "results.jsonl")
        self.run("replay", "capture", "--from", "needle", "--case", "L256-D50-number-t0", "-o", "case.kva.h5")
        self.trace("case", "case.kva.h5")

    def figures(self):
        trace, results = EXAMPLE, "needle"
        kinds = {"pattern": trace, "heatmap": trace, "budget": trace, "eviction": trace, "retained": trace, "needle": results,
                 "accuracy": results}
        variants = [("pdf", []), ("svg", []), ("png", ["--dpi", 150]), ("png", ["--dpi", 100, "--theme", "dark", "--width", "double"])]
        for kind, source in kinds.items():
            for index, (ending, options) in enumerate(variants):
                file = f"{kind}-{index}.{ending}"
                self.run(f"figure {file}", "figure", kind, source, *options, "-o", file)
                self.file(file, self.out / file)
                self.file(file + ".json", self.out / (file + ".json"))
        self.run("figure scale", "figure", "heatmap", "exact-kv-head.kva.h5", "--layer", 1, "--head", 2, "--entropy", "-o", "head.png")
        self.file("head.png", self.out / "head.png")

    def tables(self):
        for what in ("runs", "tokens", "layers", "heads", "signals", "kept", "attended", "decode", "evicted", "tile", "map"):
            for ending in ("csv", "json", "md", "tex"):
                file = f"export-{what}.{ending}"
                self.run(f"export {what}.{ending}", "export", EXAMPLE, what, "-o", file)
                self.file(file, self.out / file)
        for ending in ("csv", "md", "tex"):
            self.run(f"export results {ending}", "export", "needle", "table", "-o", f"needle.{ending}")
            self.file(f"needle.{ending}", self.out / f"needle.{ending}")

    def messages(self):
        m = ["--model", MODEL]
        calls = [[], ["--help"], ["capture", "--help"], ["generate", "--help"], ["evaluate", "needle", "--help"], ["figure", "--help"],
                 ["export", "--help"], ["info", "--help"], ["bench", "--help"], ["captur"], ["capture"], ["info", "nothing.h5"],
                 ["info", PROMPT], ["capture", *m, "--text", "a", "--method", "snapk", "-o", "x"],
                 ["capture", *m, "--text", "a b c d e f g h i j k l m n o p", "--method", "snapkv", "--budget", "0", "-o", "x"],
                 ["capture", *m, "--text", "a b c", "--method", "snapkv:kernel=4", "--budget", "64", "-o", "x"],
                 ["capture", *m, "--text", "a b c", "--method", "h2o:knel=4", "--budget", "64", "-o", "x"],
                 ["capture", *m, "--text", "a b c", "--granularity", "head", "-o", "x"], ["capture", *m, "--text", "a", "--preset", "papers", "-o", "x"],
                 ["capture", *m, "--prompt", "nothing.txt", "-o", "x"], ["figure", "pie", EXAMPLE, "-o", "x.png"],
                 ["figure", "budget", EXAMPLE, "-o", "x.gif"], ["figure", "budget", EXAMPLE, "--layer", 1, "-o", "x.png"],
                 ["figure", "needle", EXAMPLE, "-o", "x.png"], ["figure", "pattern", "needle", "-o", "x.png"], ["figure", "heatmap", EXAMPLE, "--head", 99, "-o", "x.png"],
                 ["export", EXAMPLE, "nothing"], ["export", EXAMPLE, "runs", "-o", "x.doc"], ["evaluate", "needle", *m, "--lengths", "abc", "-o", "y"],
                 ["evaluate", "needle", *m, "--lengths", "128", "--method", "h2o", "--budget", "4", "-o", "y"], ["evaluate", "merge", "shard1", "needle", "-o", "z"],
                 ["validate", "needle"], ["capture", "--from", "needle", "--case", "nothing", "-o", "x"]]
        for call in calls:
            self.run("message " + " ".join(map(str, call)).replace(str(ROOT), "ROOT"), *call)

    def screens(self):
        if not (self.folder / "kvatlas-explorer").exists():
            return
        (self.out / "screens").mkdir()
        self.run("screens", "--screenshot-tour", "screens", programme="kvatlas-explorer", keep=False)
        for picture in sorted((self.out / "screens").glob("*.png")):
            self.file("screen " + picture.name, picture)


def record(folder, out):
    recorder = Recorder(folder, out)
    for part in (recorder.captures, recorder.needles, recorder.figures, recorder.tables, recorder.messages, recorder.screens):
        part()
        print(part.__name__, len(recorder.facts), file=sys.stderr)
    (recorder.out / "facts.json").write_text(json.dumps(recorder.facts, indent=1, default=str))


def timeless(value):
    """Without dates, durations and rates."""
    if isinstance(value, list):
        return [timeless(one) for one in value]
    if not isinstance(value, str):
        return value
    value = re.sub(r'("[a-z_]*seconds": ?)[-0-9.e]+', r"\1T", value)
    value = re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z", "D", value)
    value = re.sub(r"[0-9.]+ [kMGT]B are free|[0-9]+ % of it prefill", "F", value)
    value = re.sub(r"(B +)[0-9]+\.[0-9]{2}( )", r"\1T\2", value)  # the seconds in the table of `info`
    return re.sub(r"\b[0-9]+(\.[0-9]+)? ?(ms|s|min)\b( [0-9]+ s\b)?", "T", value)


def compare(old, new, again=None):
    a, b, c = ({name: timeless(fact) for name, fact in json.loads((pathlib.Path(folder) / "facts.json").read_text()).items()}
               for folder in (old, new, again or old))
    differences = 0
    for name in sorted(a.keys() | b.keys()):
        if a.get(name) == b.get(name) or a.get(name) != c.get(name):
            continue
        differences += 1
        print(f"== {name}")
        for mark, facts in (("-", a), ("+", b)):
            print(mark, json.dumps(facts.get(name), default=str)[:1500])
    print(f"{len(a)} facts, {differences} differ")
    return 1 if differences or not a else 0


if __name__ == "__main__":
    if not (len(sys.argv) == 4 and sys.argv[1] == "record" or len(sys.argv) in (4, 5) and sys.argv[1] == "compare"):
        sys.exit(__doc__)
    sys.exit(record(*sys.argv[2:]) if sys.argv[1] == "record" else compare(*sys.argv[2:]))
