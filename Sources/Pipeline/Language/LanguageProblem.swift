import Diagnostics

/// Something wrong with a pipeline file, with the evidence; worded in `LanguageProblem+Wording.swift`.
enum LanguageProblem: Error, Sendable {
  // The text
  case tooLarge(Int, limit: Int)
  case utf16
  case invalidUTF8
  case controlCharacter(Unicode.Scalar)
  case empty
  case tabIndent
  case syntax(problem: String, context: String?, contextMark: Mark?)
  case severalDocuments
  case unknownTag(String)
  case unknownAlias(String, among: [String])
  case selfAlias(String)
  case aliasBomb(String, limit: Int)
  case tooDeep(limit: Int)
  case keyNotScalar
  case mergeKey
  case duplicateKey(String)

  // Scalars
  case notABool(String)
  case notANumber(String, wanted: String)
  case notFinite(String, wanted: String)
  case digitSeparators(String, advice: String)
  /// A comma in place of the decimal point; `thousands` where it may have been meant to part thousands.
  case decimalComma(String, wanted: String, decimal: String, thousands: String?)
  case leadingZero(String, advice: String)
  case quoted(String, wanted: String)
  case numberTooLarge(String)
  case notWhole(String)
  case outOfRange(value: String, range: String)
  case unknownChoice(String, among: [String])
  case notATime(String)
  case notMemory(String)
  case emptyPath
  case pathWithZero
  /// Written as a shell would read it.
  case homePath(String)
  case webPath(String)
  case noValue(name: String, wanted: String)
  case wantsScalar(wanted: String, found: String)
  case wantsList(found: String)
  case wantsMap(found: String, names: [String])
  case wantsFreeMap(found: String, example: String)

  // Caches
  case badCache(CacheAddress.Problem)
  case badHeader(String)
  /// A secret that stands where the name of a variable is wanted, which is not repeated.
  case notAVariable(name: String)
  case notAKey(String)

  // The pipeline
  case notAPipeline(found: String)
  case unknownTopLevel(String, among: [String])
  case unknownSetting(String, among: [String])
  case missingTopLevel(String, advice: String)
  case topLevelKind(String, wanted: String, found: String)
  case noNodes
  case badName(kind: String, name: String)
  case badPipelineName(String)
  case longName(kind: String, name: String, limit: Int)
  case nodeNotMap(String, found: String)
  case nodeWithoutType(String, types: [String])
  case unknownType(String, among: [String])
  /// `inside` are the maps among the node's fields that have such a field.
  case unknownKey(
    String, node: String, type: String, among: [String], idle: [FieldDecoder.IdleName], inside: [String])
  case unknownGroupField(String, among: [String], idle: [FieldDecoder.IdleName])
  /// A field or input is given where none of its conditions holds.
  ///
  /// `failing` is what the nearest of them lacks, `found` the texts that the field it names has instead.
  case noEffect(
    String, [FieldCondition], failing: FieldCondition.Term, found: [String]?, isGiven: Bool)
  case missingField(String, doc: String)
  case missingPort(String, types: [String], advice: String?)
  /// Results of a type that reads nothing from outside do not go stale.
  case idleFreshness(type: String)

  // Params
  case paramKind(String, found: String)
  case unknownParam(String, among: [String])
  case laterParam(String)
  case selfParam(String)
  case badParamReference(String)
  case paramInText(String, found: String)
  case paramsTooLarge
  case unusedParam(String)

  // The matrix
  case unknownMatrixKey(String, among: [String])
  case matrixTwice(String)
  case emptyMatrix
  case allExcepted
  case largeMatrix(Int, limit: Int)
  case sameMembers([String])
  /// A row of a list that gives other params than the first one.
  case otherRow(Int, wanted: [String], found: [String])
  /// A row that leaves nothing out; where the command line changed the matrix it may be meant for the one in the file.
  case idleException(isChanged: Bool)
  case idleMatrixParam(String)

  // Files and groups that a file builds on
  case missingFile(String, reason: String?, nearest: String?)
  /// `null` where nothing is to be taken away.
  case nothingTaken(String, among: [String])
  case fileBehindItself(String, behind: [String])
  case includedTwice(area: String, name: String)
  case notIncluded(String)
  case unknownGroup(String, among: [String])
  case groupInItself(String, behind: [String])
  case unknownGroupKey(String, group: String, among: [String])
  case groupWithoutNodes(String)
  case unknownGroupParam(String, group: String, among: [String])
  case missingGroupParam(String, group: String)
  case groupNameTaken(String)
  case severalEnds(String, ends: [String])
  case unusedGroup(String)

  // Overrides
  case overrideForm(String)
  case overrideRoot(String, params: [String])
  case overrideTarget(String, among: [String], what: String)
  case overrideNotMap(String)
  case overrideOfMatrix(String)

  // The graph
  case portNotNode(port: String, found: String)
  case severalNodes(port: String)
  case portNotMap(port: String, found: String)
  case emptyList(port: String)
  case unknownNode(String, among: [String])
  case ownOutput(String)
  case unknownOutput(String, node: String, among: [String])
  case severalOutputs(node: String, outputs: [String])
  case noOutputs(node: String, type: String)
  case cycle([String])
  case portType(
    port: String, node: String, takes: [String], producer: String, output: String, gives: String, fitting: [String])
  case conflict(Inference.Conflict, node: String, producers: [String])
  /// Two nodes put their files into one folder, or one inside the other's.
  case sharedPlace(String, other: String, isSame: Bool)
  /// A node puts its files where another one reads.
  case placeOfSource(String, source: String, node: String)
  case noOutputsListed
  case unusedNode(String)
}

extension LanguageProblem {
  /// The words of one problem.
  struct Words {
    var code: String
    var summary: String
    var reason: String?
    var advice: String?
    var severity = Diagnostic.Severity.error

    init(_ code: String, _ summary: String, why reason: String? = nil, try advice: String? = nil) {
      self.code = code
      self.summary = summary
      self.reason = reason
      self.advice = advice
    }

    func asWarning() -> Words {
      var words = self
      words.severity = .warning
      return words
    }
  }

  func diagnostic(at mark: Mark, path: String? = nil, related: [Diagnostic.Related] = []) -> Diagnostic {
    let words = words
    var related = related
    if case .syntax(_, let context?, let contextMark?) = self, contextMark != mark {
      related.append(Diagnostic.Related(Self.contextWords(context), at: contextMark.place))
    }
    return Diagnostic(
      words.severity, code: words.code, words.summary, at: mark.place, path: path?.isEmpty == true ? nil : path,
      excerpt: mayHoldSecret ? nil : mark.excerpt, reason: words.reason, advice: words.advice, related: related)
  }

  /// Whether the line may hold a password, which messages must not carry into logs.
  private var mayHoldSecret: Bool {
    switch self {
    case .badCache, .notAVariable: true
    default: false
    }
  }

  /// libyaml's name for what it was reading, in words.
  private static func contextWords(_ context: String) -> String {
    switch context {
    case "while parsing a flow mapping": "the `{` is here"
    case "while parsing a flow sequence": "the `[` is here"
    case "while parsing a block mapping": "the map starts here"
    case "while parsing a block collection": "the list starts here"
    case "while scanning a quoted scalar", "while parsing a quoted scalar": "the quote starts here"
    case "while scanning a plain scalar": "the text starts here"
    default: "\(context), which starts here"
    }
  }
}
