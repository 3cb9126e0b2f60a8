"""Stems and ROUGE-1 scores of NLTK and Google's rouge_score for tests of capture/evaluation.

python3 -m venv v && v/bin/pip install rouge-score nltk && v/bin/python make_score_goldens.py ../../../resources/samples/persuasion.txt
"""
import json
import random
import re
import sys

from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer

SUFFIXES = "s es ed ing ied ies eed ly er est ness ful fully fulness ization ational tional enci anci izer bli alli entli eli ousli ation ator alism iveness ousness aliti iviti biliti logi icate ative alize iciti ical al ance ence ic able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e ll lle y ay oy sses ss ies".split()
ROOTS = "a b sky skies fly die tie news happ relat condition ration vali hesit digit conform radic differ vile analog vietnam predic oper feud decis hope callous form sensit sensib triplic formal electr electric hope good reviv allow infer airlin gyroscop adjust defens irrit replac adopt homolog commun activ angular effect bow prob rat ceas control roll archaeolog theolog apolog ski succeed proceed exceed inning outing canning howe dying lying tying".split()
NEEDLE = "\nThe best thing to do in San Francisco is eat a sandwich and sit in Dolores Park on a sunny day.\n"
RESPONSES = ["eat a sandwich and sit in Dolores Park on a sunny day.", "eat a sandwich", "", "I do not know.",
             "Eating sandwiches, sitting in Dolores Park on sunny days!", "go to the park. go to the park. go to the park.",
             "the best thing to do in San Francisco is eat a sandwich and sit in Dolores Park on a sunny day",
             "drink café au lait in Łódź & eat 2 sandwiches", "day day day sunny"]

rng = random.Random(1)
text = open(sys.argv[1], encoding="utf-8").read().lower()
words = sorted(set(re.findall(r"[a-z]+", text)))
words = rng.sample(words, 1500) + [root + suffix for root in ROOTS for suffix in [""] + SUFFIXES]
stemmer = PorterStemmer()
stems = {word: stemmer.stem(word) for word in sorted(set(words))}
scorer = rouge_scorer.RougeScorer(["rouge1"], use_stemmer=True)
sentences = [s.strip() for s in re.split(r"(?<=[.!?])\s", open(sys.argv[1], encoding="utf-8").read()) if 20 < len(s) < 160]
pairs = [(NEEDLE, r) for r in RESPONSES] + [tuple(rng.sample(sentences, 2)) for _ in range(30)]
pairs += [(s, " ".join(rng.sample(s.split(), len(s.split()) * 2 // 3))) for s in rng.sample(sentences, 30)]
rouge = [{"reference": a, "answer": b, "f": scorer.score(a, b)["rouge1"].fmeasure} for a, b in pairs]
json.dump({"stems": stems, "rouge": rouge}, open("rouge.json", "w"), ensure_ascii=False, indent=0)
