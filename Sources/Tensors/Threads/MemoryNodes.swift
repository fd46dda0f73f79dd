import CTensorKernels
import Diagnostics
import Foundation

/// The processors that this process may run on, by the memory they are next to (NUMA nodes).
package struct MemoryNodes: Sendable {
  /// Nodes without such processors are left out.
  package let nodes: [[Int32]]

  /// - Parameters:
  ///   - allowed: The processors that may be used.
  ///   - folder: Where the system lists its nodes, as `node0/cpulist` and so on.
  package init(allowed: Set<Int32>, folder: String = "/sys/devices/system/node") {
    // A system that does not tell is taken for one node: nothing but speed depends on it.
    let names = (try? folderNames(folder)) ?? []
    let numbers = names.compactMap { $0.hasPrefix("node") ? Int($0.dropFirst(4)) : nil }.sorted()
    nodes = numbers.compactMap { number in
      let list = "\(folder)/node\(number)/cpulist"
      guard let text = try? String(contentsOfFile: list, encoding: .utf8) else { return nil }
      let processors = Self.processors(in: text).filter(allowed.contains)
      return processors.isEmpty ? nil : processors
    }
  }

  package static let ofThisProcess = MemoryNodes(allowed: allowedProcessors)

  private static var allowedProcessors: Set<Int32> {
    var processors = [Int32](repeating: 0, count: Int(tk_available_processors()))
    let count = tk_allowed_processors(&processors, processors.count)
    return Set(processors.prefix(count))
  }

  /// The numbers in a list such as `0-3,8-11`; what cannot be read is left out.
  package static func processors(in text: String) -> [Int32] {
    text.split { $0 == "," || $0.isWhitespace }.flatMap { part -> [Int32] in
      let ends = part.split(separator: "-").map { Int32($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first >= 0, first <= last,
        last < 1 << 16
      else { return [] }
      return Array(first...last)
    }
  }

  /// The processors for the thread of a seat: those of one node, none where there is nothing to choose.
  ///
  /// Neighbouring seats, which work on neighbouring rows, share a node.
  package func processors(ofSeat seat: Int, of seats: Int) -> [Int32] {
    guard nodes.count > 1 else { return [] }
    var place = seat * nodes.reduce(0) { $0 + $1.count } / seats
    for node in nodes {
      if place < node.count { return node }
      place -= node.count
    }
    return []
  }
}
