import Diagnostics

/// What is wrong with the files and groups that a pipeline file builds on.
extension LanguageProblem {
  var assemblyWords: Words? {
    switch self {
    case .missingFile(let file, let reason, let nearest):
      Words(
        "missing-file", "Cannot read `\(file)`", why: reason ?? "there is no such file",
        try: nearest ?? "Paths of files that a pipeline file builds on start in its own folder")
    case .fileBehindItself(let file, let behind):
      Words(
        "file-cycle", "`\(file)` builds on itself",
        why: (behind + [file]).map { "`\($0)`" }.joined(separator: " → "), try: "Take one of these steps out")
    case .nothingTaken(let name, let names):
      Words(
        "nothing-taken", "`\(name): null` takes nothing away",
        why: "the file that this one extends has no node of this name",
        try: Self.nearest(name, names, others: "Its nodes"))
    case .includedTwice(let area, let name):
      Words(
        "included-twice", "`\(name)` stands under `\(area)` of two files",
        why: "`include` puts files beside each other, and a name means one thing",
        try: "Rename one of them, or say `extends:` where this file is to change the other")
    case .notIncluded(let key):
      Words(
        "not-included", "`\(key)` of an included file has no effect",
        why: "`include` takes [`params`, `nodes`, `groups`]", try: "Move it into the file that includes this one")
    case .unknownGroup(let name, let names):
      Words(
        "unknown-group", "Unknown group `\(name)`",
        why: names.isEmpty ? "the file has no `groups`" : nil,
        try: Self.nearest(name, names, others: "Groups") ?? "Name a file that holds the group, such as `\(name).yaml`")
    case .groupInItself(let name, let behind):
      Words(
        "group-cycle", "Group `\(name)` stands in itself",
        why: (behind.drop { $0 != name } + [name]).map { "`\($0)`" }.joined(separator: " → "))
    case .unknownGroupKey(let key, let group, let names):
      Words(
        "unknown-key", "Unknown key `\(key)`", why: "group `\(group)` has \(Self.list(names))",
        try: nearestName(to: key, among: names).map { "`\($0)`" })
    case .groupWithoutNodes(let name):
      Words("no-nodes", "Group `\(name)` has no `nodes`", try: "Give it some: `nodes: {NAME: {type: …}}`")
    case .unknownGroupParam("type", let group, _):
      Words(
        "unknown-param", "`type` stands beside `group: \(group)`",
        why: "a node is of a type, or stands for the nodes of a group", try: "Remove one of the two")
    case .unknownGroupParam(let name, let group, let names):
      Words(
        "unknown-param", "Group `\(group)` has no param `\(name)`",
        why: names.isEmpty ? "it has none" : "it has \(Self.list(names))",
        try: nearestName(to: name, among: names).map { "`\($0)`" })
    case .missingGroupParam(let name, let group):
      Words(
        "missing-param", "Group `\(group)` needs `\(name)`", why: "its param has no value of its own",
        try: "Give one: `\(name): …`")
    case .groupNameTaken(let name):
      Words(
        "duplicate-node", "Two nodes are called `\(name)`",
        why: "the nodes of a group are called NODE-INNER", try: "Rename one of them")
    case .severalEnds(let name, let ends):
      Words(
        "several-outputs", "`\(name)` stands for \(Self.list(ends))",
        why: "the group says nothing else with `outputs`", try: "Name one of them")
    case .unusedGroup(let name):
      Words("unused-group", "No node uses the group `\(name)`", try: "Remove it, or name it: `{group: \(name)}`")
        .asWarning()
    default: nil
    }
  }
}
