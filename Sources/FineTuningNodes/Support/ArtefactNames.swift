import Pipeline
import PreciseJSON

/// The names of the artefact types that fine-tuning passes between nodes.
package enum ArtefactName {
  /// A tokenizer's folder.
  package static let tokenizer = "tokenizer"
  /// Records in record groups.
  static let rows = "rows"
  /// Records rendered by a template, in record groups.
  static let conversations = "conversations"
  /// Token shards.
  static let tokens = "tokens"
  /// A base model's files under `base/`, and an adapter's under `adapter/` and a head's under `head/` when there are such.
  package static let model = "model"
  /// `metrics.json`, or `metrics.jsonl` with its picture.
  package static let metrics = "metrics"
  /// What a model gives to token rows.
  static let scores = "scores"
  /// Answers to prompts.
  static let answers = "answers"
  /// A folder as other tools load it.
  static let folder = "folder"
  /// A PEFT folder without its base.
  package static let adapter = "adapter"
  /// Files of any kind.
  static let files = "files"
}

/// The names of members that others than their node read.
package enum MemberName {
  /// What a training told, a line of JSON each time.
  package static let steps = "metrics.jsonl"
}

/// The names of facets: what must agree between artefacts that meet at a node.
package enum FacetName {
  /// The identity of the tokenizer.
  package static let tokenizer = "tokenizer"
  /// The identity of the chat template.
  static let template = "template"
  /// Why no template of a tokenizer can be used: one of them cannot be read; not there when all can.
  static let templateFault = "template_fault"
  /// The names of a tokenizer's templates where none is `default`, which only rows with tools can use.
  static let templateNames = "template_names"
  /// Ids in the vocabulary.
  static let vocabulary = "vocabulary"
  /// The most tokens of a row, or the most a model was made for.
  static let length = "length"
  /// What the records are: conversation, text or preference.
  static let kind = "kind"
  /// The names of the columns that travel with prompts, a JSON list; not there where none do.
  static let columns = "columns"
  /// The share of the records that is in this part: `none` when it is known to be empty.
  static let share = "share"
  /// The model's architecture.
  static let architecture = "architecture"
  /// The identity of the base model's files.
  static let base = "base"
  /// What of the model is trained: `adapter` or `all`.
  static let form = "form"
  /// What stands beside the model that scores hidden states: `reward`; not there where nothing does.
  static let head = "head"
  /// What scores are of; what else decides them stands in facets that begin like this one.
  static let scores = "scores"
  /// How the frozen weights of the model are held; not there where they are packed.
  static let weights = "weights"
  /// How many learned tokens stand before every text; not there where none do.
  static let virtualTokens = "virtual_tokens"
  /// The numbers of the blocks that were inserted into the model to be trained; not there where none were.
  static let newBlocks = "new_blocks"
}

extension ArtefactType {
  /// The names of the columns that travel with the prompts of rows and tokens, sorted; none where none do.
  package var keptColumns: [String] {
    get {
      guard let text = self[FacetName.columns]?.text, let names = try? JSON(parsing: text) else { return [] }
      return names.array?.compactMap(\.string) ?? []
    }
    set { facets[FacetName.columns] = newValue.isEmpty ? nil : .text(JSON.array(newValue.map { JSON($0) }).text()) }
  }
}
