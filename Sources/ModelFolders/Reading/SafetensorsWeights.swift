import Diagnostics
import Foundation
import Glibc
import LanguageModels
import PreciseJSON
import TensorFiles
import Tensors

/// The tensors of a folder, in one safetensors file or in shards.
///
/// Where there is an index it says which files belong to the model; tensors that it leaves out are found all the same.
package struct SafetensorsWeights: Sendable {
  package let origin: String
  package let files: [SafetensorsFile]
  /// The names of the files and of their index.
  let fileNames: [String]
  /// The file of each tensor.
  private var fileByName: [String: Int]
  /// What stands before the names here and not in the files.
  private var prefix = ""

  private static let single = "model.safetensors"
  private static let index = "model.safetensors.index.json"

  /// Opens `model.safetensors`, or else the files that `model.safetensors.index.json` names.
  ///
  /// - Throws: ``ModelFolderError``, and what reading the files throws.
  init(_ set: FileSet) throws {
    origin = set.origin
    if let single = set[Self.single] {
      let file = try SafetensorsFile(path: single)
      files = [file]
      fileNames = [Self.single]
      fileByName = Dictionary(uniqueKeysWithValues: file.names.map { ($0, 0) })
    } else if let index = set[Self.index] {
      let shardByTensor = try Self.shards(index) { set[$0] != nil }
      fileNames = [Self.index] + Set(shardByTensor.values).sorted()
      (files, fileByName) = try Self.open(shardByTensor, index: index, set)
    } else {
      throw ModelFolderError(origin, .noWeights(pickled: []))
    }
  }

  /// The names of the weights' files in a folder, and of their index.
  ///
  /// - Throws: ``ModelFolderError``, and what reading the index throws.
  static func names(folder: String) throws -> [String] {
    let all = try folderNames(folder) ?? []
    if all.contains(single) { return [single] }
    guard all.contains(index) else {
      throw ModelFolderError(folder, .noWeights(pickled: all.filter { $0.hasSuffix(".bin") || $0.hasSuffix(".pth") }))
    }
    return [index] + Set(try shards(folder + "/" + index, exists: all.contains).values).sorted()
  }

  /// The shard of each tensor by the index; every shard is there.
  private static func shards(_ index: String, exists: (String) -> Bool) throws -> [String: String] {
    guard let map = try readJSON(index)["weight_map"]?.object else {
      throw ModelFolderError(index, .invalidIndex("it has no `weight_map`"))
    }
    var shardByTensor: [String: String] = [:]
    for (tensor, value) in map.members {
      // A name with a slash would lead out of the folder.
      guard let shard = value.string, !shard.utf8.contains(UInt8(ascii: "/")), shard.hasSuffix(".safetensors") else {
        throw ModelFolderError(index, .invalidIndex("`weight_map` gives no file name for `\(tensor)`"))
      }
      shardByTensor[tensor] = shard
    }
    let missing = Set(shardByTensor.values).sorted().filter { !exists($0) }
    guard missing.isEmpty, !shardByTensor.isEmpty else {
      throw ModelFolderError(
        index, problems: missing.isEmpty ? [.invalidIndex("it names no file")] : missing.map { .missingShard($0) })
    }
    return shardByTensor
  }

  private static func open(
    _ shardByTensor: [String: String], index: String, _ set: FileSet
  ) throws -> (files: [SafetensorsFile], fileByName: [String: Int]) {
    let shards = Set(shardByTensor.values).sorted()
    let files = try shards.compactMap { set[$0] }.map { try SafetensorsFile(path: $0) }
    var problems: [ModelFolderError.Problem] = []
    var fileByName: [String: Int] = [:]
    for (number, file) in files.enumerated() {
      for name in file.names where shardByTensor[name] == nil || shardByTensor[name] == shards[number] {
        if let other = fileByName.updateValue(number, forKey: name) {
          problems.append(.inTwoFiles(tensor: name, files: [shards[other], shards[number]]))
        }
      }
    }
    for (tensor, shard) in shardByTensor.sorted(by: { $0.key < $1.key }) where fileByName[tensor] == nil {
      problems.append(.notInShard(tensor: tensor, shard: shard))
    }
    guard problems.isEmpty else { throw ModelFolderError(index, problems: problems) }
    return (files, fileByName)
  }

  package var names: [String] { fileByName.keys.sorted() }

  /// Where a tensor stands and what it is; nil when there is none of this name.
  package func entry(_ name: String) -> SafetensorsFile.Entry? {
    fileByName[name].flatMap { try? files[$0].entry(stored(name)) }
  }

  /// The same tensors with longer names.
  func prefixed(_ prefix: String) -> SafetensorsWeights {
    var copy = self
    copy.fileByName = Dictionary(uniqueKeysWithValues: fileByName.map { (prefix + $0.key, $0.value) })
    copy.prefix = prefix + self.prefix
    return copy
  }

  /// The name in the files.
  private func stored(_ name: String) -> String { String(name.dropFirst(prefix.count)) }
}

extension SafetensorsWeights {
  /// Whether two tensors have one shape and the same numbers; false where one is missing.
  func holdSameNumbers(_ one: String, _ other: String) throws -> Bool {
    guard let a = entry(one), let b = entry(other), let fileA = fileByName[one], let fileB = fileByName[other],
      a.shape == b.shape, a.type.isFloat, b.type.isFloat
    else { return false }
    // Nearly always they are the same bytes; other bytes may still be the same numbers.
    let areSameBytes = try files[fileA].withBytes(of: a) { first in
      try files[fileB].withBytes(of: b) { second in
        guard first.count == second.count else { return false }
        guard let start = first.baseAddress, let other = second.baseAddress else { return true }
        return memcmp(start, other, first.count) == 0
      }
    }
    if areSameBytes { return true }
    let x = try files[fileA].tensor(named: stored(one), shape: a.shape)
    let y = try files[fileB].tensor(named: stored(other), shape: b.shape)
    return (0..<x.count).allSatisfy { x.pointer[$0] == y.pointer[$0] }
  }
}

extension SafetensorsWeights: WeightSource {
  package func has(_ name: String) -> Bool { fileByName[name] != nil }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    guard let number = fileByName[name] else { throw ModelFolderError(origin, .missingTensor(name, nearest: nil)) }
    return try files[number].tensor(named: stored(name), shape: shape)
  }

  package func stored(named name: String, shape: [Int], transposed: Bool) throws -> (any StoredWeight)? {
    guard let number = fileByName[name], let entry = entry(name), entry.shape == shape, shape.count >= 2, !transposed,
      let format = BlockFormat.named(entry.type.rawValue), let columns = shape.last
    else { return nil }
    let file = files[number].file
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])
    return try BlockWeight(
      format, rows: shape.dropLast().reduce(1, *), columns: columns,
      bytes: StoredBytes(bytes, of: file) { try file.checkUnchanged() })
  }
}

extension SafetensorsFile {
  /// A tensor as f32, which must have the given shape.
  func tensor(named name: String, shape: [Int]) throws -> Tensor {
    let entry = try entry(name)
    guard entry.shape == shape else {
      throw ModelFolderError(file.path, .wrongShape(tensor: name, wanted: shape, found: entry.shape))
    }
    let tensor = Tensor(uninitialized: shape)
    try readFloats(name, into: tensor.buffer)
    return tensor
  }
}
