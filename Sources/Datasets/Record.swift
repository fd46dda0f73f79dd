import ChatTemplates
import PreciseJSON

/// One example in the form that all file formats are brought to.
package enum Record: Sendable {
  /// A conversation; what the assistant says is learned.
  case conversation(Conversation)
  /// A text; all of it is learned.
  case text(String)
  /// A prompt with a preferred and another answer.
  case preference(Preference)

  /// What records of a dataset are; all records of one dataset are of one kind.
  package enum Kind: String, Sendable, CaseIterable {
    case conversation
    case text
    case preference
  }

  package var kind: Kind {
    switch self {
    case .conversation: .conversation
    case .text: .text
    case .preference: .preference
    }
  }
}

/// Messages and the tools that the assistant may call.
package struct Conversation: Sendable {
  package var messages: [ChatMessage]
  /// A list of function schemas, or nil.
  package var tools: JSON?

  package init(messages: [ChatMessage], tools: JSON? = nil) {
    self.messages = messages
    self.tools = tools
  }
}

/// Two answers to one prompt, the first of which is preferred.
package struct Preference: Sendable {
  package var prompt: Conversation
  /// The messages of the preferred answer: one, or calls with what tools answered and what was said then.
  ///
  /// What the assistant says in them is compared.
  package var chosen: [ChatMessage]
  package var rejected: [ChatMessage]

  package init(prompt: Conversation, chosen: [ChatMessage], rejected: [ChatMessage]) {
    self.prompt = prompt
    self.chosen = chosen
    self.rejected = rejected
  }
}
