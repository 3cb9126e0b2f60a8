"""Re-reads RULER rows without any code of KVAtlas: needles present and in number, counts right, lengths within the limit.

    kvatlas evaluate ruler … -o OUT; kvatlas capture --from OUT --case vt-L1024-0 …      # prompts as traces
    python check_rows.py OUT FOLDER_OF_TRACES

The prompt, its ids and the answers are read from the traces with h5py and from OUT/results.jsonl.
"""
import collections
import json
import pathlib
import re
import sys

import h5py


def words_of(text):
    return re.findall(r"\d+\. (\S+)", text)


def check(case, row, text):
    task, answers = row["task"], [row["expected"]] + row.get("also_right", [])
    if task.startswith("niah"):
        for answer in answers:
            assert len(re.findall(rf"hidden (?:numbers|codes) of \S+ is {re.escape(answer)}\.", text)) == 1, (case, answer)
        assert len(answers) == {"niah_multivalue": 4, "niah_multiquery": 4}.get(task, 1), case
        asked = set(re.findall(r"One of the hidden \w+ of (\S+) is (?:" + "|".join(map(re.escape, answers)) + r")\.", text))
        question = text[text.rindex("What "):]
        assert all(key in question for key in asked), case
        needles = text.count("One of the hidden")
        assert needles >= {"niah_multikey_1": 4, "niah_multivalue": 4, "niah_multiquery": 4}.get(task, 1), case
    elif task == "vt":
        value = re.search(r"have the value (\d+) in the end", text).group(1)
        values = {}
        for name, right in re.findall(r"^VAR (\w+) = (?:VAR )?(\w+)$", text, re.M):
            values[name] = values.get(right, right)
        assert sorted(name for name, v in values.items() if v == value) == sorted(answers) and len(answers) == 5, case
    elif task in ("cwe", "fwe"):
        body = text[text.index("\n"):text.rindex("Question:")]
        counts = collections.Counter(words_of(body) if task == "cwe" else body.split())
        counts.pop("....", None)
        ranked = counts.most_common()
        assert {word for word, _ in ranked[:len(answers)]} == set(answers), (case, ranked[:6], answers)
        assert ranked[len(answers) - 1][1] > ranked[len(answers)][1], case
    else:
        documents = re.findall(r"Document \d+:\n", text)
        assert documents and any(answer in text for answer in answers), case
    return task


def main():
    rows = {}
    for line in open(pathlib.Path(sys.argv[1]) / "results.jsonl", encoding="utf-8"):
        row = json.loads(line)
        rows.setdefault(row["case_id"], row)
    done = collections.Counter()
    for path in sorted(pathlib.Path(sys.argv[2]).glob("*.kva.h5")):
        case = path.name.removesuffix(".kva.h5")
        with h5py.File(path) as trace:
            text, tokens = bytes(trace["prompt/text"][:]).decode(), trace["prompt/ids"].shape[0]
        row = rows[case]
        assert tokens == row["tokens"] <= row["length"], case
        done[check(case, row, text)] += 1
    print(dict(done))


main()
