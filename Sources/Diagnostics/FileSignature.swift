/// What a file is by its first bytes, whatever its name says: for messages where another kind of file was wanted.
package enum FileSignature: Sendable, Hashable, CaseIterable {
  /// What a folder cloned without git-lfs holds in place of a large file.
  case gitLFSPointer
  case gzip
  case zstandard
  case bzip2
  case xz
  /// A zip archive; PyTorch's `.bin` and `.pth` files, which hold pickles, are such archives.
  case zip
  /// A pickle of Python's, which can run code when loaded.
  case pickle
  case gguf
  case hdf5
  case parquet
  case arrow
  case pdf
  /// A page of the web, often an error page that was saved under another file's name.
  case html
  case xml
  case utf16
  case utf32

  /// The kind of file that starts with these bytes; nil for none of these, or when there are too few of them.
  ///
  /// Cost: the first few hundred bytes.
  package init?(startOf bytes: some Collection<UInt8>) {
    let head = Array(bytes.prefix(512))
    guard let found = Self.signatures.first(where: { head.starts(with: $0.bytes) })?.kind ?? Self.text(head) else {
      return nil
    }
    self = found
  }

  private static let signatures: [(bytes: [UInt8], kind: FileSignature)] = [
    (Array("version https://git-lfs.github.com/spec/".utf8), .gitLFSPointer),
    ([0x1F, 0x8B], .gzip), ([0x28, 0xB5, 0x2F, 0xFD], .zstandard), (Array("BZh".utf8), .bzip2),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], .xz), ([0x50, 0x4B, 0x03, 0x04], .zip), (Array("GGUF".utf8), .gguf),
    ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], .hdf5), (Array("PAR1".utf8), .parquet),
    (Array("ARROW1".utf8), .arrow), ([0xFF, 0xFF, 0xFF, 0xFF], .arrow), (Array("%PDF-".utf8), .pdf),
    ([0xFF, 0xFE, 0x00, 0x00], .utf32), ([0x00, 0x00, 0xFE, 0xFF], .utf32), ([0xFF, 0xFE], .utf16),
    ([0xFE, 0xFF], .utf16),
    ([0x80, 0x02], .pickle), ([0x80, 0x03], .pickle), ([0x80, 0x04], .pickle), ([0x80, 0x05], .pickle),
  ]

  private static func text(_ head: [UInt8]) -> FileSignature? {
    let start = head.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }.prefix(15)
    let lower = String(decoding: start, as: UTF8.self).lowercased()
    if lower.hasPrefix("<?xml") { return .xml }
    return lower.hasPrefix("<!doctype html") || lower.hasPrefix("<html") ? .html : nil
  }

  /// What messages call it, with its article.
  package var name: String {
    switch self {
    case .gitLFSPointer: "a Git LFS pointer"
    case .gzip: "a gzip archive"
    case .zstandard: "a Zstandard archive"
    case .bzip2: "a bzip2 archive"
    case .xz: "an xz archive"
    case .zip: "a zip archive"
    case .pickle: "a pickle of Python's"
    case .gguf: "a GGUF file"
    case .hdf5: "an HDF5 file"
    case .parquet: "a Parquet file"
    case .arrow: "an Arrow file"
    case .pdf: "a PDF"
    case .html: "a web page"
    case .xml: "an XML file"
    case .utf16: "UTF-16 text"
    case .utf32: "UTF-32 text"
    }
  }

  /// What to do about it where another file was wanted.
  package var advice: String {
    switch self {
    case .gitLFSPointer: "fetch the file itself: `git lfs install`, then `git lfs pull` in the folder it was cloned to"
    case .gzip: "unpack it with `gunzip`"
    case .zstandard: "unpack it with `unzstd`"
    case .bzip2: "unpack it with `bunzip2`"
    case .xz: "unpack it with `unxz`"
    case .zip: "unpack it with `unzip`; weights of PyTorch are converted with `save_pretrained` of transformers"
    case .pickle: "convert it to safetensors with `save_pretrained` of transformers; loading a pickle can run code"
    case .gguf: "name it where a model or tokenizer is read"
    case .hdf5: "convert it to safetensors"
    case .parquet, .arrow: "convert it to JSON Lines: `datasets.load_dataset(…).to_json(\"rows.jsonl\")` in Python"
    case .pdf: "take its text out first"
    case .xml: "take out of it what is wanted first"
    case .html: "fetch the file again; this is what the server said instead"
    case .utf16: "save it as UTF-8, such as `iconv -f UTF-16 -t UTF-8`"
    case .utf32: "save it as UTF-8, such as `iconv -f UTF-32 -t UTF-8`"
    }
  }
}
