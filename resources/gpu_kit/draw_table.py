#!/usr/bin/env python3
"""Draws the tables of a report for docs/benchmarks.md. Usage: draw_table.py report.txt"""
import json
import re
import sys

COLUMNS = ["tokens", "probe, ms per layer", "probe, TFLOP/s", "library-only, ms per layer", "SeerAttention-style pooling, ms per layer", "plain prefill, s",
           "capture, s", "capture / plain", "decode full, s", "with 16 branches, s", "branches / full", "peak device memory, GB"]


def shown(value, digits, factor=1.0):
    return "–" if value is None else f"{value * factor:.{digits}f}"


def ratio(above, below):
    return None if above is None or not below else above / below


def bench_row(row):
    return [str(row["tokens"]), shown(row["probe_seconds_per_layer"], 3, 1e3), shown(row["probe_tflops"], 0), shown(row["library_seconds_per_layer"], 2, 1e3),
            shown(row["pooling_seconds_per_layer"], 2, 1e3), shown(row["prefill_seconds"], 3), shown(row["capture_seconds"], 3),
            shown(ratio(row["capture_seconds"], row["prefill_seconds"]), 2), shown(row["decode_full_seconds"], 3), shown(row["decode_branches_seconds"], 3),
            shown(ratio(row["decode_branches_seconds"], row["decode_full_seconds"]), 2), shown(row["peak_device_bytes"], 1, 1e-9)]


def read_report(text):
    """Facts, steps {number: (name, result)}, bench rows and eager lines. A step without a result was cut off with the report."""
    facts, steps, rows, eager = {}, {}, [], []
    for line in text.splitlines():
        if found := re.match(r"STEP (\d+) ([\w-]+): (.*)", line):
            steps[int(found[1])] = (found[2], "cut off" if found[3].startswith("started") else found[3])
        elif found := re.match(r"FACT ([\w-]+): (.*)", line):
            facts[found[1]] = found[2]
        elif line.startswith("BENCH "):
            try:
                rows.append(json.loads(line[6:]))
            except ValueError:
                pass  # the report ends inside this line
        elif line.startswith("EAGER "):
            eager.append(line[6:])
    return facts, steps, rows, eager


def draw(text):
    facts, steps, rows, eager = read_report(text)
    out = [f"{facts.get('device') or 'no device'}; {facts.get('kit', 'unknown kit')}; {facts.get('system', 'unknown system')}", ""]
    if rows:
        out += [f"{rows[0]['shape']}; {rows[0]['machine']}", "", f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
        out += [f"| {' | '.join(bench_row(row))} |" for row in rows]
        missing = [f"{row['tokens']} tokens, {reason}" for row in rows for reason in row.get("missing", [])]
        out += ["", "–: " + "; ".join(missing)] if missing else []
    else:
        out.append("No length was measured.")
    out += ["", "| step | result |", "|---|---|"] + [f"| {number} {name} | {result} |" for number, (name, result) in sorted(steps.items())]
    return "\n".join(out + ([""] + eager if eager else [])) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: draw_table.py report.txt")
    with open(sys.argv[1], encoding="utf-8", errors="replace") as file:
        sys.stdout.write(draw(file.read()))
