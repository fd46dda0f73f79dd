import ArgumentParser
import Diagnostics
import Foundation
import Glibc
import Pipeline
import PreciseJSON
import Tensors

/// `anneal doctor`: looks for what will make trouble before it does.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Looks at the machine, the store, the caches and this folder, and says what will make trouble.")

  @OptionGroup var workplace: Workplace

  @OptionGroup var caches: CacheArguments

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    var findings: [Examination.Finding] = []
    try reportingProblems {
      var examination = Examination(store: workplace.openedStore, project: workplace.project)
      examination.machine()
      examination.store()
      examination.project()
      let remotes = try caches.remotes(nil, workplace)
      examination.caches(remotes)
      findings = examination.findings
    }
    if json {
      Terminal.put(JSON.array(findings.map(\.json)).text(.pretty))
    } else {
      Terminal.put(
        table(findings.map { [$0.verdict.rawValue, $0.subject, $0.words] }))
      let problems = findings.filter { $0.verdict != .fine }.count
      Terminal.say(
        problems == 0
          ? "Nothing will make trouble as far as can be seen."
          : "\(problems) thing\(problems == 1 ? "" : "s") to look at.")
    }
    if findings.contains(where: { $0.verdict == .bad }) { throw ExitCode(1) }
  }
}
