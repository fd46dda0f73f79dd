# Compares: what `anneal render --json` makes of conversations by many chat templates with what transformers' own code
#           makes of them: texts equal to the character, and where one refuses the other has to. Nothing is written;
#           a table and the differences are printed, and the exit code is 1 when there are any.
# Makes:    Tests/Fixtures/ChatTemplates/corpus.json: the same conversations by a few small templates written for it, with
#           the texts of transformers, or null where it refuses.
# With:     requirements.txt of this folder, and templates: folders that are searched for *.jinja. Good ones are
#           vendor/llama.cpp/models/templates of llama-cpp-python's source distribution, and the wheels of trl and
#           axolotl.
# Run:      python scripts/reference/template_corpus.py ANNEAL TOKENIZER FOLDER...
#           python scripts/reference/template_corpus.py fixture
import datetime
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from transformers import AutoTokenizer
from transformers.utils.chat_template_utils import _compile_jinja_template

# The day that `anneal` renders for.
DAY = datetime.datetime(2024, 7, 26)
THOUGHTS = ["reasoning_content", "thinking", "reasoning"]

TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "The weather <now> & \"here\" – überall",
        "parameters": {"type": "object", "properties": {
            "city": {"type": "string", "description": "a city's name"},
            "days": {"type": "integer", "description": "how many", "enum": [1, 2]}}, "required": ["city"]}}},
    {"type": "function", "function": {
        "name": "compare", "description": "Whether a < b", "parameters": {"type": "object", "properties": {}}}},
]


def user(text="How warm is it in Köln?", **more):
    return {"role": "user", "content": text, **more}


def assistant(text="It is 21.5°.", **more):
    return {"role": "assistant", "content": text, **more}


def call(content="", arguments={"city": "Köln", "days": 2}, name="get_weather", identifier="a1B2c3D4e", **more):
    calls = [{"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}]
    return assistant(content, tool_calls=calls, **more)


def tool(text='{"t": 21.5}', **more):
    return {"role": "tool", "content": text, **more}


def part(*texts):
    return [{"type": "text", "text": text} for text in texts]


def conversations():
    """50 conversations, each with the tools that it has."""
    system = {"role": "system", "content": "You are <brief> & kind."}
    two = call(identifier="a1B2c3D4e")
    two["tool_calls"].append({"id": "f5G6h7I8j", "type": "function",
                              "function": {"name": "compare", "arguments": {}}})
    result = tool(tool_call_id="a1B2c3D4e", name="get_weather")
    again = [user("And tomorrow?"), assistant("Rain.")]
    inner = "<think>\nhm < so\n</think>\n\nYes."
    plain = [
        [user(), assistant()], [system, user(), assistant()], [user(), assistant()] + again,
        [system, user(), assistant()] + again, [system, user(), assistant()] + again + [user("x"), assistant("y")],
        [user("  spaces  "), assistant("  inside  ")], [user("\n\nlines\n"), assistant("a\n\nb\n")],
        [user(""), assistant("Hello")], [user("don't \"quote\" <b>&amp;"), assistant("back\\slash {{ x }} {% y %}")],
        [user("日本語 👩‍👩‍👧"), assistant("e\u0301 \u00e9 \u200b")], [dict(system, content=""), user(), assistant()],
        [{"role": "developer", "content": "Be brief."}, user(), assistant()],
        [user(), user("Twice"), assistant()], [user(), assistant(), assistant("More.")],
        [assistant("I begin."), user(), assistant()], [user(), assistant(), system, user(), assistant()],
        [user("a" * 300), assistant("word " * 40)], [user("1e-5"), assistant("```python\nx = {}\n```")],
    ]
    thoughts = [
        [user(), assistant(inner)], [user(), assistant(inner)] + again, [user(), assistant(inner), user("R"), assistant(inner)],
        [user(), assistant(reasoning_content="Let me see < it")],
        [user(), assistant(reasoning_content="\nLet me see\n")] + again,
        [user(), assistant(reasoning_content="One."), user("R"), assistant("B", reasoning_content="Two.")],
        [user(), assistant(thinking="Aha.")], [user(), assistant(reasoning="Aha.")],
        [user(), assistant(reasoning_content="")], [user(), assistant("</think>only the end")],
        [system, user(), assistant(None, reasoning_content="Only thought.")],
    ]
    named = [
        [user(name="ann"), assistant(name="bot")], [dict(system, name="boss"), user(name="ann"), assistant()] + again,
        [user(part("part one ", "two")), assistant()], [user(part("q")), assistant(part("a ", "b"))],
        [dict(system, content=part("sys")), user(), assistant()],
        [user(part("q")), assistant(part("a"))] + again,
    ]
    tools = [
        [user(), assistant()], [system, user(), assistant()] + again, [user(), call(), result, assistant()],
        [user(), call(None), result, assistant()], [system, user(), call(), result, assistant()] + again,
        [user(), call("Let me look."), result, assistant()], [user(), two, result, tool("false", tool_call_id="f5G6h7I8j", name="compare"), assistant()],
        [user(), call(reasoning_content="I need the tool."), result, assistant(reasoning_content="Now I know.")],
        [user(), call(), result, assistant(), user("Again"), call(), result, assistant("Still.")],
        [user(), call(arguments={"city": "a \"b\" <c>", "deep": {"x": [1, 2.5, None, True]}}), result, assistant()],
        [user(), call(arguments={}, name="compare"), result, assistant()],
        [user(), call(), tool(part("it is 21"), tool_call_id="a1B2c3D4e", name="get_weather"), assistant()],
        [user(), call()], [user(), call(), result, call(), result, assistant()],
        [user(), call("<think>\nhm\n</think>\n\n"), result, assistant(inner)],
    ]
    rows = [{"messages": messages} for messages in plain + thoughts + named]
    return rows + [{"messages": messages, "tools": TOOLS} for messages in tools]


# Small templates, each for a kind of thing that real ones do.
SMALL = {
    "thoughts": r"""{% set last = messages|length - 1 %}{% for m in messages %}{% set c = m.content if m.content is string else "" %}
{% if m.role == "assistant" %}{% set thought = m.reasoning_content if m.reasoning_content is string else "" %}
{% if "</think>" in c %}{% set thought = c.split("</think>")[0].split("<think>")[-1].strip() %}{% set c = c.split("</think>")[-1].lstrip("\n") %}{% endif %}
<|assistant|>{% if loop.index0 == last and thought %}<think>{{ thought|trim }}</think>{% else %}</think>{% endif %}{{ c }}{{ m.tool_calls|tojson if m.tool_calls }}<|end|>
{% else %}<|{{ m.role }}|>{{ c }}<|end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|><think>{% endif %}""",
    "calls": r"""{% if tools %}<tools>{% for t in tools %}{{ t.function|tojson(indent=1) }}
{% endfor %}</tools>{% endif %}{% for m in messages %}<|{{ m.role }}{{ ":" ~ m.name if m.name and m.role != "assistant" }}|>{% if m.content is not none %}{{ m.content }}{% endif %}
{% for call in m.tool_calls or [] %}<call id={{ call.id }}>{{ call.function.name }}({% for key, value in call.function.arguments|items %}{{ key }}={{ value|tojson }}{{ ", " if not loop.last }}{% endfor %})</call>
{% endfor %}{% if m.role == "tool" %}#{{ m.tool_call_id }}{% endif %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}""",
    "parts": r"""{{ bos_token }}{% for m in messages %}{{ "[" + m.role|upper + "]" }}{% if m.content is string %}{{ m.content }}{% elif m.content is iterable and m.content is not undefined %}{% for part in m.content %}{{ part.text|title if part.type == "text" else raise_exception("only text") }}{% endfor %}{% else %}{{ m.content }}{% endif %}{{ m.tool_calls|tojson if m.tool_calls }}
{{ eos_token if m.role == "assistant" }}{% endfor %}{% if add_generation_prompt %}[ASSISTANT]{% endif %}""",
    "strict": r"""{% set system = messages[0].content if messages[0].role == "system" else "" %}{% set rest = messages[1:] if system else messages %}
{% for m in rest %}{% if (m.role == "user") != (loop.index0 % 2 == 0) %}{{ raise_exception("roles have to alternate") }}{% endif %}
{% if m.role == "user" %}[INST] {% if loop.index0 >= rest|length - 2 and system %}{{ system + "\n\n" }}{% endif %}{{ m.content }}[/INST]{% else %} {{ m.content|trim }}{{ m.tool_calls|tojson if m.tool_calls }}</s>{% endif %}{% endfor %}""",
    "markup": r"""{% for t in tools or [] %}{{ "Use '"|safe + t.function.name + "' to "|safe + t.function.description + "\n" }}{% endfor %}
{% for m in messages %}<{{ m.role }}>{{ (m.content or "")|e if m.role == "tool" else m.content }}</{{ m.role }}>{% for call in m.tool_calls or [] %}{{ call|tojson|safe + "<" }}{% endfor %}{% endfor %}""",
}


def fixture():
    rows = conversations()
    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    made = {"tokens": tokens, "rows": rows, "templates": [
        {"name": name, "source": source, "texts": [reference(source, row, tokens)[0] for row in rows]}
        for name, source in SMALL.items()]}
    out = Path(__file__).resolve().parents[2] / "Tests/Fixtures/ChatTemplates/corpus.json"
    out.write_text(json.dumps(made, ensure_ascii=True, separators=(",", ":")) + "\n")
    print(out.name, out.stat().st_size)
    for template in made["templates"]:
        print(template["name"], sum(text is None for text in template["texts"]), "refused")


def given(compiled, messages, tokens):
    """The messages as `anneal` gives them to a template: a thought under both of its names, and contents in parts as one
    text for a template that does not take parts."""
    def rendered(content):
        try:
            return compiled.render(messages=[{"role": "user", "content": content}], tools=None, documents=None,
                                   add_generation_prompt=False, **tokens)
        except Exception:
            return None

    parts, text = rendered([{"type": "text", "text": "word"}]), rendered("word")
    takes_parts = parts is not None and (parts == text if text is not None else "word" in parts and "'type'" not in parts)
    result = []
    for message in messages:
        message = dict(message)
        thought = next((message[name] for name in THOUGHTS if message.get(name) is not None), None)
        if thought is not None:
            message.update(reasoning_content=thought, thinking=message.get("thinking", thought))
        if isinstance(message["content"], list) and not takes_parts:
            message["content"] = "".join(part["text"] for part in message["content"])
        result.append(message)
    return result


def reference(source, row, tokens):
    """The text of transformers, or what it raises."""
    try:
        compiled = _compile_jinja_template(source)
        compiled.globals["strftime_now"] = lambda form: DAY.strftime(form)
        return compiled.render(messages=given(compiled, row["messages"], tokens), tools=row.get("tools"), documents=None,
                               add_generation_prompt=False, **tokens), None
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


def ours(anneal, tokenizer, template, rows):
    """The texts by row, and what was said about the others."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "rows.jsonl"
        data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        done = subprocess.run([anneal, "render", "--tokenizer", tokenizer, "--template", template, "--dataset", data,
                               "--json"], capture_output=True, text=True)
    texts = {}
    for line in done.stdout.splitlines():
        found = json.loads(line)
        texts[found["row"]] = found["text"]
    return texts, done.stderr


def first_difference(a, b):
    place = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return f"transformers {a[max(0, place - 40):place + 60]!r}\n           anneal {b[max(0, place - 40):place + 60]!r}"


def main(anneal, tokenizer, *folders):
    tokens = AutoTokenizer.from_pretrained(tokenizer).special_tokens_map
    tokens = {key: value for key, value in tokens.items() if isinstance(value, str)}
    rows = conversations()
    templates = sorted({path.read_text(): path for folder in folders for path in Path(folder).rglob("*.jinja")}.items(),
                       key=lambda item: item[1].name)
    print(f"{len(templates)} templates, {len(rows)} conversations")
    total = Counter()
    for source, path in templates:
        texts, said = ours(anneal, tokenizer, str(path), rows)
        counts = Counter()
        details = []
        for number, row in enumerate(rows, 1):
            text, error = reference(source, row, tokens)
            found = texts.get(number)
            if text is None and found is None:
                kind = "both refuse"
            elif text is None:
                kind = "only transformers refuses"
                details.append(f"  row {number}: {error}")
            elif found is None:
                kind = "only anneal refuses"
                details.append(f"  row {number}: refused")
            elif text == found:
                kind = "equal"
            else:
                kind = "different"
                details.append(f"  row {number}: {first_difference(text, found)}")
            counts[kind] += 1
        total += counts
        print(f"{path.name}: " + ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
        print("\n".join(details[:6]), end="\n" if details else "")
        if counts["only anneal refuses"]:
            print("  " + said.strip().replace("\n", "\n  "))
    print("total: " + ", ".join(f"{count} {kind}" for kind, count in sorted(total.items())))
    wrong = sum(total[kind] for kind in ["different", "only anneal refuses", "only transformers refuses"])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(fixture() if sys.argv[1:] == ["fixture"] else main(*sys.argv[1:]))
