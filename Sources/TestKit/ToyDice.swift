import Pipeline

/// Another text each time, made in a worker process: what a node must not do, and what timings in metrics do.
package enum ToyDice: NodeType {
  package struct Fields: FieldSet {
    package init() {}
    package static let fields: [Field<Self>] = []
  }

  package static let name = "toy_dice"
  package static let summary = "Another text each time."
  package static let implementationVersion = 1
  package static let execution = Execution.worker(cores: .one)
  package static let inputs: [InputPort] = []
  package static let outputs = [OutputPort("text", "text", doc: "The text")]
  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["text": ArtefactType("text")])
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    try context.output("text").write(uniqueName(), to: "text")
  }
}
