#!/usr/bin/env python3
"""kills.py KVATLAS [COUNT] [SEED]: kills the program with SIGKILL at random moments, COUNT times in total (1,000).

After each kill: no partial file has a final name, traces open, and the same command then gives the same bytes (or the
same lines of results) as an undisturbed run. Exit status 1 names the first failure.
"""
import collections
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARES = {"capture": 5, "evaluate": 5, "export": 4, "figure": 3, "merge": 3}  # of 20 kills


class Campaign:
    def __init__(self, programme, seed):
        self.programme, self.random = programme, random.Random(seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kvatlas-kills-"))
        self.run = self.folder / "run"
        self.moments = collections.Counter()

    def words(self, *words):
        return [self.programme, *map(str, words)]

    def done(self, words):
        ended = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=self.folder)
        if ended.returncode != 0:
            sys.exit(f"{' '.join(words)}: exit {ended.returncode}: {ended.stderr}")

    def usual_seconds(self, words, fresh):
        times = []
        for _ in range(3):
            fresh()
            begun = time.monotonic()
            self.done(words)
            times.append(time.monotonic() - begun)
        return sorted(times)[1]

    def kill(self, what, words, seconds):
        """Whether the kill came before the end."""
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 text=True, cwd=self.folder)
        try:
            child.wait(self.random.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            child.kill()
        problem = child.communicate()[1]
        if child.returncode not in (0, -9):
            sys.exit(f"{' '.join(words)}: exit {child.returncode}: {problem}")
        there = "+".join(sorted(p.name for p in self.run.rglob("*") if p.is_file())) or "nothing"
        self.moments[f"{what}: {'killed' if child.returncode else 'ended'}, {there}"] += 1
        return child.returncode != 0

    def clear(self):
        shutil.rmtree(self.run, ignore_errors=True)
        self.run.mkdir()

    def expect(self, condition, what):
        if not condition:
            sys.exit(f"{what} (files are left in {self.folder})")

    # Commands whose output files have the same bytes each time.
    def files(self, what, count, words, names, makes=None):
        seconds = self.usual_seconds(words, self.clear)
        whole = {name: (self.run / name).read_bytes() for name in names}
        kills = 0
        while kills < count:
            self.clear()
            kills += self.kill(what, words, seconds)
            for name in names:
                path = self.run / name
                self.expect(not path.exists() or path.read_bytes() == whole[name], f"{what}: {path} is not whole")
            # names[0] is renamed last: an image after its sidecar, the settings after the results.
            first = (self.run / names[0]).exists()
            self.expect(not first or all((self.run / name).exists() for name in names), f"{what}: {names[0]} is alone")
            self.done(words)
            for name in names:
                self.expect((self.run / name).read_bytes() == whole[name], f"{what}: {name} differs after a kill")

    def capture(self, count, words):
        seconds = self.usual_seconds(words, self.clear)
        trace, part = self.run / "t.kva.h5", self.run / "t.kva.h5.part"
        kills = 0
        while kills < count:
            self.clear()
            kills += self.kill("capture", words, seconds)
            if part.exists():
                self.done(self.words("info", part))
            if not trace.exists():
                self.done(words)
            self.done(self.words("validate", trace))
            self.expect([p.name for p in self.run.iterdir()] == [trace.name], "capture: files are left over")

    def lines(self, settled):
        """The lines of results that are complete, without times."""
        path = self.run / "n" / "results.jsonl"
        text = path.read_text() if path.exists() else ""
        self.expect(not settled or text.endswith("\n"), "evaluate: the last line is not whole")
        lines = [json.loads(line) for line in text.split("\n")[:-1]]
        return [{name: value for name, value in line.items() if "seconds" not in name} for line in lines]

    def evaluate(self, count, words):
        seconds = self.usual_seconds(words, self.clear)
        whole, settings = self.lines(True), (self.run / "n" / "settings.json").read_bytes()
        kills = 0
        while kills < count:
            self.clear()
            while kills < count and self.kill("evaluate", words, seconds):
                kills += 1
                lines = self.lines(False)
                self.expect(lines == whole[: len(lines)], "evaluate: lines differ after a kill")
                path = self.run / "n" / "settings.json"
                self.expect(not path.exists() or path.read_bytes() == settings, "evaluate: settings.json is not whole")
            self.done(words)
            self.expect(self.lines(True) == whole, "evaluate: lines differ after the last kill")


def main():
    programme = str(pathlib.Path(sys.argv[1]).resolve())
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    campaign = Campaign(programme, int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    model = ROOT / "resources/models/tiny-llama"
    sample, ids = campaign.folder / "sample.kva.h5", campaign.folder / "ids"
    ids.write_text(" ".join(str(3 + i % 200) for i in range(64)))
    campaign.done(campaign.words("bench", "make-trace", "--tokens", 64, "--layers", 2, "--heads", 4, "--kv-heads", 2,
                                 "--map-size", 32, "--method", "snapkv", "--budget", 32, "-q", "-o", sample))
    needle = campaign.words("evaluate", "needle", "--model", model, "--lengths", 80, "--depths", "0,50,100", "--trials", 4,
                            "--method", "snapkv", "--budget", 24, "-q", "--max-new-tokens", 2, "--threads", 1)
    shards = [campaign.folder / "shard1", campaign.folder / "shard2"]
    for number, shard in enumerate(shards, 1):
        campaign.done([*needle, "--shard", f"{number}/2", "-o", str(shard)])
    of = {name: count * share // 20 for name, share in SHARES.items()}
    of["capture"] += count - sum(of.values())
    run = campaign.run
    campaign.capture(of["capture"], campaign.words(
        "capture", "--model", model, "--ids", ids, "--method", "snapkv", "--budget", 12, "--max-new-tokens", 4, "--threads",
        1, "--map-size", 32, "--window", 4, "--keep-qk", "-q", "-o", run / "t.kva.h5"))
    campaign.evaluate(of["evaluate"], [*needle, "-o", str(run / "n")])
    campaign.files("export", of["export"], campaign.words("export", sample, "received", "-o", run / "a.csv"), ["a.csv"])
    campaign.files("figure", of["figure"], campaign.words("figure", "heatmap", sample, "-o", run / "f.svg"),
                   ["f.svg", "f.svg.json"])
    campaign.files("merge", of["merge"], campaign.words("evaluate", "merge", *shards, "-o", run / "m"),
                   ["m/settings.json", "m/results.jsonl"])
    for moment, times in sorted(campaign.moments.items()):
        print(f"{times:5} {moment}")
    print(f"{sum(of.values())} kills, no failure")
    shutil.rmtree(campaign.folder)


main()
