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
  /// A prompt with an answer that was judged.
  case judged(JudgedAnswer)
  /// A prompt that is yet to be answered, with the columns that travel along for those who judge the answers: an object,
  /// nil where there are none.
  case prompt(Conversation, columns: JSON? = nil)

  /// What records of a dataset are; all records of one dataset are of one kind.
  package enum Kind: String, Sendable, CaseIterable {
    case conversation
    case text
    case preference
    case judged
    case prompt

    /// Whether several of them may share a row of tokens.
    package var isPacked: Bool { self == .conversation || self == .text }
  }

  package var kind: Kind {
    switch self {
    case .conversation: .conversation
    case .text: .text
    case .preference: .preference
    case .judged: .judged
    case .prompt: .prompt
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
  /// By how much the first is preferred, a finite number of 32 bits; 0 where that is not said.
  package var margin: Double

  package init(prompt: Conversation, chosen: [ChatMessage], rejected: [ChatMessage], margin: Double = 0) {
    self.prompt = prompt
    self.chosen = chosen
    self.rejected = rejected
    self.margin = margin
  }
}

/// An answer to a prompt, and whether it is one to give or one to avoid.
package struct JudgedAnswer: Sendable {
  package var prompt: Conversation
  /// The messages of the answer: one, or calls with what tools answered and what was said then.
  package var answer: [ChatMessage]
  package var isWanted: Bool

  package init(prompt: Conversation, answer: [ChatMessage], isWanted: Bool) {
    self.prompt = prompt
    self.answer = answer
    self.isWanted = isWanted
  }
}
