# Talks to `anneal lsp` as an editor does, by the protocol's own types: a check from outside that Tests/LanguageServerTests
# and Tests/CommandTests/LanguageServerCommandTests stand on. It writes no fixture.
# Pinned: pytest==9.2.0, pytest-lsp==1.0.1, lsprotocol==2025.0.0, pytest-asyncio==1.5.0.
# Run: ANNEAL=.build/release/anneal pytest -q scripts/reference/lsp_client.py
import os
import pathlib

import pytest
import pytest_lsp
from lsprotocol import types as t
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

pytestmark = pytest.mark.asyncio

TEXT = """pipeline: tune
params: {rate: 1e-4}
nodes:
  rows: {type: load_dataset, from: rows.jsonl}
  tokenizer: {type: load_tokenizer, from: tiny}
  chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
  tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, validation: 0.1}
  base: {type: load_model, from: tiny}
  sft:
    type: train
    model: base
    data: tokens.train
    learning_rate: "${rate}"
    epohs: 3
outputs: [sft]
"""
URI = pathlib.Path(os.getcwd(), "pipeline.yaml").as_uri()


@pytest_lsp.fixture(config=ClientServerConfig(server_command=[os.environ.get("ANNEAL", "anneal"), "lsp"]))
async def client(lsp_client: LanguageClient):
    await lsp_client.initialize_session(
        t.InitializeParams(capabilities=client_capabilities("visual-studio-code"), root_uri=pathlib.Path.cwd().as_uri())
    )
    yield
    await lsp_client.shutdown_session()


def at(text, after, skip=0):
    """The position behind a piece of the text."""
    end = text.index(after) + len(after) + skip
    return t.Position(line=text[:end].count("\n"), character=end - (text[:end].rfind("\n") + 1))


async def opened(client, text=TEXT):
    client.text_document_did_open(
        t.DidOpenTextDocumentParams(t.TextDocumentItem(uri=URI, language_id="yaml", version=1, text=text))
    )
    await client.wait_for_notification("textDocument/publishDiagnostics")
    return client.diagnostics[URI]


async def completions(client, text, after):
    await opened(client, text)
    found = await client.text_document_completion_async(
        t.CompletionParams(t.TextDocumentIdentifier(URI), at(text, after))
    )
    return [item.label for item in found]


async def test_diagnostics(client):
    found = await opened(client)
    assert any(d.message.startswith("Unknown field `epohs`") and "`epochs`" in d.message for d in found), found
    wrong = next(d for d in found if "epohs" in d.message)
    assert (wrong.range.start.line, wrong.range.start.character, wrong.range.end.character) == (13, 4, 9)
    assert wrong.severity == t.DiagnosticSeverity.Error
    fixed = TEXT.replace("epohs", "epochs")
    client.text_document_did_change(
        t.DidChangeTextDocumentParams(
            t.VersionedTextDocumentIdentifier(uri=URI, version=2),
            [t.TextDocumentContentChangeWholeDocument(text=fixed)],
        )
    )
    await client.wait_for_notification("textDocument/publishDiagnostics")
    assert not any("epohs" in d.message for d in client.diagnostics[URI])


async def test_completion(client):
    assert "train" in await completions(client, TEXT.replace("outputs", "  more: {type: }\noutputs"), "more: {type: ")
    keys = await completions(client, TEXT.replace("    epohs: 3\n", "    ep"), "\n    ep")
    assert "epochs" in keys and "learning_rate" not in keys and "type" not in keys
    data = await completions(client, TEXT.replace("data: tokens.train", "data: "), "    data: ")
    assert "tokens.train" in data and "rows" not in data and "base" not in data
    assert "base" in await completions(client, TEXT.replace("model: base", "model: "), "    model: ")
    assert await completions(client, TEXT.replace("${rate}", "${"), "${") == ["rate"]
    kinds = await completions(client, TEXT.replace("    epohs: 3", "    schedule: {type: }"), "schedule: {type: ")
    assert "cosine" in kinds
    stages = await completions(client, TEXT.replace("    epohs: 3", "    stage: "), "    stage: ")
    assert "dpo" in stages
    assert "matrix" in await completions(client, TEXT + "m", "outputs: [sft]\nm")


async def test_hover_definition_references(client):
    await opened(client)
    document = t.TextDocumentIdentifier(URI)
    hover = await client.text_document_hover_async(t.HoverParams(document, at(TEXT, "learning_r")))
    assert "learning_rate" in hover.contents.value and "unless given" in hover.contents.value
    node = await client.text_document_hover_async(t.HoverParams(document, at(TEXT, "data: tok")))
    assert "tokens.validation" in node.contents.value
    place = await client.text_document_definition_async(t.DefinitionParams(document, at(TEXT, "data: tok")))
    assert place.range.start == t.Position(6, 2)
    param = await client.text_document_definition_async(t.DefinitionParams(document, at(TEXT, "${ra")))
    assert param.range.start == t.Position(1, 9)
    uses = await client.text_document_references_async(
        t.ReferenceParams(t.ReferenceContext(True), document, at(TEXT, "  tokenize"))
    )
    assert len(uses) == 3
    outline = await client.text_document_document_symbol_async(t.DocumentSymbolParams(document))
    assert [symbol.name for symbol in outline] == ["rows", "tokenizer", "chat", "tokens", "base", "sft"]


async def test_rename(client):
    await opened(client)
    edit = await client.text_document_rename_async(
        t.RenameParams(t.TextDocumentIdentifier(URI), at(TEXT, "data: tok"), "shards")
    )
    lines = TEXT.split("\n")
    for change in sorted(edit.changes[URI], key=lambda c: (c.range.start.line, c.range.start.character), reverse=True):
        row = lines[change.range.start.line]
        lines[change.range.start.line] = (
            row[: change.range.start.character] + change.new_text + row[change.range.end.character :]
        )
    text = "\n".join(lines)
    assert "  shards: {type: tokenize" in text and "data: shards.train" in text and "tokens" not in text


GROUPED = """pipeline: grouped
groups:
  data:
    params: {file: null, length: 256}
    nodes:
      rows: {type: load_dataset, from: "${file}"}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
nodes:
  tokenizer: {type: load_tokenizer, from: tiny}
  chats: {group: data, file: rows.jsonl}
  tokens: {type: tokenize, conversations: chats, tokenizer: tokenizer}
  made:
    type: exec
    command: [cat, "{inputs.first}"]
    inputs: {first: tokens.train, second: tokenizer}
    outputs: {rows: files, quality: metrics}
  again: {type: load_dataset, files: made.rows}
"""


async def test_groups_and_named_inputs(client):
    found = await opened(client, GROUPED.replace("{group: data, file: rows.jsonl}", "{group: dta, file: rows.jsonl}"))
    wrong = next(d for d in found if "dta" in d.message)
    assert wrong.message == "Unknown group `dta`\ntry: `data`"
    assert (wrong.range.start.line, wrong.range.start.character) == (9, 17)
    assert await completions(client, GROUPED.replace("group: data, file", "group: , file"), "{group: ") == ["data"]
    given = await completions(client, GROUPED.replace("file: rows.jsonl}", "file: rows.jsonl, }"), "rows.jsonl, ")
    assert given == ["length"]
    inner = await completions(client, GROUPED.replace("dataset: rows", "dataset: "), "dataset: ")
    assert "rows" in inner and "tokenizer" not in inner
    named = await completions(client, GROUPED.replace("first: tokens.train", "first: "), "{first: ")
    assert "tokens.train" in named and "made.quality" in named
    files = await completions(client, GROUPED.replace("files: made.rows", "files: "), "files: ")
    assert "made" in files and "made.quality" not in files
    kinds = await completions(client, GROUPED.replace("    command", "    co"), "\n    co")
    assert "cores" in kinds and "inputs" not in kinds
    await opened(client, GROUPED)
    edit = await client.text_document_rename_async(
        t.RenameParams(t.TextDocumentIdentifier(URI), at(GROUPED, "\n  toke", 2), "words")
    )
    assert sorted(c.range.start.line for c in edit.changes[URI]) == [6, 8, 10, 14]
    place = await client.text_document_definition_async(
        t.DefinitionParams(t.TextDocumentIdentifier(URI), at(GROUPED, "first: toke"))
    )
    assert place.range.start == t.Position(10, 2)


async def test_files_that_build_on_others(client, tmp_path):
    base = tmp_path / "base.yaml"
    base.write_text("pipeline: base\nnodes:\n  model: {type: load_model, from: nowhere}\n  lora: {type: attach_adapter, model: model}\n")
    (tmp_path / "more.yaml").write_text("nodes:\n  tokenizer: {type: load_tokenizr, from: tiny}\n")
    own = tmp_path / "own.yaml"
    text = "extends: base.yaml\ninclude: [more.yaml]\nnodes:\n  lora: {rnk: 4}\n"
    uri = own.as_uri()

    async def problems(text, version):
        if version == 1:
            item = t.TextDocumentItem(uri=uri, language_id="yaml", version=1, text=text)
            client.text_document_did_open(t.DidOpenTextDocumentParams(item))
        else:
            client.text_document_did_change(
                t.DidChangeTextDocumentParams(
                    t.VersionedTextDocumentIdentifier(uri=uri, version=version),
                    [t.TextDocumentContentChangeWholeDocument(text=text)],
                )
            )
        await client.wait_for_notification("textDocument/publishDiagnostics")
        return client.diagnostics[uri]

    found = await problems(text, 1)
    mine = next(d for d in found if "rnk" in d.message)
    assert (mine.range.start.line, mine.range.start.character) == (3, 9) and "`rank`" in mine.message
    theirs = next(d for d in found if "load_tokenizr" in d.message)
    assert theirs.range.start.line == 0 and f"{tmp_path}/more.yaml:2:21: Unknown node type" in theirs.message
    missing = await problems(text.replace("base.yaml", "bas.yaml"), 2)
    assert any("Cannot read" in d.message and "base.yaml" in d.message and d.range.start.line == 0 for d in missing)
    assert not any("missing" in d.message for d in missing), missing
