import Decoding
import Generation
import PreciseJSON

/// Answers as they are written: an object a line, and a page to read.
struct AnswerSheet {
  private(set) var lines = ""
  private(set) var page = ""

  /// - Parameter label: The answer that the row has, where the prompt is a row's.
  mutating func add(_ prompt: String, _ answer: TextGenerator.Answer, label: String? = nil) {
    var object: [(key: String, value: JSON)] = [("prompt", JSON(prompt)), ("answer", JSON(answer.text))]
    if let label { object.append(("label", JSON(label))) }
    object += [("ending", JSON(answer.ending.rawValue)), ("tokens", JSON(answer.ids.count))]
    lines += JSON(object).text() + "\n"
    page += "**\(prompt)**\n\n\(answer.text)\n\n"
  }
}
