/// The keys of a recipe that are no fields of nodes: which nodes there are, and what they are made of.
enum FlatWord: String, CaseIterable {
  case recipe
  case name
  case model
  case data
  case validation
  case adapter
  case merge
  case out

  /// What it says, for the reference page.
  var doc: String {
    switch self {
    case .recipe: "What is learned: the `stage` of `train`"
    case .name: "The name of the pipeline; that of the file unless given"
    case .model: "A model folder or a `.gguf` file, or a name that lies in the Hugging Face cache of this machine"
    case .data: "A file of rows, a folder of such, or a list of them"
    case .validation: "Rows to measure on: a share of `data` that is held out, or a file"
    case .adapter:
      "What is trained beside the model: a method of `attach_adapter` (`lora` unless given), a PEFT folder to go on "
        + "from, or `none` for all of the model's weights"
    case .merge: "`true` takes the model away with its adapter merged into it"
    case .out: "The folder that what was trained is put into, beside `results/`"
    }
  }
}
