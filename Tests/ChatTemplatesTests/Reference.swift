import ChatTemplates
import Foundation
import PreciseJSON
import TestKit

// Expected values come from `scripts/reference/chat_templates.py`.

/// A fixture of this module as JSON.
func reference(_ name: String) throws -> JSON {
  let data = try Data(contentsOf: URL(fileURLWithPath: fixture("ChatTemplates/" + name)))
  return try data.withUnsafeBytes { try JSONReader.read($0, file: name) }
}

/// One of the template fixtures.
func template(_ name: String) throws -> ChatTemplate {
  let path = fixture("ChatTemplates/templates/\(name).jinja")
  return try ChatTemplate(
    source: String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self), name: name)
}

func messages(_ json: JSON) -> [ChatMessage] { (json.array ?? []).compactMap { ChatMessage(json: $0) } }

/// The date at which the fixtures were made.
let frozen: @Sendable () -> TemplateClock = {
  TemplateClock(year: 2024, month: 7, day: 6, hour: 5, minute: 4, second: 3)
}

extension String {
  func isSame(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
