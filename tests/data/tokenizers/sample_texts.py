"""Words, training text and test strings in many scripts, all made here with fixed seeds."""
import random

WORDS = {
    "latin": "the of and to in that was his he it with is for as had you not be her on at by which have or from this him but all she they were my are me one their so an said them we who would been will no when there if more out up into do any your what has man could other than our some very time upon about may its only now like little then can made should did us such great before must two these see know over much down after first good men own never most old shall day where those came come himself way work life without go make well through being long say might how am too even again many back here think every people went same last thought away under take found hand eyes still place while just also young yet though against things get ever give god years off face nothing right once another left part saw house world head three took new love always mrs put night each king between tell mind heart few because thing whom far seemed looked called whole de set both got find done heard look name days told let lord country asked going seen better having home knew café naïve Straße señor garçon Übung København łódź čeština tiếng Việt ﬁne".split(),
    "greek": "και το να του η της με στο την από για είναι Ελλάδα λόγος φιλοσοφία ψυχή κόσμος θάλασσα ἄνθρωπος".split(),
    "cyrillic": "и в не на что он как это по но было весь только сказал человек Москва ёлка їжак Београд мир".split(),
    "arabic": "في من على أن إلى هذا كان الكتاب السلام عليكم مُحَمَّد لغة العربية ١٢٣ ﷺ".split(),
    "hebrew": "של את על הוא לא שָׁלוֹם ישראל ספר היה כל".split(),
    "devanagari": "और के में है की से यह नमस्ते हिन्दी क्षत्रिय श्री भारत १२३ ज़िंदगी".split(),
    "thai": "และ ที่ การ ใน มี สวัสดี ภาษาไทย กรุงเทพ น้ำ ๑๒๓".split(),
    "cjk": "的 是 不 我 一 有 大 在 人 了 中文 漢字 日本語 ひらがな カタカナ ｶﾀｶﾅ 東京 你好 世界 、 。 「」 𠮷野家 〇".split(),
    "hangul": "이 그 저 한국어 안녕하세요 대한민국 서울 사람 ᄒᆞᆫ ㅋㅋㅋ".split(),
    "other": "Հայերեն ქართული አማርኛ தமிழ் తెలుగు বাংলা ਪੰਜਾਬੀ ಕನ್ನಡ മലയാളം සිංහල ខ្មែរ မြန်မာ བོད ᠮᠣᠩᠭᠣᠯ ᏣᎳᎩ 𝕄𝔞𝔱𝔥 𐍈 ℵ₀ Ⅷ ½ ² ①".split(),
}
EMOJI = ["😀", "👍🏽", "👩🏽‍💻", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "❤️", "1️⃣", "🫠", "☃"]
MARKS = ["e\u0301", "n\u0303", "a\u0308\u0304", "\u0301", "o\u0302\u0323", "Z\u0351\u036b\u0343", "\u1ec7", "e\u0323\u0302", "\uac01", "\u1100\u1161\u11a8"]
SPACES = [" ", "  ", "   ", "       ", "\t", "\t\t", "\n", "\n\n", "\r\n", "\r", " \n", "\n ", "\u00a0", "\u3000", "\u2003",
          "\u200b", "\u2028", "\x85", "\u180e", "\ufeff", "\x0b", "\x0c", " \t \n  "]
NUMBERS = ["0", "7", "42", "123", "1234", "12345", "1234567890", "3.14159", "1,000,000", "2024-05-17", "٣٤٥", "１２３", "x²", "10⁻³", "Ⅻ", "¾"]
CONTROLS = ["\x00", "\x01", "\x07", "\x1b[0m", "\x1c", "\x1f", "\x7f", "\u200d", "\u200e", "\u202e", "\ue000", "\U000f0000", "\ufffd", "\uffff", "\U0010ffff"]
CONTRACTIONS = ["it's", "IT'S", "don't", "DON'T", "we're", "We'Re", "I'm", "I'M", "they've", "THEY'VE", "he'll", "HE'LL", "she'd", "SHE'D",
                "'s", "'S", "''", "o'clock", "'tis", "it’s", "d'accord", "'ſ", "rock'n'roll", "'ve", "'VE", "'lL"]
PUNCTUATION = ["!", "?!", "...", "…", "—", "--", "//", "http://a.b/c?d=e&f#g", "user@example.org", "{[(<>)]}", "\"quoted\"", "a_b", "C++", "#!/bin/sh",
               "$x=1;", "«»", "“q”", "**", "\\n", "%20", "~", "`code`", "|", "^", "▁", "▁▁", "Ġ", "Ċ", "_", "\u2581x"]
SPECIAL = ["<s>", "</s>", "<unk>", "<pad>", "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|reserved_1|>", "<|reserved_12|>",
           "<|", "<s", "<0x41>", "<0xE4>", "<0x0A>", "[LEFT]", "[RIGHT]", "[BOTH]", "[WORD]", "Zebra word", "[NORM SPACE]", "[NORM]", "[INST]", "straße!", "aé", "@@"]
INVALID = [b"\xff", b"\xfe\xff", b"\x80", b"a\xc3", b"\xc3(", b"\xe2\x82", b"\xe2\x82x", b"\xf0\x9f\x98", b"\xf0\x9f\x98 x", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80",
           b"\xed\xa0\xbd\xed\xb8\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"ok \xe4\xb8 \xe4\xb8\xad", b"\xe4\xb8\xad\xe4\xb8", b"\xf1\x80\x80\xe1\x80\xc2a\x80b\x80\x80c",
           b"\xf0\x80\x80\x41", b"\xc2\xc2\xa9", b"caf\xe9 latin-1", b"<s>\xff</s>", b" \xff ", b"\xe2\x96", b"\xe2\x96\x81\xe2\x96"]


def fragments():
    for words in WORDS.values():
        yield from words
    for group in (EMOJI, MARKS, SPACES, NUMBERS, CONTROLS, CONTRACTIONS, PUNCTUATION, SPECIAL):
        yield from group


def training_text(seed=1, lines=4000):
    """Lines of words, common ones often, with the numbers, signs and runs of blanks that texts hold."""
    pick = random.Random(seed)
    scripts = list(WORDS)
    extras = NUMBERS[:12] + EMOJI[:4] + CONTRACTIONS[:14] + ["...", "!", "?", "--", "C++", "a_b"]
    result = []
    for _ in range(lines):
        words = WORDS["latin" if pick.random() < 0.6 else pick.choice(scripts)]
        line = []
        for _ in range(pick.randint(3, 14)):
            word = words[min(int(pick.expovariate(1.0) * len(words) / 4), len(words) - 1)]
            roll = pick.random()
            line.append(word.capitalize() if roll < 0.1 else pick.choice(extras) if roll < 0.2 else word)
        result.append(("    " if pick.random() < 0.1 else "") + pick.choice([" ", " ", " ", ", "]).join(line) + pick.choice([".", "!", "", "  ", "\n\n"]))
    return result


def test_strings(seed=2, mixtures=2400):
    """str or, where it is no valid UTF-8, bytes; without repetitions, in a fixed order."""
    pick = random.Random(seed)
    pool = list(fragments())
    strings = ["", " ", "  ", "a", " a", "a ", "\n", "\x00", "x" * 40, " " * 40, "\n" * 17, "ab" * 30, "  x" * 9, "é" * 20, "中" * 20, "😀" * 9, "0" * 23]
    strings += pool
    strings += [" " + part for part in pool[::7]] + [part + " " for part in pool[::11]]
    strings += [" ".join(WORDS[script]) for script in WORDS if script != "latin"]
    strings += [a + b for a, b in zip(CONTRACTIONS, CONTRACTIONS[1:])] + [a + token + b for token in SPECIAL[:22] for a, b in [("a", "b"), (" ", " "), ("x  ", "\n y"), ("é", "_")]]
    strings += [token + other for token in SPECIAL[:22] for other in (token, pick.choice(SPECIAL))]
    short = [part for part in pool if len(part) < 12]
    for _ in range(mixtures):
        glue = pick.choice(["", "", " ", "  "])
        strings.append(glue.join(pick.choice(short) for _ in range(pick.randint(2, 6))))
    strings += INVALID + [pick.choice(pool).encode() + bad + pick.choice(pool).encode() for bad in INVALID for _ in range(2)]
    for _ in range(60):
        strings.append(bytes(pick.choice([0x41, 0x20, 0x80, 0xBF, 0xC3, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0xED, 0xFF]) for _ in range(pick.randint(1, 8))))
    unique = dict.fromkeys(s.decode() if isinstance(s, bytes) and is_utf8(s) else s for s in strings)
    return list(unique)


def is_utf8(data):
    try:
        data.decode()
        return True
    except UnicodeDecodeError:
        return False
