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
    case .mappedColumnNowhere(let name, let column, let nearest):
      return (
        "No row has a column `\(name)`, which `columns` names as `\(column)`", "columns.\(column)", nil,
        nearest.map { "`\($0)`" } ?? "name a column that is there, or take the line out"
      )
    case .ignoredAndMapped(let name):
      return ("Column `\(name)` is mapped and ignored at once", "ignore_columns", nil, "take it out of one of the two")
    case .keptWithoutUse(let kind):
      return (
        "`keep_columns` has no effect on rows of kind `\(kind)`", "keep_columns",
        "columns travel with prompts, for the reward functions that judge what the model answers",
        "take the line out, or say `format: prompt`"
      )
    case .ignoredAndKept(let name):
      return ("Column `\(name)` is kept and ignored at once", "keep_columns", nil, "take it out of one of the two")
    case .keptColumnNowhere(let name, let nearest):
      return (
        "No row has a value in column `\(name)`, which `keep_columns` names", "keep_columns", nil,
        nearest.map { "`\($0)`" } ?? "name a column that is there, or take it out"
      )
    case .ambiguousColumn(let meaning, let names):
      return (
        "The columns \(list(names)) both stand for the \(meaning), and differ", names.first, nil,
        "say which one is meant with `columns: {\(meaning): \(names.first ?? "")}`, and name the other in "
          + "`ignore_columns`"
      )
    case .unreadColumn(let name, let format, let rows, let reason):
      return (
        "Column `\(name)` says something that format `\(format)` does not read, in \(rows) rows", name, reason,
        format == RowFormat.prompt.rawValue
          ? "name it in `keep_columns` where a reward function reads it, or in `ignore_columns` to leave it out"
          : "map it with `columns`, or name it in `ignore_columns` to leave it out"
      )
    case .undesiredAnswers(let column, let rows):
      return (
        "Column `\(column)` is not `true` in \(rows == 1 ? "1 row" : "\(rows) rows"): their answers are examples of what "
          + "not to say", column,
        "KTO learns from such rows, other training would learn to say them",
        "say `format: judged` for KTO, or take these rows out; where the column means something else, name it in "
          + "`ignore_columns`"
      )
    case .twoSystemTexts(let column):
      return (
        "Column `\(column)` and the system message of the conversation differ", column,
        "a conversation has one of them",
        "name the column in `ignore_columns`, or take the message out"
      )
    case .noWeight(let weight, let field):
      return (
        "\(weight) is no weight", field,
        "a message counts 0 or more as `weight`, `loss_weight` or `loss`; other marks say whether it is learned",
        "write a number from 0, or true or false"
      )
    case .spanOutside(let start, let end, let characters, let field):
      return (
        "There are no characters \(start) to \(end) in the message", field,
        "its content has \(characters); `start` counts from 0, and `end` stands behind the last one",
        "count in characters (Unicode code points), not in bytes"
      )
    case .weightedAnswer(let field, let isOfPair):
      return (
        "\(isOfPair ? "An answer of the pair" : "The answer") has weights", field,
        isOfPair ? "both answers of a pair are compared as they are" : "the label judges the whole answer",
        "take the weights out"
      )
    case .thoughtsDisagree(let first, let second, let field):
      return (
        "`\(first)` and `\(second)` say different things", field,
        "both hold what the assistant thinks, and templates write one of them", "keep one of the two"
      )
    case .nullAnswer(let column):
      return (
        "Column `\(column)` is null in the first row, so that the format cannot be told", column,
        "a pair needs both answers, `chosen` and `rejected`",
        "give the row both, or take it out; where no pairs are meant, name the format with `format:`"
      )
    case .marksDisagree(let first, let second, let field):
      return (
        "`\(first)` and `\(second)` disagree on whether the message is learned", field, nil, "keep one of the two"
      )
    case .learnedByMark(let role, let field):
      return (
        "A message of role `\(role)` is marked to be learned", field, "only what the assistant says is learned",
        "take the mark out, or give the text to the assistant"
      )
    case .unlearnedAnswer(let field, let isOfPair):
      return (
        "\(isOfPair ? "An answer of the pair" : "The answer") is marked not to be learned", field,
        isOfPair ? "both answers of a pair are compared whole" : "the label judges the whole answer",
        "take the mark out"
      )
    case .noJudgement(let column, let found):
      return (
        "Column `\(column)` is \(found) where `true` or `false` is needed", column,
        "it says whether the answer is one to give or one to avoid",
        "write `true` or `false`; where the column means something else, name it in `ignore_columns`"
      )
    case .nothingJudged(let columns):
      return (
        "The row has a label and no answer", nil, "its columns are \(list(columns))",
        "a row has `messages`, `prompt` and `completion`, or `instruction` and `output`"
      )
    case .answerWithoutPrompt(let field):
      return ("The answer has no prompt", field, "nobody says anything before it", "put the question before it")
    case .numberOutOfRange(let number, let column):
      return ("Column `\(column)` is \(number), which a number of 32 bits does not hold", column, nil, nil)
    case .promptsDiffer(let first, let second):
      return (
        "The prompts of the two answers differ", first, "`\(first)` and `\(second)` are not the same",
        "give both answers the same prompt, or remove the row"
      )
    case .pairWithoutPrompt:
      return (
        "The pair has no prompt", nil, "no column holds one, and the two answers share no beginning",
        "name the prompt's column with `columns: {prompt: ...}`"
      )
    case .differsFromPair(let field):
      return (
        "The conversation in `\(field)` is neither the prompt nor the chosen one", field, nil,
        "name the column in `ignore_columns` to leave it out"
      )
    case .invalidTool(let field, let reason): return ("The tool cannot be read", field, reason, nil)
    case .tooLong(let tokens, let limit):
      return (
        "The row has \(tokens) tokens, more than `max_length` \(limit)", nil, "`overlong` is `error`",
        "raise `max_length`, or say `overlong: truncate` or `overlong: drop`"
      )
    case .promptTooLong(let tokens, let limit):
      return (
        "The prompt has \(tokens) tokens, more than `max_length` \(limit)", nil,
        "a prompt that is cut asks something else, so `overlong: truncate` cuts none",
        "raise `max_length`, or say `overlong: drop`"
      )
    case .nothingLeft(let reason): return ("No row is left to learn from", nil, reason, nil)
    case .damagedGroup(let reason): return ("A record group cannot be read", nil, reason, nil)
    case .notTokenized(let error):
      let cause = error.diagnostics.first
      return (
        "The row cannot be tokenised: \(cause?.summary ?? "")", cause?.path, cause?.reason, cause?.advice
      )
    }
  }
}
