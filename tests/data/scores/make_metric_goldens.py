"""Writes metrics.jsonl and words.jsonl: answers with the scores that LongBench's published metrics.py gives them, and
texts with jieba's words. Answers are made here, from Persuasion, jieba's dictionary and a few made-up lines of code.

    pip install jieba==0.42.1 rouge==1.0.1 fuzzywuzzy==0.18.0 python-Levenshtein
    python make_metric_goldens.py LONGBENCH_REPOSITORY/LongBench/metrics.py
"""
import difflib
import importlib.util
import json
import pathlib
import random
import sys

import jieba
from fuzzywuzzy import StringMatcher, fuzz

sys.setrecursionlimit(100000)
HERE = pathlib.Path(__file__).parent
spec = importlib.util.spec_from_file_location("metrics", sys.argv[1])
published = importlib.util.module_from_spec(spec)
spec.loader.exec_module(published)
fuzz.SequenceMatcher = difflib.SequenceMatcher

draw = random.Random(17)
ENGLISH = (HERE.parents[2] / "resources/samples/persuasion.txt").read_text(encoding="utf-8").split()
HAN = [line.split()[0] for line in open(pathlib.Path(jieba.__file__).parent / "dict.txt", encoding="utf-8")]
ODD = ["a", "The", "an", "“quoted”", "co-operate", "naïve", "STRASSE", "Straße", "İstanbul", "ΣΊΣΥΦΟΣ", "١٢", "x_the_y", "é́",
       "\u00a0", "\u3000", "\u2028", "¼", "²", "_", "...", "ǅ", "Ⅷ", "ﬁ", "😀", "don't", "U.S.", "e.g.", "\x1f", "\x85"]
HAN_ODD = ["。", "，", "！", "《", "》", "、", "…", " ", "\n", "\r\n", "12.5%", "3.14", "A4纸", "C++", "iPhone-6s", "e.g", "%", "１２", "ａｂ", "龥",
           "\u9fd6", "〇", "的", "了", "和", "🀄", "_x_", "+#&", ".5", "5.", "A.B", "\t", "Ｔ恤"]


def english(count):
    words = draw.sample(ODD, min(3, count // 4)) if draw.random() < 0.3 else []
    at = draw.randrange(len(ENGLISH) - count - 1)
    words += ENGLISH[at:at + count]
    if draw.random() < 0.3:
        draw.shuffle(words)
    return draw.choice([" ", " ", " ", "  ", "\n"]).join(words)


def han(count):
    words = []
    for _ in range(count):
        kind = draw.random()
        if kind < 0.6: words.append(draw.choice(HAN))
        elif kind < 0.8: words.append("".join(chr(draw.randrange(0x4E00, 0x9FD6)) for _ in range(draw.randrange(1, 4))))
        else: words.append(draw.choice(HAN_ODD))
    return "".join(words)


# Something like the truth: parts of it, other words between, another case.
def answer(truth, make):
    kind = draw.random()
    if kind < 0.08: return ""
    if kind < 0.16: return truth
    if kind < 0.24: return make(draw.randrange(1, 12))
    cut = draw.randrange(len(truth) + 1)
    text = truth[cut:] + make(draw.randrange(1, 6)) + truth[:draw.randrange(len(truth) + 1)]
    return text.upper() if kind < 0.3 else text


CODE = ["for (int i = 0; i < n; ++i) sum += values[i];", "return self.cache[key]", "# a comment", "// another", "```python", "",
        "    if not found: raise KeyError(name)", "const auto found = table.find(name);", "x = [f(y) for y in range(10)]", "}"]


def code(count):
    return "\n".join("".join(draw.choice([c, c, c, c, "", "_"]) for c in draw.choice(CODE)) for _ in range(1 + count // 4))


def row(dataset, truths, prediction, classes=None, levenshtein=False):
    scored = prediction
    if dataset in ("trec", "triviaqa", "samsum", "lsht"): scored = prediction.lstrip("\n").split("\n")[0]
    metric = METRICS[dataset]
    if levenshtein: fuzz.SequenceMatcher = StringMatcher.StringMatcher
    score = 0.0
    for truth in truths: score = max(score, metric(scored, truth, all_classes=classes))
    fuzz.SequenceMatcher = difflib.SequenceMatcher
    line = {"dataset": dataset, "pred": prediction, "answers": truths, "all_classes": classes, "expected": score}
    return dict(line, metric="code_sim_levenshtein") if levenshtein else line


METRICS = {"narrativeqa": published.qa_f1_score, "triviaqa": published.qa_f1_score, "multifieldqa_zh": published.qa_f1_zh_score,
           "gov_report": published.rouge_score, "samsum": published.rouge_score, "vcsum": published.rouge_zh_score,
           "trec": published.classification_score, "lsht": published.classification_score,
           "passage_retrieval_en": published.retrieval_score, "passage_retrieval_zh": published.retrieval_zh_score,
           "passage_count": published.count_score, "lcc": published.code_sim_score}


def made():
    for _ in range(500):
        truths = [english(draw.randrange(1, 14)) for _ in range(draw.randrange(1, 4))]
        yield row(draw.choice(["narrativeqa", "triviaqa"]), truths, answer(truths[0], english))
    for _ in range(250):
        truths = [". ".join(english(draw.randrange(1, 14)) for _ in range(draw.randrange(1, 6)))]
        yield row(draw.choice(["gov_report", "gov_report", "samsum"]), truths, answer(truths[0], english))
    for _ in range(400):
        truths = [han(draw.randrange(1, 10)) for _ in range(draw.randrange(1, 3))]
        yield row("multifieldqa_zh", truths, answer(truths[0], han))
    for _ in range(250):
        truths = [han(draw.randrange(1, 30))]
        yield row("vcsum", truths, answer(truths[0], han))
    classes = ["Abbreviation", "Abbreviation and expansion", "expansion", "City", "Other city", "city", "Other", "Time", "农业", "农业、农村", "农村"]
    for _ in range(400):
        said = " ".join(draw.sample(classes, draw.randrange(0, 4)))
        yield row(draw.choice(["trec", "lsht"]), [draw.choice(classes)], draw.choice(["", "\n", "Type: "]) + said + draw.choice(["", "\n" + draw.choice(classes)]), classes)
    for _ in range(300):
        number = str(draw.randrange(1, 31))
        said = " ".join(draw.choice([number, number, str(draw.randrange(40)), "Paragraph", "段落", "٣", "number" + number, "1.0"]) for _ in range(draw.randrange(0, 6)))
        dataset, truth = draw.choice([("passage_retrieval_en", f"Paragraph {number}"), ("passage_retrieval_zh", f"段落{number}"), ("passage_count", number)])
        yield row(dataset, [truth], said)
    for i in range(600):
        truth = code(0) if draw.random() < 0.8 else code(0) * draw.randrange(2, 9)
        yield row("lcc", [truth], answer(truth, code), levenshtein=i % 2 == 1)


def write(name, lines):
    with open(HERE / name, "w", encoding="utf-8") as out:
        for line in lines: out.write(json.dumps(line, ensure_ascii=False) + "\n")


write("metrics.jsonl", made())
texts = [han(draw.randrange(1, 40)) for _ in range(700)] + [english(12) + han(8) for _ in range(100)]
write("words.jsonl", ({"text": text, "words": list(jieba.cut(text, cut_all=False))} for text in texts))
