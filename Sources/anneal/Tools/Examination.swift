import Diagnostics
import Foundation
import Glibc
import Pipeline
import PreciseJSON
import Tensors

/// What may make trouble on this machine, found before it does.
struct Examination {
  enum Verdict: String {
    case fine
    case warning
    case bad
  }

  struct Finding {
    var subject: String
    var verdict: Verdict
    var words: String

    var json: JSON {
      ["subject": JSON(subject), "verdict": JSON(verdict.rawValue), "words": JSON(words)]
    }
  }

  private let place: Store
  private let folder: String
  private(set) var findings: [Finding] = []

  init(store: Store, project: String) {
    place = store
    folder = project
  }

  private mutating func find(_ subject: String, _ words: String, _ verdict: Verdict = .fine) {
    findings.append(Finding(subject: subject, verdict: verdict, words: words))
  }

  // MARK: The machine

  mutating func machine() {
    do {
      let kernels = try KernelSet.chosenByEnvironment()
      let isSlow = kernels.name == .scalar
      find(
        "processor",
        "kernels `\(kernels.name.rawValue)`, `compute: auto` takes \(ComputeClass.best(kernels).rawValue)"
          + (isSlow ? "; without AVX2 everything is many times slower" : ""), isSlow ? .warning : .fine)
    } catch { find("processor", diagnostics(of: error).first?.summary ?? "\(error)", .bad) }
    cores()
    memory()
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      let isLow = limit.rlim_cur < 256
      find(
        "open files", "\(limit.rlim_cur)" + (isLow ? "; raise it with `ulimit -n 1024`" : ""), isLow ? .warning : .fine)
    }
  }

  private mutating func cores() {
    let cores = RunOptions.machineCores
    var words = "\(cores)"
    var verdict = Verdict.fine
    // `<quota> <period>` in microseconds, or `max <period>`.
    if let parts = Self.firstLine("/sys/fs/cgroup/cpu.max")?.split(separator: " ").compactMap({ Double($0) }),
      parts.count == 2, parts[0] / parts[1] < Double(cores) - 0.01
    {
      let share = parts[0] / parts[1]
      words +=
        ", of which this control group may use \(EventWords.value(share, .plain)): run with `--cores \(max(1, Int(share)))`"
      verdict = .warning
    }
    var loads = [0.0]
    if getloadavg(&loads, 1) == 1, loads[0] > Double(cores) * 1.5 {
      words +=
        ", busy with \(EventWords.value(loads[0], .plain)) threads of others: a training takes longer than it would"
      verdict = .warning
    }
    find("cores", words, verdict)
  }

  private mutating func memory() {
    let whole = RunOptions.machineMemory
    var words = byteCount(whole)
    var verdict = Verdict.fine
    if let limit = Self.firstLine("/sys/fs/cgroup/memory.max").flatMap({ Int($0) }), limit < whole {
      words += ", of which this control group may use \(byteCount(limit)); the plan counts with the whole"
      verdict = .warning
    }
    if let free = Self.availableMemory {
      words += ", \(byteCount(free)) free"
      if free < 2 << 30 {
        words += ": models of half a billion parameters and more will not fit"
        verdict = .warning
      }
    }
    find("memory", words, verdict)
  }

  private static func firstLine(_ path: String) -> String? {
    (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n").first.map(String.init)
  }

  private static var availableMemory: Int? {
    let lines = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let line = lines.first { $0.hasPrefix("MemAvailable:") }
    return line?.split(separator: " ").compactMap { Int($0) }.first.map { $0 << 10 }
  }

  // MARK: The store

  mutating func store() {
    let files = FileSystem()
    var existing = place.path
    while existing != "/", (try? pathKind(existing)) == nil {
      existing = URL(fileURLWithPath: existing).deletingLastPathComponent().path
    }
    let isThere = existing == place.path
    if access(existing, W_OK) != 0 {
      find("store", "`\(existing)` may not be written: name another place with `--store` or $ANNEAL_STORE", .bad)
    } else {
      find("store", "`\(place.path)`" + (isThere ? "" : ", which the first run makes"))
    }
    if let (words, verdict) = Self.fileSystem(existing) { find("store's disk", words, verdict) }
    if let free = try? files.freeBytes(existing) {
      let isFull = free < 512 << 20
      find(
        "room",
        "\(byteCount(free)) free" + (free < 8 << 30 ? "; `anneal cache gc` removes what no recent run used" : ""),
        isFull ? .bad : free < 8 << 30 ? .warning : .fine)
    }
    if isThere, let found = try? place.statistics(), found.leftovers > 0 {
      find(
        "leftovers", "\(byteCount(found.leftoverSize)) of killed runs; `anneal cache gc` removes them", .warning)
    }
  }

  /// Kinds of file systems that a store does not do well on.
  private static func fileSystem(_ path: String) -> (words: String, verdict: Verdict)? {
    let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8))?.split(separator: "\n") ?? []
    let places = mounts.compactMap { line -> (place: Substring, kind: Substring)? in
      let words = line.split(separator: " ")
      guard words.count > 2, path == words[1] || words[1] == "/" || path.hasPrefix(words[1] + "/") else { return nil }
      return (words[1], words[2])
    }
    // Of two in one place the later one holds.
    guard let kind = places.reversed().max(by: { $0.place.count < $1.place.count })?.kind else { return nil }
    switch kind {
    case "tmpfs", "ramfs": return ("kept in memory: it is gone when the machine stops", .warning)
    case "nfs", "nfs4":
      return (
        "NFS: many small files are slow there; a local store with `--cache FOLDER` for others is faster", .warning
      )
    case "cifs", "smb3", "vfat", "exfat":
      return ("\(kind): it has no hard links, which a store is made of", .bad)
    case _ where kind.hasPrefix("fuse"): return ("\(kind): links and locks may be missing", .warning)
    default: return nil
    }
  }

  // MARK: The folder

  mutating func project() {
    if access(folder, W_OK) != 0 {
      find("folder", "`\(folder)` may not be written, so no run can be recorded here: start in another one", .bad)
      return
    }
    let history = RunHistory(project: folder)
    let unreadable = (try? history.unreadable().count) ?? 0
    if unreadable > 0 {
      find("folder", "\(unreadable) records of runs cannot be read; `anneal runs` names them", .warning)
    }
    let runs = (try? history.runs()) ?? []
    var seen: Set<String> = []
    // Of each pipeline its newest run.
    let open = runs.filter { seen.insert($0.pipeline).inserted && ($0.isAbandoned || $0.state == .interrupted) }
    for run in open {
      find(
        "folder",
        "run \(run.id) of `\(run.pipeline)` was \(run.isAbandoned ? "killed" : "interrupted"): `anneal run \(run.file)` goes on",
        .warning)
    }
    if unreadable == 0, open.isEmpty {
      find("folder", runs.isEmpty ? "nothing has run here yet" : "\(runs.count) runs, none of them left open")
    }
  }

  // MARK: Caches

  mutating func caches(_ remotes: RemoteCaches) {
    for answer in remotes.answers() {
      let subject = "cache `\(answer.cache)`"
      let time = String(format: "answers in %.0f ms", answer.seconds * 1000)
      if let problem = answer.problem {
        find(subject, "does not answer: \(problem); runs do without it", .warning)
      } else if answer.isWritable, answer.canTake == false {
        find(subject, "gives, and may not be written: nothing is put there", .warning)
      } else {
        let use =
          !answer.isWritable
          ? "gives"
          : answer.canTake == true
            ? "takes and gives" : "gives; whether it takes is seen when a run puts something there"
        find(subject, "\(use); \(time)", answer.seconds > 1 ? .warning : .fine)
      }
    }
  }
}
