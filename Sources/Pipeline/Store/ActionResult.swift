/// What the store keeps under an action key: the files that the action made, as the `ActionResult` message of the
/// Remote Execution API, so that any server of Bazel's HTTP cache understands it and keeps the files alive.
///
/// Field numbers (remote_execution.proto): ActionResult 2 = output_files, 9 = execution_metadata; OutputFile 1 = path,
/// 2 = digest; Digest 1 = hash, 2 = size_bytes; ExecutedActionMetadata 1 = worker, 11 = auxiliary_metadata (Any:
/// 1 = type_url, 2 = value). The first auxiliary value is a seal over key and files: an entry is named by its key and not by
/// its content, so nothing else would tell a flipped bit. Others are signatures of the seal, of entries that went to others.
package struct ActionResult: Sendable, Equatable {
  package struct File: Sendable, Equatable {
    package var path: String
    package var blob: BlobReference

    package init(path: String, blob: BlobReference) {
      self.path = path
      self.blob = blob
    }
  }

  /// Somebody's word for an entry.
  struct Signature: Sendable, Equatable {
    /// An ed25519 public key.
    var key: [UInt8]
    var bytes: [UInt8]
  }

  package var files: [File]

  private static let worker = "anneal"
  private static let sealType = "anneal/seal/v1"
  /// Its value is a message: 1 = public key, 2 = signature.
  private static let signatureType = "anneal/signature/v1"
  /// Larger entries are refused: 10,000 files make about 1 MB.
  static let limit = 4 << 20

  /// The bytes to store under `key`.
  ///
  /// Equal files give equal bytes: no time, host or user is in them.
  package func encoded(for key: Digest) -> [UInt8] { encoded(for: key, signature: nil) }

  func encoded(for key: Digest, signature: Signature?) -> [UInt8] {
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
      if let signature {
        metadata.message(11) { any in
          any.data(1, Self.signatureType.utf8)
          any.message(2) { value in
            value.data(1, signature.key)
            value.data(2, signature.bytes)
          }
        }
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

  /// What is signed: the seal, for this purpose alone.
  func message(for key: Digest) -> [UInt8] { Array("\(Self.signatureType)\n\(seal(for: key).hex)\n".utf8) }

  /// The signatures that an entry's bytes carry, whatever they are worth.
  static func signatures(in bytes: [UInt8]) -> [Signature] {
    (try? auxiliaries(in: bytes))?.filter { $0.type == signatureType }.compactMap { try? signature($0.value) } ?? []
  }

  private static func auxiliaries(in bytes: [UInt8]) throws -> [(type: String, value: ArraySlice<UInt8>)] {
    var found: [(type: String, value: ArraySlice<UInt8>)] = []
    var reader = ProtobufReader(bytes[...])
    while let (field, value) = try reader.next() {
      guard field == 9, case .data(let metadata) = value else { continue }
      var reader = ProtobufReader(metadata)
      while let (field, value) = try reader.next() {
        if field == 11, case .data(let any) = value { found.append(try auxiliary(any)) }
      }
    }
    return found
  }

  private static func auxiliary(_ bytes: ArraySlice<UInt8>) throws -> (type: String, value: ArraySlice<UInt8>) {
    var found = (type: "", value: bytes[bytes.endIndex...])
    var reader = ProtobufReader(bytes)
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (1, .data(let data)): found.type = String(decoding: data, as: UTF8.self)
      case (2, .data(let data)): found.value = data
      default: break
      }
    }
    return found
  }

  private static func signature(_ bytes: ArraySlice<UInt8>) throws -> Signature {
    var found = Signature(key: [], bytes: [])
    var reader = ProtobufReader(bytes)
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (1, .data(let data)): found.key = Array(data)
      case (2, .data(let data)): found.bytes = Array(data)
      default: break
      }
    }
    return found
  }

  private func seal(for key: Digest) -> Digest {
    var text = "\(Self.sealType)\n\(key.hex)\n"
    for file in files { text += "\(file.blob.digest.hex) \(file.blob.size) \(file.path.utf8.count) \(file.path)\n" }
    return Digest(of: Array(text.utf8))
  }

  private static func decode(_ bytes: [UInt8]) throws -> (files: [File], seal: Digest?) {
    var files: [File] = []
    var reader = ProtobufReader(bytes[...])
    while let (field, value) = try reader.next() {
      if field == 2, case .data(let data) = value { files.append(try file(data)) }
    }
    let seal = try auxiliaries(in: bytes).first { $0.type == sealType }
    return (files, seal.flatMap { Digest(hex: String(decoding: $0.value, as: UTF8.self)) })
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

  static func blob(_ bytes: ArraySlice<UInt8>) throws -> BlobReference {
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
}
