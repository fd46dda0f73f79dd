import Pipeline
import Testing

/// The drawings of a graph.
struct GraphPictureTests {
  private func picture() throws -> GraphPicture {
    GraphPicture(
      try load(goodPipeline, set: ["nodes.sft.reference=base"]), states: ["sft": .planned, "rows": .cached])
  }

  @Test func text() throws {
    #expect(
      try picture().text == """
        sft (train) [planned]
        ├─ model: base (load_model)
        ├─ data: tokens.train (tokenize)
        │  └─ conversations: chat (apply_template)
        │     └─ dataset: rows (load_dataset) [cached]
        └─ reference: base (load_model)
        """)
  }

  @Test func mermaid() throws {
    #expect(
      try picture().mermaid == """
        flowchart LR
          n0["base<br/>load_model"]
          n1["rows<br/>load_dataset"]
          n2["chat<br/>apply_template"]
          n3["tokens<br/>tokenize"]
          n4["sft<br/>train"]
          n1 -->|"dataset"| n2
          n2 -->|"conversations"| n3
          n0 -->|"model"| n4
          n3 -->|"train → data"| n4
          n0 -->|"reference"| n4
          style n0 fill:#f4f4f2,stroke:#777777,color:#222222
          style n1 fill:#dcebdc,stroke:#4a8a4a,color:#222222
          style n2 fill:#f4f4f2,stroke:#777777,color:#222222
          style n3 fill:#f4f4f2,stroke:#777777,color:#222222
          style n4 fill:#dce6f5,stroke:#3f6fb5,color:#222222,stroke-width:2px

        """)
  }

  @Test func dot() throws {
    let dot = try picture().dot
    #expect(dot.hasPrefix("digraph \"sft\" {\n"))
    #expect(dot.contains("  \"tokens\" -> \"sft\" [label=\"train → data\"];\n"))
    #expect(dot.contains("  \"rows\" [label=\"rows\\nload_dataset\", fillcolor=\"#dcebdc\", color=\"#4a8a4a\"];\n"))
    #expect(dot.hasSuffix("}\n"))
  }

  @Test func svgHasABoxForEveryNodeAndALineForEveryInput() throws {
    let svg = try picture().svg
    let lines = svg.split(separator: "\n")
    #expect(lines.count { $0.contains("<rect ") } == 5)
    #expect(lines.count { $0.contains("marker-end") } == 5)
    for name in ["base", "rows", "chat", "tokens", "sft"] { #expect(svg.contains(">\(name)</text>")) }
    #expect(svg.hasSuffix("</svg>\n"))
  }
}
