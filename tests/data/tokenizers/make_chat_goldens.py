"""Renders conversations with transformers' apply_chat_template and records the texts in chat.json.

Needs `transformers` and `jinja2` from PyPI, no network.  The templates are KVAtlas's own; they render the formats that Meta and Mistral AI
publish for Llama 2 chat, Llama 3 instruct and Mistral 7B instruct v0.1 (system message before the first user message, one blank line between).
"""
import itertools
import json
from pathlib import Path

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

ALTERNATE = "{% for m in turns %}{% if m.role != ['user', 'assistant'][loop.index0 % 2] %}{{ raise_exception('roles must alternate') }}{% endif %}"
SYSTEM = "{% if messages and messages[0].role == 'system' %}{% set system = messages[0].content %}{% set turns = messages[1:] %}{% else %}{% set system = none %}{% set turns = messages %}{% endif %}"
TEMPLATES = {
    "llama2": SYSTEM + ALTERNATE
    + r"{% set text = '<<SYS>>\n' ~ system ~ '\n<</SYS>>\n\n' ~ m.content if loop.first and system is not none else m.content %}"
    + "{{ bos_token ~ '[INST] ' ~ text.strip() ~ ' [/INST]' if m.role == 'user' else ' ' ~ text.strip() ~ ' ' ~ eos_token }}{% endfor %}",
    "llama3": r"{% for m in messages %}{{ bos_token if loop.first }}{{ '<|start_header_id|>' ~ m.role ~ '<|end_header_id|>\n\n' ~ m.content | trim ~ '<|eot_id|>' }}{% endfor %}"
    + r"{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    "mistral": SYSTEM + "{{ bos_token }}" + ALTERNATE
    + r"{% set text = system ~ '\n\n' ~ m.content if loop.first and system is not none else m.content %}"
    + "{{ '[INST] ' ~ text ~ ' [/INST]' if m.role == 'user' else ' ' ~ text ~ eos_token }}{% endfor %}",
}
SPECIAL = {"llama2": ("<s>", "</s>"), "llama3": ("<|begin_of_text|>", "<|eot_id|>"), "mistral": ("<s>", "</s>")}
CONTENTS = ["Where is the key?", "  blanks around \n", "", "\u3000wide\u00a0", "\x1cseparators\x1f\x1e", "two\nlines\n\n", "日本語 👩🏽‍💻", "{{ braces }} {% if %}", "<s>[INST] inside [/INST]", "\ttab", "e\u0301\u200b"]


def conversations():
    yield []
    yield [("system", "Be brief.")]
    for content in CONTENTS:
        yield [("user", content)]
        yield [("system", content), ("user", "Hello")]
        yield [("user", "Hello"), ("assistant", content)]
        yield [("system", " Be brief. "), ("user", content), ("assistant", content), ("user", "And then?")]
    yield [pair for pair in itertools.islice(itertools.cycle([("user", " q "), ("assistant", " a ")]), 7)]
    yield [("assistant", "first")]
    yield [("user", "a"), ("user", "b")]
    yield [("user", "a"), ("system", "late")]
    yield [("user", "a"), ("tool", "t")]


def main():
    cases = []
    for family, template in TEMPLATES.items():
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token=SPECIAL[family][0], eos_token=SPECIAL[family][1])
        tokenizer.chat_template = template
        for conversation, prompt in itertools.product(conversations(), (False, True)):
            messages = [{"role": role, "content": content} for role, content in conversation]
            if not messages:
                continue
            try:
                text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
            except Exception as error:  # the template refuses it
                assert "alternate" in str(error), error
                text = None
            cases.append({"family": family, "messages": conversation, "generation_prompt": prompt, "text": text})
    lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
    (Path(__file__).parent / "chat.json").write_text(f"[{lines}]\n", encoding="utf-8")
    print(f"{len(cases)} conversations, {sum(case['text'] is None for case in cases)} refused")


if __name__ == "__main__":
    main()
