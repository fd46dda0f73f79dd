# Makes: Tests/Fixtures/ChatTemplates/{conversations,smollm2,families,snippets,labels}.json: conversations of short nasty
#        texts, their renderings by transformers' own chat template code, the results of small Jinja sources, and what
#        LLaMA-Factory trains of the conversations with its template `smollm2`.
#        The templates/*.jinja beside them: smollm2 is `tokenizer.chat_template` of SmolLM2-135M-Instruct.Q4_1.gguf,
#        qwen3 the one of Qwen3's tokenizer_config.json, the others are written in the shape of their families.
# With:  requirements.txt of this folder (transformers 5.6.2, jinja2 3.1.6, gguf 0.19.0); `labels` needs llamafactory
#        0.9.5 (transformers 5.6.0).
# Run:   python scripts/reference/chat_templates.py                       # everything but labels.json
#        python scripts/reference/chat_templates.py tokenizer GGUF FOLDER # the corrected SmolLM2 tokenizer
#        python scripts/reference/chat_templates.py labels FOLDER         # labels.json, with llamafactory
import datetime
import json
import random
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parents[2] / "Tests/Fixtures/ChatTemplates"

# Without U+001D: SmolLM2 has no token for that byte, so LLaMA-Factory's labels would show its unknown token.
TEXTS = [
    "Hi", "", " ", "\n", "  leading and trailing  ", "\n\nlines around\n\n", "tab\there\t", "a\r\nb\rc", "What is 2 + 2?",
    "{{ messages }}", "{% for x in y %}{{ x }}{% endfor %}", "{# comment #}", "{%- raw -%}{{ no }}{%- endraw -%}", "}} %} #}",
    "<|im_end|>", "<|im_start|>assistant\nfake<|im_end|>\n", "<|im_start|>", "</s><s>", "<think>\nhm\n</think>\n\nYes",
    "<think>\n\n</think>\n\nNo", "</think>only the end", "<tool_response>\n42\n</tool_response>", "don't \"quote\" me",
    "back\\slash \\n \\u0041", "emoji 👩‍👩‍👧‍👦 🇩🇪 👍🏽", "combining e\u0301 and \u00e9", "한국어 조합 \u1112\u1161\u11ab", "日本語のテキスト、です。",
    "العربية من اليمين", "עִבְרִית", "हिन्दी क्षत्रिय", "ไทยไม่มีวรรค", "Ελληνικά ΟΔΟΣ", "ǅ ß ŉ ﬁ İ ı", "zero\u200bwidth\ufeffbom",
    "nbsp\u00a0here\u2003em\u3000wide", "\u2028line\u2029para\u0085nel", "\x1c\x1e\x1f", "\x00nul", "\x7fdel\x1b[0m", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈",
    "a" * 300, "word " * 40, "1234567890 3.14159 1e-5", "- item\n- item\n  - nested\n", "```python\ndef f():\n    return {}\n```",
    "<html>&amp;<b>'x'</b>", "[INST] x [/INST]", "user", "assistant", "System: obey", "\\", "'", "\"", "'\"'", "%s %d %(x)s", "{} {0}",
    "line one\nline two\nline three", "trailing newline\n", "\ttabbed\n\tlines", "…—‘’“”", "ends with space ",
]
SYSTEMS = ["You are helpful.", "", " ", "Multi\nline\nsystem\n", "{{ system }}", "Ünïcödé 👍"]
TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "The weather <now> & \"here\" – überall",
        "parameters": {"type": "object", "properties": {
            "city": {"type": "string", "description": "it's a city"}, "days": {"type": "integer", "default": 1},
            "scale": {"type": "number", "minimum": 1e-07, "maximum": 1e22, "default": 0.1}},
            "required": ["city"], "additionalProperties": False}}},
    {"type": "function", "function": {"name": "noop", "description": "", "parameters": {}, "return": None}},
]
CALL = {"role": "assistant", "content": "", "tool_calls": [
    {"id": "call_0001", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Köln", "days": 2}}}]}


def conversations():
    """200 conversations of 1 to 4 turns; every text stands at least once as question and as answer."""
    draw = random.Random(20240607)
    result = []
    for i in range(200):
        messages = []
        if i % 3 == 1:
            messages.append({"role": "system", "content": SYSTEMS[(i // 3) % len(SYSTEMS)]})
        turns = 1 + (i % 4 if i >= len(TEXTS) else 0)
        for t in range(turns):
            question = TEXTS[i % len(TEXTS)] if t == 0 else draw.choice(TEXTS)
            answer = TEXTS[(i * 7 + 3) % len(TEXTS)] if t == 0 else draw.choice(TEXTS)
            messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        result.append(messages)
    return result


def special():
    """Conversations with tools, parts, thoughts and shapes that some templates refuse."""
    user = {"role": "user", "content": "Weather in Köln?"}
    tool = {"role": "tool", "content": "{\"t\": 21.5}", "tool_call_id": "call_0001"}
    last = {"role": "assistant", "content": "It is 21.5°."}
    empty = dict(CALL, content=None)
    more = [{"role": "user", "content": "And tomorrow?"}, {"role": "assistant", "content": "Rain."}]
    parts = {"role": "user", "content": [{"type": "text", "text": " part one "}, {"type": "text", "text": "two"}]}
    thought = {"role": "assistant", "content": "Done.", "reasoning_content": "\nLet me see\n"}
    return [
        [user, CALL, tool, last], [user, CALL, tool, last] + more, [user, empty, tool, last],
        [user, CALL, tool, dict(tool, content="second"), last], [parts, last], [parts, last] + more,
        [user, thought], [user, thought] + more, [user, thought, {"role": "user", "content": "Again"}, thought],
        [last], [last, user, last], [user, user, last], [user, last, last], [user],
        [{"role": "system", "content": "Only a system"}], [user, last, {"role": "system", "content": "late"}, user, last],
    ]


def environment():
    """What transformers compiles a template in; frozen date, so that `strftime_now` gives one text."""
    from transformers.utils import chat_template_utils as utils

    class Frozen(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2024, 7, 6, 5, 4, 3)

    utils.datetime = Frozen
    return utils


def outcome(utils, source, **variables):
    try:
        return {"text": utils._compile_jinja_template(source).render(**variables)}
    except Exception as error:  # noqa: BLE001 - the class is the result
        return {"error": type(error).__name__}


def families(utils, chats):
    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    result = []
    for path in sorted((OUT / "templates").glob("*.jinja")):
        source = path.read_bytes().decode()
        for number, messages in enumerate(special() + chats[:200:9]):
            for prompt in (False, True):
                for tools in ([None, TOOLS] if number < 6 else [None]):
                    variables = dict(messages=messages, tools=tools, documents=None, add_generation_prompt=prompt)
                    extra = {"enable_thinking": False} if path.stem == "qwen3" and number % 2 else {}
                    result.append({
                        "template": path.stem, "messages": messages, "tools": tools is not None, "prompt": prompt,
                        "variables": extra, **outcome(utils, source, **variables, **tokens, **extra)})
    return {"tools": TOOLS, "tokens": tokens, "cases": result}


CONTEXT = {
    "i": 7, "f": 2.5, "neg": -3, "big": 12345678901234567890, "s": "Hello World", "u": "Straße ΟΔΟΣ éà", "e": "", "n": None, "t": True,
    "l": [3, 1, 2], "d": {"b": 1, "a": [1, 2.0, None], "items": "mine"}, "ll": [[1, 2], [3, 4]], "w": "  pad\t\n", "q": "it's \"q\"",
    "people": [{"name": "Bo", "age": 3}, {"name": "al", "age": 5, "x": {"y": 1}}, {"name": "Cy", "age": 3}],
    "lines": "one\ntwo\r\n\nthree\n", "esc": "<a href='x'>&\"</a>", "fl": [1.0, 1e16, 1e-5, 123456789.123, 1e22, 0.1],
}


def main():
    utils = environment()
    chats = conversations()
    write("conversations.json", chats)
    source = (OUT / "templates/smollm2.jinja").read_bytes().decode()
    write("smollm2.json", [
        utils.render_jinja_template([chat], chat_template=source, add_generation_prompt=bool(i % 2))[0][0]
        for i, chat in enumerate(chats)])
    write("families.json", families(utils, chats))
    sources = [s for s in (Path(__file__).parent / "chat_template_snippets.txt").read_text().split("\n----\n") if s]
    write("snippets.json", {
        "context": CONTEXT, "cases": [{"source": s, **outcome(utils, s, **CONTEXT)} for s in sources]})


def tokenizer(gguf_file, folder):
    """SmolLM2's tokenizer as its GGUF means it: transformers' conversion loses the split into digits and the eos."""
    from tokenizers import pre_tokenizers
    from transformers import AutoTokenizer
    path = Path(gguf_file)
    tokens = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    backend = tokens.backend_tokenizer
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    for name, number in [("bos", 1), ("eos", 2), ("pad", 2), ("unk", 0)]:
        setattr(tokens, name + "_token", tokens.convert_ids_to_tokens(number))
    tokens.save_pretrained(folder)


def labels(folder):
    """What LLaMA-Factory trains of each turn, as text."""
    from llamafactory.data.template import get_template_and_fix_tokenizer
    from llamafactory.hparams import DataArguments
    from transformers import AutoTokenizer
    tokens = AutoTokenizer.from_pretrained(folder)
    template = get_template_and_fix_tokenizer(tokens, DataArguments(template="smollm2"))
    result = []
    for number, chat in enumerate(conversations()[::3] + conversations()[1::20]):
        system = chat[0]["content"] if chat[0]["role"] == "system" else None
        messages = chat[1:] if system is not None else chat
        pairs = template.encode_multiturn(tokens, messages, system, None)
        read = lambda ids: tokens.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        result.append({"messages": chat, "prompts": [read(a) for a, _ in pairs], "trained": [read(b) for _, b in pairs]})
    write("labels.json", result)


def write(name, value):
    (OUT / name).write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")
    print(name, (OUT / name).stat().st_size)


if __name__ == "__main__":
    commands = {"tokenizer": tokenizer, "labels": labels}
    commands[sys.argv[1]](*sys.argv[2:]) if len(sys.argv) > 1 else main()
