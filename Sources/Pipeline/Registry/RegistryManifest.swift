import PreciseJSON

/// A result as a registry lists it: an image manifest of the Open Container Initiative (image specification v1.1) whose
/// configuration is the store's own entry of the result and whose layers are its files, each under its path, where ORAS and others
/// look for it.
struct RegistryManifest: Sendable, Equatable {
  static let mediaType = "application/vnd.oci.image.manifest.v1+json"
  static let resultType = "application/vnd.anneal.result.v1"
  private static let entryType = "application/vnd.anneal.result.v1+protobuf"
  private static let fileType = "application/octet-stream"
  private static let titleName = "org.opencontainers.image.title"
  private static let keyName = "dev.anneal.key"

  /// Why a manifest is none of a result.
  struct Foreign: Error {
    var reason: String
  }

  let key: Digest
  let entry: BlobReference
  let files: [ActionResult.File]

  init(key: Digest, entry: BlobReference, files: [ActionResult.File]) {
    self.key = key
    self.entry = entry
    self.files = files
  }

  /// Equal results give equal bytes.
  var bytes: [UInt8] {
    let json: JSON = [
      "schemaVersion": 2, "mediaType": JSON(Self.mediaType), "artifactType": JSON(Self.resultType),
      "config": Self.described(entry, Self.entryType),
      "layers": .array(
        files.map { file in
          var layer = Self.described(file.blob, Self.fileType).object?.members ?? []
          layer.append(("annotations", [Self.titleName: JSON(file.path)]))
          return JSON(layer)
        }),
      "annotations": [Self.keyName: JSON(key.hex)],
    ]
    return Array(json.text().utf8)
  }

  /// - Throws: ``Foreign``.
  init(_ bytes: [UInt8]) throws(Foreign) {
    guard let json = try? JSON(parsing: bytes, file: "manifest") else {
      throw Foreign(reason: "its manifest is no JSON")
    }
    guard json["mediaType"]?.string ?? Self.mediaType == Self.mediaType, let config = json["config"] else {
      throw Foreign(reason: "it is a list of images, or of an older kind")
    }
    guard config["mediaType"]?.string == Self.entryType else {
      throw Foreign(
        reason: "it is of the kind `\(Self.kind(of: json).prefix(100))`, which `anneal publish` did not make")
    }
    guard let key = json["annotations"]?[Self.keyName]?.string.flatMap({ Digest(hex: $0) }),
      let entry = Self.blob(config)
    else { throw Foreign(reason: "its manifest does not say which result it is") }
    self.key = key
    self.entry = entry
    files = (json["layers"]?.array ?? []).compactMap { layer in
      guard let blob = Self.blob(layer), let path = layer["annotations"]?[Self.titleName]?.string else { return nil }
      return ActionResult.File(path: path, blob: blob)
    }
  }

  private static func kind(of json: JSON) -> String {
    json["artifactType"]?.string ?? json["config"]?["mediaType"]?.string ?? "unknown"
  }

  private static func described(_ blob: BlobReference, _ type: String) -> JSON {
    ["mediaType": JSON(type), "digest": JSON("sha256:" + blob.digest.hex), "size": JSON(blob.size)]
  }

  private static func blob(_ json: JSON) -> BlobReference? {
    guard let text = json["digest"]?.string, text.hasPrefix("sha256:"),
      let digest = Digest(hex: String(text.dropFirst(7))),
      let size = json["size"]?.int, size >= 0
    else { return nil }
    return BlobReference(digest: digest, size: size)
  }
}
