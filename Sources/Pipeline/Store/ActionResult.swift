/// What the store keeps under an action key: the files that the action made, as the `ActionResult` message of the
/// Remote Execution API, so that any server of Bazel's HTTP cache understands it and keeps the files alive.
///
/// Field numbers (remote_execution.proto): ActionResult 2 = output_files, 9 = execution_metadata; OutputFile 1 = path,
/// 2 = digest; Digest 1 = hash, 2 = size_bytes; ExecutedActionMetadata 1 = worker, 11 = auxiliary_metadata (Any:
/// 1 = type_url, 2 = value). The auxiliary value is a seal over key and files: an entry is named by its key and not by
/// its content, so nothing else would tell a flipped bit.
package struct ActionResult: Sendable, Equatable {
  package struct File: Sendable, Equatable {
    package var path: String
    package var blob: BlobReference
  }

  package var files: [File]

  private static let worker = "anneal"
  private static let sealType = "anneal/seal/v1"
  /// Larger entries are refused: 10,000 files make about 1 MB.
  static let limit = 4 << 20

  /// The bytes to store under `key`.
  ///
  /// Equal files give equal bytes: no time, host or user is in them.
  package func encoded(for key: Digest) -> [UInt8] {
    var writer = ProtobufWriter()
    for file in files {
      writer.message(2) { output in
        output.data(1, file.path.utf8)
        output.message(2) { digest in
          digest.data(1, file.blob.digest.hex.utf8)
          digest.integer(2, file.blob.size)
        }
      }
    }
    writer.message(9) { metadata in
      metadata.data(1, Self.worker.utf8)
      metadata.message(11) { any in
        any.data(1, Self.sealType.utf8)
        any.data(2, seal(for: key).hex.utf8)
      }
    }
    return writer.bytes
  }

  /// The result that `bytes` hold, nil when they are not what was stored under `key`.
  package init?(_ bytes: [UInt8], for key: Digest) {
    guard let (files, seal) = try? Self.decode(bytes), bytes.count <= Self.limit else { return nil }
    self.files = files
    guard let seal, seal == self.seal(for: key) else { return nil }
  }

  package init(files: [File]) { self.files = files }

  private func seal(for key: Digest) -> Digest {
    var text = "\(Self.sealType)\n\(key.hex)\n"
    for file in files { text += "\(file.blob.digest.hex) \(file.blob.size) \(file.path.utf8.count) \(file.path)\n" }
    return Digest(of: Array(text.utf8))
  }

  private static func decode(_ bytes: [UInt8]) throws -> (files: [File], seal: Digest?) {
    var files: [File] = []
    var seal: Digest?
    var reader = ProtobufReader(bytes[...])
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (2, .data(let data)): files.append(try file(data))
      case (9, .data(let data)): seal = try self.seal(in: data)
      default: break
      }
    }
    return (files, seal)
  }

  private static func file(_ bytes: ArraySlice<UInt8>) throws -> File {
    var reader = ProtobufReader(bytes)
    var path: String?
    var blob: BlobReference?
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (1, .data(let data)): path = String(validating: data, as: UTF8.self)
      case (2, .data(let data)): blob = try self.blob(data)
      default: break
      }
    }
    guard let path, let blob else { throw ProtobufReader.Malformed() }
    return File(path: path, blob: blob)
  }

  private static func blob(_ bytes: ArraySlice<UInt8>) throws -> BlobReference {
    var reader = ProtobufReader(bytes)
    var digest: Digest?
    var size = 0
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (1, .data(let data)): digest = Digest(hex: String(decoding: data, as: UTF8.self))
      case (2, .integer(let value)):
        guard let value = Int(exactly: value) else { throw ProtobufReader.Malformed() }
        size = value
      default: break
      }
    }
    guard let digest else { throw ProtobufReader.Malformed() }
    return BlobReference(digest: digest, size: size)
  }

  private static func seal(in bytes: ArraySlice<UInt8>) throws -> Digest? {
    var metadata = ProtobufReader(bytes)
    while let (field, value) = try metadata.next() {
      guard field == 11, case .data(let data) = value else { continue }
      var any = ProtobufReader(data)
      var isSeal = false
      var seal: Digest?
      while let (field, value) = try any.next() {
        switch (field, value) {
        case (1, .data(let data)): isSeal = data.elementsEqual(sealType.utf8)
        case (2, .data(let data)): seal = Digest(hex: String(decoding: data, as: UTF8.self))
        default: break
        }
      }
      if isSeal { return seal }
    }
    return nil
  }
}
