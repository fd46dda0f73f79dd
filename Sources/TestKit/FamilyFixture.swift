import Foundation
import LanguageModels
import PreciseJSON
import Tensors

/// A tiny model of `scripts/reference/families`, whose weights are a formula, and what transformers computes with it.
package struct FamilyFixture: Sendable {
  /// Such as `gemma2`.
  package let name: String
  /// All of the file.
  package let values: JSON

  package init(_ name: String) throws {
    self.name = name
    values = try readJSON(fixture("Families/\(name).json"))
  }

  /// The names of all there are.
  package static var names: [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: fixture("Families"))) ?? []
    return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
  }

  /// - Parameter key: `config` as transformers 5 spells it, or `older_config`.
  package func configuration(_ key: String = "config") throws -> ModelConfiguration {
    guard let config = values[key] else { throw FixtureError(text: "no \(key)") }
    return try ModelConfiguration(huggingFace: config, file: "\(name).json")
  }

  package func model(
    threads: Int = 1, trains: @escaping (String) -> Bool = { _ in false }
  ) throws -> LanguageModel {
    try model(FormulaWeights(values), threads: threads, trains: trains)
  }

  /// The model with other weights.
  package func model(
    _ weights: any WeightSource, threads: Int = 1, trains: @escaping (String) -> Bool = { _ in false }
  ) throws -> LanguageModel {
    try LanguageModel(configuration(), weights: weights, compute: Compute(threads: threads), trains: trains)
  }

  package func sequences() throws -> [LabelledSequence] { try labelledSequences(values["sequences"]) }

  /// The adapter that `lora` describes; nil where there is none.
  package var adapter: AdapterConfiguration? {
    guard let lora = values["lora"], !lora.isNull, let targets = lora["targets"]?.array?.compactMap(\.string),
      let rank = lora["rank"]?.int, let alpha = lora["alpha"]?.double
    else { return nil }
    return AdapterConfiguration(rank: rank, alpha: Float(alpha), targets: Set(targets))
  }
}

/// Tensors of the formula of ``patternedTensor(_:shape:amplitude:)`` with the means and amplitudes of a fixture.
package struct FormulaWeights: WeightSource {
  private var tensors: [String: (shape: [Int], mean: Float, amplitude: Float)] = [:]
  private let adapterAmplitudes: (a: Float, b: Float)

  package init(_ values: JSON) throws {
    for tensor in values["tensors"]?.array ?? [] {
      guard let name = tensor["name"]?.string, let shape = tensor["shape"]?.array?.compactMap(\.int),
        let mean = tensor["mean"]?.double, let amplitude = tensor["amplitude"]?.double
      else { throw FixtureError(text: "a tensor without name, shape, mean or amplitude") }
      tensors[name] = (shape, Float(mean), Float(amplitude))
    }
    func amplitude(_ key: String) -> Float { Float(values["lora"]?[key]?.double ?? 0) }
    adapterAmplitudes = (amplitude("amplitude_a"), amplitude("amplitude_b"))
  }

  package var origin: String { "a formula" }
  package var names: [String] { tensors.keys.sorted() }
  package func shape(_ name: String) -> [Int]? { tensors[name]?.shape }
  package func has(_ name: String) -> Bool { tensors[name] != nil || name.contains(".lora_") }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    if name.contains(".lora_") {
      let amplitude = name.contains(".lora_A.") ? adapterAmplitudes.a : adapterAmplitudes.b
      return patternedTensor(name, shape: shape, amplitude: amplitude)
    }
    guard let (shape, mean, amplitude) = tensors[name] else { throw WeightError.unknown(name: name) }
    let tensor = patternedTensor(name, shape: shape, amplitude: amplitude)
    if mean != 0 { for index in 0..<tensor.count { tensor.pointer[index] += mean } }
    return tensor
  }
}
