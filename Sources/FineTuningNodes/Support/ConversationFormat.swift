import ChatTemplates
import Datasets
import Foundation
import Pipeline
import PreciseJSON
import Tokenization

/// How the conversations were laid out that a model learned from: what must be the same when it answers.
///
/// It stands in the details of rendered rows, of tokens, and of the models that were trained on them, so that no later node
/// has to be told of it. Plain texts have none.
package struct ConversationFormat: Sendable, Hashable {
  /// The chat templates; one named `default`, as a rule.
  package var templates: [ChatTemplateSources.Entry]
  /// The day that templates which print a date were rendered for, such as `2024-07-26`.
  package var date: String
  /// The tokens that end an answer: those of the tokenizer, and the template's own end mark.
  package var stops: [Int32]

  /// The day for which templates that print one are rendered where nothing else is said.
  package static let defaultDate = RecordRenderer.defaultDay.date

  /// The format of templates with a tokenizer.
  ///
  /// - Throws: ``TemplateError``.
  package init(_ templates: [ChatTemplateSources.Entry], date: String, tokenizer: Tokenizer) throws {
    self.templates = templates
    self.date = date
    stops = tokenizer.endOfTurnIDs
    if let mark = try Self.endMark(of: ChatTemplateSet(self), date: date, tokenizer), !stops.contains(mark) {
      stops.append(mark)
    }
  }

  /// The first token of its own after an answer; nil where the template writes none, or no plain conversation.
  private static func endMark(of set: ChatTemplateSet, date: String, _ tokenizer: Tokenizer) throws -> Int32? {
    let answer = "Yes indeed"
    let messages = [
      ChatMessage(role: "user", content: "Really?"), ChatMessage(role: "assistant", content: answer),
    ]
    let day = TemplateClock(date: date)
    // A template that refuses the example says nothing about its marks.
    guard let template = try? set.template(hasTools: false),
      let text = try? template.render(
        messages, addGenerationPrompt: false, specialTokens: tokenizer.templateTokens,
        clock: { day ?? TemplateClock.now() }
      ).text, let end = text.range(of: answer, options: .backwards)
    else { return nil }
    let added = Set(tokenizer.addedTokens.map(\.id))
    return try tokenizer.encode(String(text[end.upperBound...])).first { added.contains($0) }
  }

  // MARK: Details

  private static let key = "format"

  /// Reads what ``put(into:)`` wrote; nil where there is none.
  package init?(_ details: JSONObject) {
    guard let json = details[Self.key], let date = json["date"]?.string, let list = json["templates"]?.array else {
      return nil
    }
    self.date = date
    stops = (json["stops"]?.array ?? []).compactMap(\.int).compactMap { Int32(exactly: $0) }
    templates = list.compactMap { entry in
      guard let name = entry["name"]?.string, let source = entry["source"]?.string else { return nil }
      return ChatTemplateSources.Entry(name: name, source: source)
    }
  }

  /// Puts the format into the details of an artefact.
  func put(into details: inout JSONObject) {
    details[Self.key] = [
      "date": JSON(date), "stops": .array(stops.map { JSON(Int($0)) }),
      "templates": .array(templates.map { ["name": JSON($0.name), "source": JSON($0.source)] }),
    ]
  }

  /// Takes what an artefact says of its format over into the details of another, and nothing where it says none.
  static func take(from source: JSONObject, into details: inout JSONObject) {
    if let format = source[key] { details[key] = format }
  }
}

extension ChatTemplateSet {
  /// The templates that a model was trained with.
  ///
  /// - Throws: ``TemplateError``.
  package init(_ format: ConversationFormat) throws {
    try self.init(format.templates.map { ($0.name, $0.source) })
  }
}
