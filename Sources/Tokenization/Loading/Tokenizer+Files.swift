import Diagnostics
import TensorFiles

extension Tokenizer {
  /// Every file that belongs to a tokenizer in a folder, by name: what is read, what is copied, and what a result made
  /// with the tokenizer depends on.
  private static let fileNames = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "merges.txt", "encoder.json", "vocab.bpe", "chat_template.jinja", "chat_template.json", generationFile,
  ]
  /// Its end-of-sequence ids are ends of a turn; all else in it is the model's.
  package static let generationFile = "generation_config.json"
  /// Named templates beside `chat_template.jinja`, a file each.
  package static let templateFolder = "additional_chat_templates"
  /// What a GGUF file is called in a set, whatever its name.
  static let ggufFile = "model.gguf"

  /// Names of GPT-2's own files: the vocabulary and the merges.
  static let gpt2Files = [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")]

  /// The files that make up the tokenizer at a path, which is all that ``load(_:)`` opens of it: those of a folder, a
  /// `tokenizer.json` under any name, or a GGUF file.
  ///
  /// A file called `tokenizer.json` comes with the settings beside it; so does one of another name in a folder that has no
  /// `tokenizer.json`. In a folder that has one, the settings belong to that.
  ///
  /// - Throws: ``TokenizerError`` when a folder holds no tokenizer, or several.
  package static func files(at path: String) throws -> FileSet {
    guard let found = try pathKind(path) else {
      return FileSet([FileSet.File(name: "tokenizer.json", path: path)])
    }
    if found != .folder { return try files(of: path) }
    let files = try filesOfFolder(path)
    let pairs = gpt2Files.contains { files[$0.0] != nil && files[$0.1] != nil }
    if files["tokenizer.json"] != nil || pairs { return files }
    let models = (try folderNames(path) ?? []).filter { $0.hasSuffix(".gguf") }
    if models.count == 1, let model = models.first {
      return FileSet([FileSet.File(name: ggufFile, path: path + "/" + model)])
    }
    if models.count > 1 {
      throw TokenizerError(
        .invalidValue("folder with several models", reason: "name one of [\(models.joined(separator: ", "))]"),
        file: path)
    }
    // A file of another program's tokenizer is opened in place of `tokenizer.json`, to be told what it is.
    if let foreign = (try folderNames(path) ?? []).first(where: isForeign) {
      return try Self.files(of: path + "/" + foreign)
    }
    throw TokenizerError(
      .noTokenizer(expected: ["tokenizer.json", "vocab.json and merges.txt", "a .gguf file"]), file: path)
  }

  private static func isForeign(_ name: String) -> Bool {
    ["tokenizer.model", "tekken.json", "spiece.model", "sentencepiece.bpe.model", "vocab.txt"].contains(name)
      || name.hasSuffix(".tiktoken")
  }

  private static func files(of file: String) throws -> FileSet {
    if file.hasSuffix(".gguf") || GGUFFile.isGGUF(file) {
      return FileSet([FileSet.File(name: ggufFile, path: file)])
    }
    let own = FileSet([FileSet.File(name: "tokenizer.json", path: file)])
    let slash = file.lastIndex(of: "/")
    let name = slash.map { file[file.index(after: $0)...] } ?? file[...]
    let folder = slash.map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? "."
    let beside = try filesOfFolder(folder)
    return name == "tokenizer.json" || beside["tokenizer.json"] == nil ? own.union(beside) : own
  }

  private static func filesOfFolder(_ folder: String) throws -> FileSet {
    let templates = (try folderNames(folder + "/" + templateFolder) ?? []).filter { $0.hasSuffix(".jinja") }
    return try FileSet(folder: folder, names: fileNames + templates.map { templateFolder + "/" + $0 })
  }
}
