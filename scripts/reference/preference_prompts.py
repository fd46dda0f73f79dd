# Makes: Tests/Fixtures/Datasets/preference_prompts.json: the prompts and answers that TRL finds in preference rows whose
#        prompt is implicit.
# With:  requirements.txt of this folder (trl 0.24.0).
# Run:   python scripts/reference/preference_prompts.py
import json
import pathlib

from trl import extract_prompt

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent.parent / "Tests" / "Fixtures" / "Datasets" / "preference_prompts.json"


def say(role, content):
    return {"role": role, "content": content}


def rows():
    u, a, s = (lambda x: say("user", x)), (lambda x: say("assistant", x)), say("system", "Be brief.")
    call = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}],
    }
    result = say("tool", "7")
    yield [u("q"), a("good")], [u("q"), a("bad")]
    yield [s, u("q"), a("good")], [s, u("q"), a("bad")]
    yield [u("p"), a("o"), u("q"), a("good")], [u("p"), a("o"), u("q"), a("bad")]
    # Answers of several messages.
    yield [u("q"), a("good"), u("r"), a("fine")], [u("q"), a("bad"), u("r"), a("poor")]
    yield [u("q"), call, result, a("good")], [u("q"), a("bad")]
    yield [u("q"), call, result, a("good")], [u("q"), call, result, a("bad")]
    # Only the second answer differs: the first is part of the prompt.
    yield [u("q"), a("same"), u("r"), a("good")], [u("q"), a("same"), u("r"), a("bad")]


if __name__ == "__main__":
    fixtures = []
    for chosen, rejected in rows():
        row = {"chosen": chosen, "rejected": rejected}
        fixtures.append({"row": row, "expected": extract_prompt(row)})
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(fixtures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(fixtures)} rows")
