import Diagnostics
import Foundation
import PreciseJSON
import TensorFiles
import Tokenization

extension ConversationFormat {
  /// Makes the tokenizer's files in a folder say what was trained, where they say something else: the templates in
  /// `chat_template.jinja`, `additional_chat_templates/` and `tokenizer_config.json`, the end marks in
  /// `generation_config.json`.
  ///
  /// - Parameters:
  ///   - tokenizer: The one whose files stand there.
  ///   - ends: The ids at which programs that read the folder end a generation so far.
  /// - Throws: Errors of the file system, and of JSON in the files.
  func write(to folder: String, over tokenizer: Tokenizer, ends: [Int]) throws {
    if templates != tokenizer.chatTemplates.entries { try writeTemplates(to: folder) }
    // A tokenizer may know an end of turn that the model's own files leave out: a base model with ChatML.
    let missing = stops.map { Int($0) }.filter { !ends.contains($0) }
    if !missing.isEmpty {
      try edit(folder + "/generation_config.json") {
        $0["eos_token_id"] = .array((ends + missing).sorted().map { JSON($0) })
      }
    }
  }

  private func writeTemplates(to folder: String) throws {
    let more = folder + "/" + Tokenizer.templateFolder
    if try pathKind(more) != nil { try FileManager.default.removeItem(atPath: more) }
    for template in templates {
      if template.name == ChatTemplateSources.defaultName {
        try Self.write(template.source, to: folder + "/chat_template.jinja")
      } else {
        try FileManager.default.createDirectory(atPath: more, withIntermediateDirectories: true)
        try Self.write(template.source, to: more + "/" + template.name + ".jinja")
      }
    }
    // Programs that know no file of its own for it read it there.
    try edit(folder + "/tokenizer_config.json") { config in
      config["chat_template"] = templates.first { $0.name == ChatTemplateSources.defaultName }.map { JSON($0.source) }
    }
  }

  /// Changes a JSON file, or makes it.
  private func edit(_ path: String, _ change: (inout JSONObject) -> Void) throws {
    var object = JSONObject()
    if try pathKind(path) != nil {
      let json = try MappedFile(path: path).withBytes { try JSONReader.read($0, file: path) }
      object = json.object ?? object
      // The file may be a link into the store.
      try FileManager.default.removeItem(atPath: path)
    }
    change(&object)
    try Self.write(JSON.object(object).text(.pretty) + "\n", to: path)
  }

  private static func write(_ text: String, to path: String) throws {
    if try pathKind(path) != nil { try FileManager.default.removeItem(atPath: path) }
    let file = try OutputFile(path: path)
    try file.write(Array(text.utf8))
    try file.finish()
  }
}
