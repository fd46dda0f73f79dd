import Foundation
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
  /// The file of each tensor.
  private let fileByName: [String: Int]

  /// Opens `model.safetensors`, or else the files that `model.safetensors.index.json` names.
  ///
  /// - Throws: ``ModelFolderError``, and what reading the files throws.
  init(folder: String) throws {
    origin = folder
    switch try Self.layout(folder) {
    case .single(let file):
      files = [try SafetensorsFile(path: file)]
      fileByName = Dictionary(uniqueKeysWithValues: files[0].names.map { ($0, 0) })
    case .shards(let index, let shardByTensor):
      (files, fileByName) = try Self.open(shardByTensor, index: index, folder: folder)
    }
  }

  /// The paths of ``files``, without opening them.
  ///
  /// - Throws: ``ModelFolderError``, and what reading the index throws.
  static func paths(folder: String) throws -> [String] {
    switch try layout(folder) {
    case .single(let file): [file]
    case .shards(_, let shardByTensor): Set(shardByTensor.values).sorted().map { folder + "/" + $0 }
    }
  }

  private enum Layout {
    case single(String)
    case shards(index: String, [String: String])
  }

  private static func layout(_ folder: String) throws -> Layout {
    let single = folder + "/model.safetensors"
    if FileManager.default.fileExists(atPath: single) { return .single(single) }
    let index = folder + "/model.safetensors.index.json"
    if FileManager.default.fileExists(atPath: index) { return .shards(index: index, try shards(index, folder)) }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    throw ModelFolderError(folder, .noWeights(pickled: names.filter { $0.hasSuffix(".bin") || $0.hasSuffix(".pth") }))
  }

  /// The shard of each tensor by the index; every shard is there.
  private static func shards(_ index: String, _ folder: String) throws -> [String: String] {
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
    let missing = Set(shardByTensor.values).sorted().filter {
      !FileManager.default.fileExists(atPath: folder + "/" + $0)
    }
    guard missing.isEmpty, !shardByTensor.isEmpty else {
      throw ModelFolderError(
        index, problems: missing.isEmpty ? [.invalidIndex("it names no file")] : missing.map { .missingShard($0) })
    }
    return shardByTensor
  }

  private static func open(
    _ shardByTensor: [String: String], index: String, folder: String
  ) throws -> (files: [SafetensorsFile], fileByName: [String: Int]) {
    let shards = Set(shardByTensor.values).sorted()
    let files = try shards.map { try SafetensorsFile(path: folder + "/" + $0) }
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
    fileByName[name].flatMap { try? files[$0].entry(name) }
  }
}

extension SafetensorsWeights: WeightSource {
  package func has(_ name: String) -> Bool { fileByName[name] != nil }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    guard let number = fileByName[name] else { throw ModelFolderError(origin, .missingTensor(name, nearest: nil)) }
    return try files[number].tensor(named: name, shape: shape)
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
