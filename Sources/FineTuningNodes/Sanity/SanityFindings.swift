import Pipeline
import PreciseJSON

/// The checks of a node as its outputs tell them, for those who show a run.
package struct SanityFindings: Sendable {
  package struct Finding: Sendable, Hashable {
    package var name: String
    package var verdict: SanityVerdict
    package var summary: String
  }

  /// Where checks stand among the details of an artefact.
  package static let detail = SanityReport.detail

  package let all: [Finding]

  /// The checks of a result; none where its nodes make none.
  package init(_ result: StoredResult) {
    all = result.outputs.sorted { $0.key < $1.key }.flatMap { _, artefact in
      (artefact.details[SanityReport.detail]?.object?.members ?? []).compactMap { name, check in
        guard let verdict = check["verdict"]?.string.flatMap(SanityVerdict.init) else { return nil }
        return Finding(name: name, verdict: verdict, summary: check["summary"]?.string ?? "")
      }
    }
  }

  /// How many are fine.
  package var fine: Int { all.count { $0.verdict == .fine } }
  package var others: [Finding] { all.filter { $0.verdict != .fine } }

  /// The lines for several nodes: what is not fine, and how many checks are.
  package static func lines(_ nodes: [(name: String, findings: SanityFindings)]) -> [String] {
    let all = nodes.flatMap(\.findings.all)
    guard !all.isEmpty else { return [] }
    let others = nodes.flatMap { node in
      node.findings.others.map { "sanity: \(node.name): \($0.verdict.rawValue): \($0.summary)" }
    }
    let fine = all.count - others.count
    return others + ["sanity: \(fine) check\(fine == 1 ? "" : "s") fine"]
  }
}
