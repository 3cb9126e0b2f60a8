"""Renders chat templates and small pieces of template language with the environment of transformers and records the texts.

Needs `transformers` and `jinja2` from PyPI, no network and no torch.  The chat templates are KVAtlas's own: they use the constructs and the
marks of the families they are named after, not their text.  Writes templates.json (chat templates x conversations) and language.json
(expressions, whitespace control, statements).
"""
import datetime
import itertools
import json
from pathlib import Path

from transformers.utils import chat_template_utils
from transformers.utils.chat_template_utils import render_jinja_template

HERE = Path(__file__).parent
TODAY = datetime.datetime(2026, 3, 9)


class FixedDay(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(TODAY.year, TODAY.month, TODAY.day)


chat_template_utils.datetime = FixedDay
TOKENS = {
    "llama": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    "llama3": {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
    "chatml": {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
    "deepseek": {"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>"},
    "phi": {"bos_token": "<s>", "eos_token": "<|endoftext|>"},
    "gemma": {"bos_token": "<bos>", "eos_token": "<eos>"},
}

# name: (special tokens, template)
TEMPLATES = {
    "llama2": ("llama", r"""{% if messages[0]['role'] == 'system' %}{% set turns = messages[1:] %}{% set system = messages[0]['content'] %}{% else %}{% set turns = messages %}{% set system = false %}{% endif %}
{%- for m in turns -%}
    {%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('user and assistant must take turns: ' + m['role']) }}{% endif %}
    {%- if loop.index0 == 0 and system != false %}{% set text = '<<SYS>>\n' + system + '\n<</SYS>>\n\n' + m['content'] %}{% else %}{% set text = m['content'] %}{% endif %}
    {%- if m['role'] == 'user' %}{{ bos_token + '[INST] ' + text.strip() + ' [/INST]' }}{% elif m['role'] == 'assistant' %}{{ ' ' + text.strip() + ' ' + eos_token }}{% endif %}
{%- endfor -%}"""),
    "llama3": ("llama3", r"""{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>

' + message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>

' }}{% endif %}
"""),
    "llama3.1": ("llama3", r"""{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not tools_in_user_message is defined %}
    {%- set tools_in_user_message = true %}
{%- endif %}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- The system message comes first, with the dates. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
{%- if builtin_tools is defined or tools is not none %}
    {{- "Environment: ipython\n" }}
{%- endif %}
{%- if builtin_tools is defined %}
    {{- "Tools: " + builtin_tools | reject('equalto', 'code_interpreter') | join(", ") + "\n\n"}}
{%- endif %}
{{- "Cutting Knowledge Date: December 2023\n" }}
{{- "Today Date: " + date_string + "\n\n" }}
{%- if tools is not none and not tools_in_user_message %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\n\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("one tool call at once") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '{"name": "' + tool_call.name + '", "parameters": ' }}{{- tool_call.arguments | tojson }}{{- "}<|eot_id|>" }}
    {%- else %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\n\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
"""),
    "llama3.2": ("llama3", r"""{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}{%- set sys = messages[0]['content']|trim %}{%- set messages = messages[1:] %}{%- else %}{%- set sys = "" %}{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: " + date_string + "\n\n" }}
{{- sys }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}
"""),
    "llama3.3": ("llama3", r"""{{- bos_token }}
{%- set tools = tools | default(none) %}
{%- set date_string = date_string | default("26 Jul 2024") %}
{%- if messages[0].role == 'system' %}
    {%- set rules, turns = messages[0].content | trim, messages[1:] %}
{%- else %}
    {%- set rules, turns = "", messages %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
{%- if tools is not none %}{{- "Environment: ipython\n" }}{%- endif %}
{{- "Cutting Knowledge Date: December 2023\nToday Date: " ~ date_string ~ "\n\n" ~ rules ~ "<|eot_id|>" }}
{%- for turn in turns %}
    {%- if turn.role in ('tool', 'ipython') %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\n\n" }}
        {{- turn.content | tojson if turn.content is mapping or (turn.content is iterable and turn.content is not string) else turn.content }}
        {{- "<|eot_id|>" }}
    {%- elif turn.tool_calls is defined and turn.tool_calls %}
        {%- if turn.tool_calls | length != 1 %}{{- raise_exception("one tool call at once") }}{%- endif %}
        {%- set call = turn.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\n\n<|python_tag|>' ~ call.name ~ '.call(' }}
        {%- for name, value in call.arguments | items %}
            {{- name ~ '="' ~ value ~ '"' ~ (", " if not loop.last else "") }}
        {%- endfor %}
        {{- ")<|eom_id|>" }}
    {%- else %}
        {{- '<|start_header_id|>' ~ turn.role ~ '<|end_header_id|>\n\n' ~ turn.content | trim ~ '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
"""),
    "mistral-v0.1": ("llama", r"""{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles have to alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token + ' ' }}{% else %}{{ raise_exception('only user and assistant are known') }}{% endif %}{% endfor %}"""),
    "mistral-v0.2": ("llama", r"""{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}

{{- bos_token }}
{%- for message in loop_messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('After the optional system message, roles alternate') }}
    {%- endif %}
    {%- if message["role"] == "user" %}
        {%- if loop.first and system_message is defined %}
            {{- " [INST] " + system_message + "\n\n" + message["content"] + " [/INST]" }}
        {%- else %}
            {{- " [INST] " + message["content"] + " [/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"] + eos_token}}
    {%- else %}
        {{- raise_exception("only user and assistant are known") }}
    {%- endif %}
{%- endfor %}
"""),
    "mistral-v0.3": ("llama", r"""{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}

{#- Only user and assistant messages without calls have to alternate. #}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("user and assistant have to alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}

{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}
                        {{- '"' + key + '": "' + val + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + val|tojson }}
                    {%- endif %}
                    {%- if not loop.last %}
                        {{- ", " }}
                    {%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}
                    {{- ", " }}
                {%- else %}
                    {{- "]" }}
                {%- endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\n\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[TOOL_CALLS] [" }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function|tojson %}
            {{- out[:-1] }}
            {%- if not tool_call.id is defined or tool_call.id|length != 9 %}
                {{- raise_exception("ids of tool calls have nine characters") }}
            {%- endif %}
            {{- ', "id": "' + tool_call.id + '"}' }}
            {{- ", " if not loop.last else "]" + eos_token }}
        {%- endfor %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- elif message["role"] == "tool_results" or message["role"] == "tool" %}
        {%- if message.content is defined and message.content.content is defined %}
            {%- set content = message.content.content %}
        {%- else %}
            {%- set content = message.content %}
        {%- endif %}
        {{- '[TOOL_RESULTS] {"content": ' + content|string + ", " }}
        {{- '"call_id": "' + message.tool_call_id + '"}[/TOOL_RESULTS]' }}
    {%- else %}
        {{- raise_exception("user, assistant, tool and tool_results are known") }}
    {%- endif %}
{%- endfor %}
"""),
    "mistral-nemo": ("llama", r"""{%- if messages[0]["role"] == "system" %}{%- set system_message = messages[0]["content"] %}{%- set loop_messages = messages[1:] %}{%- else %}{%- set loop_messages = messages %}{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST]" + system_message + "\n\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST]" + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- message["content"] + eos_token}}
    {%- endif %}
{%- endfor %}
"""),
    "mistral-small": ("llama", r"""{%- set today = strftime_now("%Y-%m-%d") %}
{%- set default_system_message = "You are a model.\nToday is " + today + ".\n\n{\"braces\": {}}" %}

{{- bos_token }}

{%- if messages[0]['role'] == 'system' %}
    {%- if messages[0]['content'] is string %}
        {%- set system_message = messages[0]['content'] %}
    {%- else %}
        {%- set system_message = messages[0]['content'][0]['text'] %}
    {%- endif %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set system_message = default_system_message %}
    {%- set loop_messages = messages %}
{%- endif %}
{{- '[SYSTEM_PROMPT]' + system_message + '[/SYSTEM_PROMPT]' }}

{%- for message in loop_messages %}
    {%- if message['role'] == 'user' %}
        {%- if message['content'] is string %}
            {{- '[INST]' + message['content'] + '[/INST]' }}
        {%- else %}
            {{- '[INST]' }}
            {%- for block in message['content'] %}
                {%- if block['type'] == 'text' %}
                    {{- block['text'] }}
                {%- elif block['type'] in ['image', 'image_url'] %}
                    {{- '[IMG]' }}
                {%- else %}
                    {{- raise_exception('only text and images') }}
                {%- endif %}
            {%- endfor %}
            {{- '[/INST]' }}
        {%- endif %}
    {%- elif message['role'] == 'system' %}
        {{- '[SYSTEM_PROMPT]' + message['content'] + '[/SYSTEM_PROMPT]' }}
    {%- elif message['role'] == 'assistant' %}
        {{- message['content'] + eos_token }}
    {%- else %}
        {{- raise_exception('unknown role ' ~ message['role']) }}
    {%- endif %}
{%- endfor %}
"""),
    "qwen2.5": ("chatml", r"""{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] }}
    {%- else %}
        {{- 'You are a helpful model.' }}
    {%- endif %}
    {{- "\n\n# Tools\n\n<tools>" }}
    {%- for tool in tools %}
        {{- "\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\n</tools>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}<|im_end|>\n" }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
    {%- else %}
        {{- '<|im_start|>system\nYou are a helpful model.<|im_end|>\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}
            {{- '\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\n<tool_call>\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}
            {{- '}\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\n<tool_response>\n' }}
        {{- message.content }}
        {{- '\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
"""),
    "qwen3": ("chatml", r"""{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- set ns = namespace(multi_step=true, last_query=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step = false %}
        {%- set ns.last_query = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query %}
            {%- if loop.last or (not loop.last and reasoning) %}
                {{- '<|im_start|>' + message.role + '\n<think>\n' + reasoning.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}
"""),
    "smollm2": ("chatml", r"""{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
You are a small and helpful model<|im_end|>
' }}{% endif %}{{'<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' + '
'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
' }}{% endif %}"""),
    "zephyr": ("llama", r"""{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>
' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>
' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>
'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}
"""),
    "vicuna": ("llama", r"""{%- if messages[0].role == 'system' -%}
    {%- set system = messages[0].content ~ ' ' -%}{%- set rest = messages[1:] -%}
{%- else -%}
    {%- set system = 'A chat between a user and a model. ' -%}{%- set rest = messages -%}
{%- endif -%}
{{ bos_token ~ system }}
{%- for m in rest -%}
    {{ 'USER: ' ~ m.content ~ ' ' if m.role == 'user' else 'ASSISTANT: ' ~ m.content ~ eos_token }}
{%- endfor -%}
{{ 'ASSISTANT:' if add_generation_prompt }}"""),
    "chatml": ("chatml", r"""{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""),
    "deepseek-r1": ("deepseek", r"""{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, is_tool=false, is_output_first=true, system_prompt='') %}{%- for message in messages %}{%- if message['role'] == 'system' %}{% set ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}{%- for message in messages %}{%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}{{'<｜User｜>' + message['content']}}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is none %}{%- set ns.is_tool = false -%}{%- for tool in message['tool_calls']%}{%- if not ns.is_first %}{{'<｜Assistant｜><｜tool▁calls▁begin｜>' + tool['type'] + '\n' + '```json' + '\n' + tool['function']['arguments'] + '\n' + '```'}}{%- set ns.is_first = true -%}{%- else %}{{'\n' + tool['type']}}{%- endif %}{%- endfor %}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is not none %}{%- if ns.is_tool %}{{message['content'] + '<｜end▁of▁sentence｜>'}}{%- set ns.is_tool = false -%}{%- else %}{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>'}}{%- endif %}{%- endif %}{%- endfor -%}{% if ns.is_tool %}{{'<｜tool▁outputs▁end｜>'}}{% endif %}{% if add_generation_prompt and not ns.is_tool %}{{'<｜Assistant｜><think>\n'}}{% endif %}"""),
    "phi3": ("phi", r"""{% for message in messages %}{% if message['role'] == 'system' and message['content'] %}{{'<|system|>
' + message['content'] + '<|end|>
'}}{% elif message['role'] == 'user' %}{{'<|user|>
' + message['content'] + '<|end|>
'}}{% elif message['role'] == 'assistant' %}{{'<|assistant|>
' + message['content'] + '<|end|>
'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>
' }}{% else %}{{ eos_token }}{% endif %}"""),
    "gemma": ("gemma", r"""{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('a system message is not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '
' + message['content'] | trim + '<end_of_turn>
' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model
'}}{% endif %}"""),
    "gemma3": ("gemma", r"""{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '

' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '

' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Roles must alternate") }}
    {%- endif -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '
' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>
' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model
'}}
{%- endif -%}
"""),
    "macros": ("llama3", r"""{%- macro header(role, end='\n\n') -%}
    <|start_header_id|>{{ role }}<|end_header_id|>{{ end }}
{%- endmacro %}
{%- macro turn(m) %}{{ header(m.role) ~ (m.content | trim) ~ '<|eot_id|>' }}{% endmacro -%}
{{ bos_token }}{% for m in messages if m.content | trim | length > 0 %}{{ turn(m) }}{% if loop.index > 40 %}{% break %}{% endif %}{% endfor %}
{%- if add_generation_prompt %}{{ header('assistant', end='\n') }}{% endif %}"""),
    "generation": ("chatml", r"""{% for message in messages %}
    {%- if message.role == 'assistant' -%}
        <|im_start|>assistant
{% generation %}{{ message.content ~ '<|im_end|>' }}{% endgeneration %}

    {%- else -%}
        {{ '<|im_start|>' ~ message.role ~ '\n' ~ message.content ~ '<|im_end|>\n' }}
    {%- endif %}
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""),
    "mixtral": ("llama", r"""{{ bos_token }}{% for message in messages if message.role != 'system' %}{% if message['role'] == 'user' %}{{ '[INST] ' ~ ((messages | selectattr('role', 'eq', 'system') | map(attribute='content') | first) ~ '\n\n' if loop.first and messages | selectattr('role', 'eq', 'system') | list else '') ~ message['content'] ~ ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' ~ message['content'] ~ eos_token}}{% endif %}{% endfor %}"""),
}


def message(role, content):
    return {"role": role, "content": content}


CONVERSATIONS = [
    [message("user", "How are you today?")],
    [message("system", "Answer briefly."), message("user", "  What is 2 + 2?\n")],
    [message("system", ""), message("user", "An empty system message")],
    [message("user", "One"), message("assistant", "<think>\nhm\n</think>\n\nTwo "), message("user", "Three")],
    [message("system", "Sys\n"), message("user", "One"), message("assistant", "Two"), message("user", "Three"), message("assistant", "Four")],
    [message("user", "Größe, naïve, 你好 🦙\u00a0\u2003")],
    [message("system", "{{ not a template }} {% if %} {# #}"), message("user", "{\"a\": [1, {}]} }} %} <|im_end|> [INST]")],
    [message("user", "line one\r\nline two\n\n   indented\n")],
    [message("user", "One"), message("user", "Two")],
    [message("assistant", "I begin")],
    [message("user", "")],
]


def template_cases():
    cases = []
    for name, (tokens, template) in TEMPLATES.items():
        for conversation, prompt in itertools.product(range(len(CONVERSATIONS)), (True, False)):
            try:
                rendered, _ = render_jinja_template([CONVERSATIONS[conversation]], chat_template=template, add_generation_prompt=prompt, **TOKENS[tokens])
                text = rendered[0]
            except Exception as error:  # the template refuses the conversation
                assert type(error).__name__ in ("TemplateError", "UndefinedError"), (name, error)
                text = None
            cases.append({"template": name, "conversation": conversation, "prompt": prompt, "text": text})
    return cases


CONTEXT = {
    "s": "Hello, World", "t": "  padded\t\n", "u": "straße ÉCOLE ﬁn ΑΣ Σ", "e": "", "n": 7, "m": -3, "f": 2.5, "z": 0, "yes": True, "no": False, "nil": None,
    "xs": [3, 1, 2], "ws": ["b", "A", "c", "a"], "d": {"b": 1, "a": "two", "C": None}, "nested": [{"k": {"v": 1}, "r": "x"}, {"k": {"v": 2}, "r": "y"}, {"r": "x"}],
    "lines": "one\ntwo\n\nthree", "quote": "it's \"so\"", "uni": "a\u00a0b\u200b\u0001é🦙", "deep": [[1, [2, (3)]], {"x": [None, True, 1.0]}],
}

EXPRESSIONS = r"""
s|t|1|1.0|0.1|1e100|1e16|1e15|123456789.123|1e-5|0.0001|-0.0|1_000|0x1F|0b101|0o17|00|1_0.5e-1_0|true|True|none|None|'a' 'b'|"x\ty\n\\ \" \x41 \u00e9 \U0001F999 \101 \q"
[]|[1]|(1,)|(1, 2)|()|{}|{'a': 1, 'b': [1, 'x']}|[1, 'a', None, true, 2.0, "it's", 'q"']|{1: 'a', true: 'b'}|1, 2|[[], {}, ()]|deep|d|xs|nested|[uni]|[quote]|['\n\t\r\\\x7f\xad']
n + 1|n - 10|n * 2|n / 2|n // 2|m // 2|n % 4|m % 4|n % m|m % n|2 ** 10|2 ** -1|-2 ** 2|2 ** 3 ** 2|f * 2|f // 1|f % 2|-f|+n|n + f|1 + 2 ~ 3|1 ~ 2 + 3|(1 ~ 2)|1 + true|true + true|-true|7.5 // -2|-7.5 % 2|1 / 3|10 / 5|2.0 ** 0.5|1e308 * 10
s + '!'|'ab' * 3|3 * 'ab'|'ab' * -1|[1] + [2]|[1, 2] * 2|(1,) + (2,)|'%s-%d-%r%%' % ('a', 3, 'b')|'%s' % nil|'%s' % (xs,)
1 < 2|1 < 2 < 3|1 < 3 < 2|1 == 1.0|1 == true|'a' == 'a'|'a' < 'b'|[1, 2] < [1, 3]|[1] == (1,)|nil == none|nil != none|1 != 2|'1' == 1|d == d|2 >= 2|2 <= 1|undef == undef2|undef == none|'é' > 'z'|(1, 'a') < (1, 'b')|1 < 2 == true
1 in xs|5 in xs|'a' in d|'z' not in d|'ell' in s|'' in s|1 in (1, 2)|'x' not in 'abc'|none in [none]|1.0 in xs|not 1 in xs|nil in [0]|undef in xs|'a' in undef
yes and no|yes or no|e or 'x'|'a' and 'b'|not yes|not not yes|z and 1 / 0|nil or z or ''|not e == ''|no or nil|1 and 2 and 0 or 3
'a' if yes else 'b'|'a' if no else 'b'|'a' if no|('a' if no) is defined|1 if no else 2 if no else 3|s if n > 3|'x' ~ ('y' if no)|(1 if yes else 2) + 1
s[0]|s[-1]|s[99]|s[0:5]|s[:-1]|s[::2]|s[::-1]|s[5:2]|s[-3:]|s[1:-1:3]|s[-100:3]|s[100:]|xs[0]|xs[-1]|xs[9]|xs[1:]|xs[::-1]|xs[-1::-1]|xs[:1] + xs[2:]|xs[5:0:-1]|u[0:3]|uni[5]|uni[-1]|(1, 2, 3)[1:]|xs[:]|xs[true]|xs['0']|xs[1.0]|nil[0]|nil.x|n.x|s.0|xs.0
d.b|d['a']|d.nope|d['nope']|d.C|nested[0].k.v|nested[0]['k']['v']|nested[2].k|d[1]|{1: 'x'}[1]|{1: 'x'}[1.0]|{true: 'y'}[1]|d['items'] is callable|{'items': 1}['items']|{'items': 1}.items is callable|d.get is callable
undef|undef is defined|undef is undefined|undef|default('x')|undef|length|undef|list|undef|trim|undef|upper|undef|join|undef ~ 'x'|undef or 'y'|not undef|undef|string|[undef]|undef|first|nil|default('x')|nil|default('x', true)|e|d('x', boolean=true)|d.nope|default(1)|undef|items|list|undef|reject|list|undef|map('upper')|list
t|trim|'xxaxx'|trim('x')|s|upper|s|lower|u|upper|u|lower|u|title|u|capitalize|'hello wORLD-foo (bar) [baz] a_b'|title|'ABC def'|capitalize|n|upper|nil|upper|xs|trim|' ǅ'|trim|'ß'|upper|'ŉ'|capitalize|'İ'|lower
s|length|xs|length|d|count|uni|length|e|length|[]|length|xs|first|xs|last|s|first|s|last|[]|first|[]|last|d|first|d|last|u|length
xs|join|xs|join(', ')|ws|join('-')|s|join('.')|d|join(',')|nested|join(',', attribute='r')|nested|map(attribute='r')|join('')|[1, none, 2.5]|join('/')|[]|join('x')|xs|join(1)
xs|sort|xs|sort(reverse=true)|ws|sort|ws|sort(case_sensitive=true)|nested|sort(attribute='r')|map(attribute='r')|list|d|dictsort|d|dictsort(reverse=true)|d|dictsort(true)|{'x': 2, 'y': 1}|dictsort(by='value')|d|sort|s|sort|[[2, 1], [1, 2]]|sort|[true, 0, 2]|sort
ws|unique|list|[1, 1.0, true, 2]|unique|list|nested|unique(attribute='r')|list|length|xs|reverse|list|s|reverse|uni|reverse|xs|min|xs|max|ws|min|ws|max|[]|max|xs|sum|nested|selectattr('k')|sum(attribute='k.v')|[1, 2.5]|sum|xs|sum(start=10)|[]|sum|d|list|s|list|nested|max(attribute='r')
xs|select('odd')|list|xs|select('>', 1)|list|xs|reject('even')|list|[0, 1, '', 'a', none]|select|list|[0, 1, '', 'a', none]|reject|list|nested|selectattr('k')|list|length|nested|selectattr('r', 'equalto', 'x')|list|nested|rejectattr('r', 'eq', 'x')|list|nested|selectattr('k', 'defined')|map(attribute='k.v')|list|nested|map(attribute='k.v', default=0)|list|ws|map('upper')|join|ws|map('replace', 'a', 'z')|list|xs|map('string')|list|nested|map(attribute='k')|map(attribute='v')|list|ws|select('in', ['a', 'b'])|list|ws|select('equalto', 'A')|first|xs|select|list|length|nested|selectattr('k.v', '==', 2)|list|xs|map('default', 3)|list
s|replace('l', 'L')|s|replace('l', 'L', 1)|s|replace('', '-')|n|replace(7, 8)|xs|string|n|string|1.5|string|nil|string|yes|string|'12'|int|'12.7'|int|'x'|int|'x'|int(5)|'0x1f'|int(base=16)|'1f'|int(0, 16)|3.9|int|-3.9|int|true|int|nil|int|' 42 '|int|'1_000'|int|'1.5'|float|'x'|float|'x'|float(1.5)|3|float|'1e3'|float|'.5'|float|'5.'|float|'inf'|float|nil|float|m|abs|-2.5|abs|'nan'|float
2.5|round|3.5|round|2.567|round(2)|2.567|round(1, 'floor')|2.561|round(2, 'ceil')|7|round|1234.5|round(0)|-0.5|round|2.675|round(2)|1e20|round
lines|indent|lines|indent(2)|lines|indent(2, true)|lines|indent('>> ')|lines|indent(2, blank=true)|e|indent|'a\r\nb'|indent(1)
d|tojson|xs|tojson|s|tojson|uni|tojson|quote|tojson|nested|tojson|d|tojson(indent=2)|nested|tojson(indent=4)|d|tojson(sort_keys=true)|{'b': 1, 'a': {'y': 1, 'x': 2}}|tojson(sort_keys=true)|xs|tojson(separators=(',', ':'))|d|tojson(separators=(',', ':'))|uni|tojson(ensure_ascii=true)|[]|tojson(indent=2)|{}|tojson(indent=2)|[1.0, 1e20, 0.1, -0.0]|tojson|nil|tojson|yes|tojson|{1: 2, none: 3, true: 4, 1.5: 5}|tojson|'</script>&\''|tojson|'\x7f\x1f\b\f'|tojson|(1, 2)|tojson|xs|tojson(indent='--')|xs|tojson(indent=0)
n is number|n is integer|f is float|f is integer|yes is boolean|yes is integer|yes is number|s is string|nil is none|nil is not none|d is mapping|xs is mapping|xs is iterable|s is iterable|n is iterable|xs is sequence|d is sequence|s is sequence|n is sequence|undef is iterable|undef is sequence|yes is true|n is true|no is false|z is false|n is odd|n is even|m is odd|9 is divisibleby 3|9 is divisibleby(2)|n is equalto 7|n is eq(8)|n is ne 8|n is gt 3|n is lt(3)|n is ge 7|n is le 6|1 is in xs|'q' is in(s)|n is not odd|'abc' is lower|'ABC' is upper|'aB' is lower|'1' is upper|nil is sameas none|yes is sameas true|s is defined and n is odd|n is number and not f is integer|range is callable|s is callable|xs is not string|(1, 2) is sequence|d.items() is sequence|xs|map('string') is iterable|n is divisibleby(7) and yes|s is in [s]|n is == 7|z is none or yes
s.upper()|s.lower()|t.strip()|t.lstrip()|t.rstrip()|'xyx'.strip('x')|'xyx'.lstrip('xy')|'\n\na\n'.strip('\n')|'ÀaÀ'.strip('À')|s.split(', ')|s.split()|'a b  c '.split()|' a b c '.split(none, 1)|'a,b,c'.split(',', 1)|'a,b,c'.rsplit(',', 1)|' a b c '.rsplit(none, 1)|'a,,b'.split(',')|''.split(',')|''.split()|'a\u2003b\x1cc'.split()|'aXXXb'.split('XX')|'aXXXb'.rsplit('XX')|lines.splitlines()|'a\r\nb\u2028c\x85d\n'.splitlines()|'a\nb'.splitlines(true)|s.startswith('Hell')|s.endswith('x')|s.startswith(('a', 'H'))|s.startswith('World', 7)|s.endswith('Hello', 0, 5)|'abc'.startswith('')|'abc'.startswith('', 4)|s.replace('o', '0')|s.replace('o', '0', 1)|'aaa'.replace('aa', 'b')|'ab'.replace('', '-', 2)|s.title()|u.title()|'ΑΣ'.capitalize()|'Σ'.title()|"they're bill's".title()|s.capitalize()|s.find('o')|s.find('o', 5)|s.rfind('o')|s.find('zz')|s.index('W')|uni.find('é')|u.find('É')|s.count('l')|s.count('')|'aaaa'.count('aa')|s.count('l', 0, 4)|', '.join(ws)|'-'.join('abc')|'{} {}'.format(1, 'b')|'{1}{0}{{}}'.format('a', 'b')|'{x}'.format(x=2)|'12'.isdigit()|'a1'.isalnum()|'ab'.isalpha()|' \t'.isspace()|''.isdigit()|'AB'.isupper()|'aB'.islower()|'abc'.removeprefix('a')|'abc'.removesuffix('x')|'5'.zfill(3)|'-5'.zfill(4)|'a'.ljust(3) ~ '|'|'a'.rjust(3, '*')|'a-b-c'.partition('-')|'a-b-c'.rpartition('-')|'abc'.partition('-')|'abc'.rpartition('-')|'é'.isascii()
d.items()|list|d.keys()|list|d.values()|list|d.get('b')|d.get('q')|d.get('q', 5)|'b' in d.keys()|1 in d.values()|d.items()|length|d.copy()|xs.index(2)|xs.count(1)|(1, 1).count(1)|d|items|list|d.items()|first|dict(a=1)|dict(d, z=2)|dict()|dict(a=1).a|range(5)|list|range(2, 5)|list|range(5, 0, -2)|list|range(0)|list|range(3)[1]|range(10)[2:4]|list|2 in range(3)|range(4)|length|range(3)|last|range(1, 4)|join|namespace(a=1).a|namespace().b|namespace(d).a
strftime_now('%d %b %Y')|strftime_now('%Y-%m-%d')|strftime_now('%A, %B %d')|strftime_now('%-d/%-m/%y %H:%M:%S %j %p %%')|strftime_now('')|strftime_now('%e|%I')
s|trim|upper|replace('H', 'J')|length|-1|abs|xs|first + 1|(xs|first) + 1|s|length > 5|not s|length > 5|s|lower == 'hello, world'|xs|length - 1|'a' ~ s|upper ~ 'b'|-xs[0]|-xs[0]|abs|xs|map('string')|join(',')|upper|n|string ~ 'x'|[n|string, s|upper]|{'k': s|upper}.k|s|upper is string|(s|upper)[0]|s.upper()[0:2]|s|upper|first|'a' in s|lower|n is odd ~ 'x'|xs|first|string in s|lower
""".strip("\n").split("\n")

STATEMENTS = [
    "{% if n > 3 %}a{% elif n > 1 %}b{% else %}c{% endif %}", "{% if undef %}a{% else %}b{% endif %}", "{% if n > 100 %}a{% elif n == 7 %}b{% endif %}", "{% if n: %}colon{% endif %}",
    "{% for x in xs %}{{ x }},{% endfor %}", "{% for x in [] %}a{% else %}none{% endfor %}", "{% for x in xs if x > 5 %}a{% else %}none{% endfor %}",
    "{% for x in xs %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }} {% endfor %}",
    "{% for x in xs %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}", "{% for x in xs %}{{ loop.nextitem is defined }}{{ loop.previtem is undefined }}{% endfor %}",
    "{% for x in xs if x != 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }}{{ loop.last }} {% endfor %}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in d %}{{ k }}{% endfor %}",
    "{% for a, b in [(1, 2), [3, 4]] %}{{ a }}-{{ b }} {% endfor %}", "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for a, b in ['xy', 'zw'] %}{{ b }}{{ a }}{% endfor %}",
    "{% for c in s %}{{ c }}.{% endfor %}", "{% for x in undef %}a{% else %}empty{% endfor %}", "{% for x in range(10) %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in range(6) %}{% if x is odd %}{% continue %}{% endif %}{{ x }}{% endfor %}", "{% for x in xs %}{% for y in ws %}{{ x }}{{ y }}{{ loop.index }}{% if loop.index == 2 %}{% break %}{% endif %}{% endfor %}|{{ loop.index }}{% endfor %}",
    "{% for x in xs %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for x in xs %}{% set y = x %}{% endfor %}{{ y is defined }}", "{% set y = 0 %}{% for x in xs %}{% set y = y + x %}{{ y }}{% endfor %}{{ y }}",
    "{% set ns = namespace(y=0) %}{% for x in xs %}{% set ns.y = ns.y + x %}{% endfor %}{{ ns.y }}", "{% set ns = namespace() %}{% set ns.a, b = 1, 2 %}{{ ns.a }}{{ b }}", "{% set a, b = xs[:2] %}{{ a }}{{ b }}", "{% set a = b = 1 %}",
    "{% set x = 1, 2 %}{{ x }}", "{% set x %}a{{ n }}b{% endset %}[{{ x }}]", "{% set x | upper | trim %} abc {% endset %}[{{ x }}]", "{% set x %}{% set inner = 1 %}{% endset %}{{ inner is defined }}", "{% if yes %}{% set x = 5 %}{% endif %}{{ x }}",
    "{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}|{{ m(1, 3) }}|{{ m(1, c=4) }}|{{ m(a=5) }}|{{ m() }}", "{% macro m(x) %}{{ x }}{% if x > 0 %}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "{% macro m() %}{{ later }}{% endmacro %}{% set later = 'L' %}{{ m() }}", "{% macro m() %} a {% endmacro %}[{{ m()|trim }}]{{ m() is string }}", "{% for x in xs %}{% macro q() %}{{ x }}{% endmacro %}{{ q() }}{% endfor %}", "{% macro m(a) %}{% set n = 1 %}{{ n }}{% endmacro %}{{ m(1) }}{{ n }}",
    "{% macro m() %}{% endmacro %}{{ m is callable }}{{ m is defined }}", "{% filter upper %}abc {{ n }}{% endfilter %}", "{% filter replace('a', 'b')|upper %}aab{% endfilter %}", "{% with x = 3, y = n %}{{ x }}{{ y }}{% endwith %}{{ x }}", "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}",
    "{% raw %}{{ x }} {% if %}{% endraw %}", "{%- raw -%} a {{ b }} {%- endraw -%} c", "a {%- raw %} b {% endraw -%} c", "  {% raw %}\n x {% endraw %}\ny", 
    "{% generation %}a{% set q = 1 %}{{ n }}{% endgeneration %}{{ q }}", "{% for x in xs|sort %}{{ x }}{% endfor %}", "{% for x in xs|reverse %}{{ x }}{% endfor %}", "{% for x in (1, 2) %}{{ x }}{% endfor %}", "{% for x in 1, 2, 3 %}{{ x }}{% endfor %}",
    "{% set g = xs|map('string') %}{{ g|list }}{{ g|list }}", "{% set g = xs|select('odd') %}{{ g|first }}{{ g|first }}{{ g|first is defined }}", "{% set g = ws|select('string') %}{{ 'A' in g }}{{ 'b' in g }}{{ g|list }}", "{% for x in xs|map('string') %}{{ loop.length }}{{ x }}{{ loop.last }}{% endfor %}",
    "{% set ns = namespace(seen=false) %}{% for x in xs if not ns.seen %}{{ x }}{% set ns.seen = true %}{% endfor %}", "{% set ns = namespace(seen=false) %}{% for x in xs if not ns.seen %}{{ x }}{{ loop.last }}{% set ns.seen = true %}{% endfor %}",
    "{% set loop = 5 %}{% for x in xs %}{{ loop.index }}{% endfor %}{{ loop }}", "{% for x in xs %}{% if loop.first %}{% set outer = loop %}{% endif %}{{ x }}{% endfor %}", "{{ '{{' }} {{ '%}' }} {{ \"}}\" }}", "{{ {'a': {'b': 1}}['a']['b'] }}", "{{ {} }}{{ {'a':{}} }}",
    "{# comment #}a{#- b -#} c", "a{# {{ x }} {% if %} #}b", "{#\n#}\nx", "{{ n }}{# c #}\n{{ n }}", "{{ 'a' | safe }}{{ s | upper | safe }}", "{{ n }}\n", "{{ n }}\n\n", "\n{{ n }}", "{% if yes %}\n\na\n{% endif %}\n\nb\n",
    "{% if yes -%}\n a \n{%- endif %} b", "{% if yes +%}\n a \n{%+ endif %} b", "  {% if yes %}\n  a\n  {% endif %}\n", "  {%+ if yes %}\n  a\n  {% endif +%}\nb", "x  {% if yes %} a {% endif %}  y", "\t{% set q = 1 %}\n\t{{ q }}\n", "a\n  {# c #}\n  b", "a\n  {#- c -#}\n  b", "a\n  {{- n }}\n  b", "a\n  {{ n -}}\n  b",
    "{{ n }}  {% if yes %}a{% endif %}", "{% if yes %}{% if yes %}\n  {% endif %}  {% endif %}x", "a\r\n{% if yes %}\r\nb\r\n{% endif %}\r\nc\r\n", "a\r{{ n }}\rb", "{% for x in xs %}\n  {{ x }}\n{% endfor %}\nend", "{%- for x in xs -%}\n  {{ x }}\n{%- endfor -%}\nend",
    "{% for x in xs %}{% if x == 1 %}\n  one\n{% else %}\n  other\n{% endif %}\n{% endfor %}", " {%- if yes %}a{% endif -%} \u00a0\u2003b", "{%if yes%}a{%endif%}", "{%-if yes-%}a{%-endif-%}", "{{n}}{{-n-}}{{ -n }}", "{{ 'multi\nline' }}", "{{ '\r\n' }}", "{{- '\n' -}}", "{{ n\n+\n1 }}",
    "{%\n if yes\n %}a{% endif\n%}", "{{ xs\n| join(',\n') }}", "{ { } } {x} %} #} }}", "{{ 1 }}}", "{% set x = {'a': '}}'} %}{{ x.a }}", "{{ '%}' }}{% if '%}' %}y{% endif %}", "text only", "", "\n", "\n\n", " ", "{{ '' }}", "{% set x = 'a\\\nb' %}{{ x }}",
    "{% if 'a' in 'abc' and 'd' not in 'abc' and not false %}ok{% endif %}", "{% set m = nested|selectattr('r', 'equalto', 'x')|list|last %}{{ m.k is defined }}", "{{ nested|map(attribute='r')|unique|sort|join(',') }}", "{% for m in nested[::-1] %}{{ m.r }}{{ loop.index0 }}{% endfor %}",
    "{% for m in nested[1:] %}{{ nested[loop.index0].r }}{{ m.r }}{% endfor %}", "{%- set content = '<think>a</think>\\n\\nb' -%}{{ content.split('</think>')[-1].lstrip('\\n') }}{{ content.split('<think>')[1].split('</think>')[0] }}", "{% if d.b is defined and d.b is not none and d.b != '' %}x{% endif %}",
    "{% set x = d.nope or 'fallback' %}{{ x }}", "{% set x = (d.nope | default({})).y %}{{ x is undefined }}", "{{ 'a' 'b' ~ 'c' }}", "{{ (1, 2)|join(',') }}{{ ((1))|string }}", "{% set x = [] %}{% set x = x + [1] %}{% set x = x + [2] %}{{ x }}", "{% set x = {} %}{% set x = dict(x, a=1) %}{{ x }}",
]

# What both refuse: an error or a security error of Jinja2 (or a value Python does not take).
REFUSALS = r"""
{{ undef + 1 }}|{{ undef.x }}|{{ undef[0] }}|{{ undef() }}|{{ d.nope.x }}|{{ 'a' + 1 }}|{{ 1 + 'a' }}|{{ 1 / 0 }}|{{ 1 % 0 }}|{{ 1 // 0 }}|{{ xs.append(4) }}|{{ d.update(a=1) }}|{{ d.pop('a') }}|{{ xs.pop() }}|{{ xs.sort() }}|{{ 'a' < 1 }}|{{ none < 1 }}|{{ [1] + (2,) }}|{{ -'a' }}|{{ 'x'.nope() }}
{{ raise_exception('no') }}|{% for x in 5 %}{% endfor %}|{% for a, b in [1] %}{% endfor %}|{% for a, b in [(1, 2, 3)] %}{% endfor %}|{{ n() }}|{{ s.__class__ }}x{{ s.__class__.x }}|{{ range(1000000) | list }}|{{ range(1, 2, 0) | list }}|{% set s.x = 1 %}|{{ 1 in 5 }}|{{ 1 in 'a' }}|{{ undef | tojson }}|{{ {[]: 1} }}
{{ xs | first(1) }}|{{ s | nofilter }}|{{ s is notest }}|{{ range }}{{ undef < 1 }}|{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}|{% macro m(a) %}{% endmacro %}{{ m(b=2) }}|{{ xs.index(9) }}|{{ s.index('zz') }}|{{ s.split('') }}|{{ ''.join([1]) }}|{{ 'a' * 'b' }}|{{ xs[::0] }}|{{ n[1:] }}|{{ nil[:2] }}|{{ d[:1] }}|{{ xs['a':] }}|{{ undef[1:] }}|{{ {}[[]] | x }}|{{ [[], 1] | sort }}|{{ n | length }}|{{ none | list }}|{{ n is odd(2) }}|{{ s is upper 1 }}
{% if %}{% endif %}|{% if yes %}|{% endif %}|{% for x %}{% endfor %}|{{ }}|{{ 1 + }}|{{ (1 }}|{{ 1) }}|{{ [1} }}|{{ 'a }}|{{ a b }}|{% foo %}|{% set 1 = 2 %}|{% set true = 2 %}|{{ 1 |}}|{% else %}|{% break %}|{# open|{% raw %}open|{{ x|}}|{{ .x }}|{{ x. }}|{% for x in xs %}{% endif %}{% endfor %}|{% macro m(a=1, b) %}{% endmacro %}|{{ f(a=1, 2) }}|{% set x %}|{{ a is }}|{{ a if }}|{{ 1 2 }}|{{ $ }}|{{ a ! b }}|{{ a = 1 }}|{{ x is odd is even }}|{{ [1 2] }}|{{ {1 2} }}|{{ {'a' 1} }}|{% if x = 1 %}{% endif %}|{{ a.'b' }}|{{|{%|{% if|{{ x
""".strip("\n").split("\n")


# What makes a part behind | a filter and no expression of its own.
FILTERS = {"trim", "upper", "lower", "title", "capitalize", "length", "count", "first", "last", "join", "sort", "dictsort", "unique", "reverse", "min", "max", "sum", "select", "reject", "selectattr", "rejectattr",
           "map", "replace", "string", "int", "float", "abs", "round", "indent", "tojson", "default", "d", "items", "list", "wordcount", "batch"}


def expressions():
    for line in EXPRESSIONS:
        current = None
        depth, quote, part, parts = 0, None, "", []
        at = 0
        while at < len(line):
            c = line[at]
            if quote:
                part += c
                if c == "\\":
                    part += line[at + 1]
                    at += 1
                elif c == quote:
                    quote = None
            elif c in "'\"":
                quote = c
                part += c
            elif c in "([{":
                depth += 1
                part += c
            elif c in ")]}":
                depth -= 1
                part += c
            elif c == "|" and depth == 0:
                parts.append(part)
                part = ""
            else:
                part += c
            at += 1
        parts.append(part)
        for part in parts:
            word = part.split("(")[0].split(" ")[0].split("[")[0]
            # `d` and `t` alone are variables; a filter has to be followed by its end, arguments or an operator
            if current is not None and word in FILTERS and not (part == "d" or part.startswith(("d ", "d["))):
                current += "|" + part
            else:
                if current is not None:
                    yield current
                current = part
        yield current


def render(template):
    rendered, _ = render_jinja_template([[{"role": "user", "content": "x"}]], chat_template=template, **CONTEXT)
    return rendered[0]


def language_cases():
    cases, seen = [], set()
    for template in [f"{{{{ {expression} }}}}" for expression in expressions()] + STATEMENTS:
        if template in seen:
            continue
        seen.add(template)
        try:
            text = render(template)
        except Exception as error:
            print("refused:", template, "|", type(error).__name__, error)
            text = None
        cases.append({"template": template, "text": text})
    for template in itertools.chain.from_iterable(("{" + part for part in line[1:].split("|{")) for line in REFUSALS):
        try:
            print("NOT refused:", template, repr(render(template)))
        except Exception:
            cases.append({"template": template, "text": None})
    return cases


def write(name, data):
    path = HERE / name
    lines = ",\n".join(f"{json.dumps(key)}: [\n" + ",\n".join(json.dumps(item, ensure_ascii=True, separators=(",", ":")) for item in value) + "\n]" if isinstance(value, list)
                       else f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=True)}" for key, value in data.items())
    path.write_text("{\n" + lines + "\n}\n", encoding="ascii")
    print(name, path.stat().st_size, "bytes")


def main():
    templates = template_cases()
    language = language_cases()
    for case in templates:
        assert case["text"] is None or isinstance(case["text"], str)
    write("templates.json", {"date": TODAY.strftime("%Y-%m-%d"), "tokens": TOKENS, "templates": [{"name": name, "tokens": tokens, "template": text} for name, (tokens, text) in TEMPLATES.items()],
                             "conversations": CONVERSATIONS, "cases": templates})
    write("language.json", {"date": TODAY.strftime("%Y-%m-%d"), "context": CONTEXT, "cases": language})
    print(len(templates), "chats,", sum(c["text"] is None for c in templates), "refused;", len(language), "pieces of language,", sum(c["text"] is None for c in language), "refused")


if __name__ == "__main__":
    main()
