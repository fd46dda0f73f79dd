import Diagnostics
import Tokenization

extension DatasetError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    let (summary, path, reason, advice) = words
    return [
      Diagnostic(
        code: "dataset", summary, at: Place(file: file, line: line, row: row), path: path, reason: reason,
        advice: advice)
    ]
  }

  private var words: (summary: String, path: String?, reason: String?, advice: String?) {
    func list(_ names: [String]) -> String { "[\(names.map { "`\($0)`" }.joined(separator: ", "))]" }
    switch problem {
    case .unreadable(let reason): return ("The dataset cannot be read", nil, reason, nil)
    case .foreignFile(let kind):
      let (summary, reason, advice) = kind.words
      return (summary, nil, reason, advice)
    case .empty: return ("The dataset is empty", nil, "it has no rows", "put at least one row into it")
    case .brokenList(let expected, let found):
      let place = found.map { "found `\($0 < 0x80 ? String(UnicodeScalar($0)) : "byte \($0)")`" } ?? "the file ends"
      return ("The list of rows is broken: \(place) where \(expected) was expected", nil, nil, nil)
    case .notAnObject(let found): return ("The row is \(found), not an object", nil, nil, nil)
    case .invalidUTF8: return ("The row is not UTF-8", nil, nil, "save the file as UTF-8")
    case .unknownFormat(let columns):
      return (
        "The format of the dataset cannot be told from its columns \(list(columns))", nil,
        "no rule of `format: auto` matches", "name the format with `format:`, and the columns with `columns:`"
      )
    case .missingColumn(let column, let format, let columns, let nearest):
      return (
        "The row has no column `\(column)`, which format `\(format)` needs", column,
        "its columns are \(list(columns))", nearest.map { "`\($0)`" }
      )
    case .wrongColumnType(let column, let expected, let found):
      return ("Column `\(column)` is \(found) where \(expected) is needed", column, nil, nil)
    case .emptyColumn(let column): return ("Column `\(column)` is empty", column, nil, "fill it or remove the row")
    case .unknownRole(let role, let field, let known, let nearest):
      return ("Unknown role `\(role)`", field, "known roles are \(list(known))", nearest.map { "`\($0)`" })
    case .rolesOutOfOrder(let field, let found, let expected):
      return ("A message of role `\(found)` stands where \(expected) is expected", field, nil, nil)
    case .noAnswer(let field):
      return (
        "The row has no answer to learn from", field, "the last message is not the assistant's",
        "end the conversation with an assistant message, or remove the row"
      )
    case .invalidToolCall(let field, let reason): return ("The tool call cannot be read", field, reason, nil)
    case .unsupportedPart(let field, let type):
      return ("Content of type `\(type)` is not supported", field, "only text is", "remove the row")
    case .equalAnswers:
      return (
        "Chosen and rejected answers are the same", "chosen", "a pair teaches nothing when its answers are equal",
        "remove the row"
      )
    case .columnWithoutUse(let column, let format):
      return ("Format `\(format)` has no use for a column named as `\(column)`", "columns.\(column)", nil, nil)
    case .tooLong(let tokens, let limit):
      return (
        "The row has \(tokens) tokens, more than `max_length` \(limit)", nil, "`overlong` is `error`",
        "raise `max_length`, or say `overlong: truncate` or `overlong: drop`"
      )
    case .nothingLeft(let reason): return ("No row is left to learn from", nil, reason, nil)
    case .damagedGroup(let reason): return ("A record group cannot be read", nil, reason, nil)
    case .notTokenized(let error):
      let cause = error.diagnostics.first
      return (
        "The row cannot be tokenised: \(cause?.summary ?? "")", cause?.path, cause?.reason, cause?.advice
      )
    case .template(let words): return ("The row cannot be rendered: \(words)", nil, nil, nil)
    }
  }
}
