import ArgumentParser
import ChatTemplates
import Decoding
import Diagnostics
import FineTuningNodes
import Foundation
import Generation
import Glibc
import Pipeline
import Tokenization

/// `anneal chat`: talk to a model, an adapter or what a run made.
struct ChatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat", abstract: "Talks to a model: a folder, a GGUF file, an adapter, or a node of a run.",
    discussion: """
      Answers stream to standard output, everything else goes to standard error. Without --prompt each line of standard \
      input is a turn of one conversation; an empty line is skipped, and the end of input ends it.
      """)

  @OptionGroup var workplace: Workplace

  @Argument(
    help: ArgumentHelp(
      "A model folder, a .gguf file, a PEFT folder, or RUN:NODE such as last:sft.", valueName: "model"))
  var target: String

  @Option(help: "The base of an adapter: a model folder or a .gguf file.")
  var base: String?

  @Option(help: "Answer this once and end.")
  var prompt: String?

  @Option(help: "The system text of the conversation.")
  var system: String?

  @Option(help: "`auto` for the model's own chat template, or a Jinja file.")
  var template = "auto"

  @Option(help: "0 always takes the likeliest token; 1 samples as the model says.")
  var temperature: Float = 0

  @Option(help: "Sample from this many of the likeliest tokens only.")
  var topK: Int?

  @Option(help: "Sample from the likeliest tokens that together reach this probability.")
  var topP: Float?

  @Option(help: "Sample from tokens at least this fraction as likely as the likeliest.")
  var minP: Float?

  @Option(help: "Above 1 makes tokens that stand in the text already less likely.")
  var repetitionPenalty: Float = 1

  @Option(help: "Decides what is sampled.")
  var seed: UInt64 = 42

  @Option(help: "The longest answer, in tokens.")
  var maxTokens = 512

  @Option(help: "Threads to compute with.")
  var threads = RunOptions.machineCores

  func validate() throws {
    func check(_ option: String, _ wanted: String, _ holds: Bool) throws {
      guard holds else { throw ValidationError("`--\(option)` must be \(wanted).") }
    }
    try check("temperature", "at least 0", temperature >= 0 && temperature.isFinite)
    try check("top-k", "above 0", topK.map { $0 > 0 } ?? true)
    try check("top-p", "above 0 and at most 1", topP.map { $0 > 0 && $0 <= 1 } ?? true)
    try check("min-p", "from 0 to 1", minP.map { $0 >= 0 && $0 <= 1 } ?? true)
    try check("repetition-penalty", "above 0", repetitionPenalty > 0 && repetitionPenalty.isFinite)
    try check("max-tokens", "above 0", maxTokens > 0)
    try check("threads", "from 1 to 128", (1...128).contains(threads))
  }

  func run() throws {
    try reportingProblems {
      let source = try ChatSource.find(target, base: base, workplace)
      let tokenizer = try source.tokenizer()
      let conversation = ChatConversation(
        template: try chatTemplate(of: tokenizer, source.format),
        generator: TextGenerator(try source.model(threads: threads), tokenizer: tokenizer), sampling: sampling,
        maximumTokens: maxTokens, stops: Set(tokenizer.endOfTurnIDs).union(source.format?.stops ?? []),
        system: system)
      if let prompt {
        try answer(prompt, in: conversation)
        return tell(of: conversation, source.format)
      }
      var hasTold = false
      let isTerminal = isatty(STDIN_FILENO) != 0
      while true {
        if isTerminal { FileHandle.standardError.write(Data("> ".utf8)) }
        guard let line = readLine() else { break }
        if line.allSatisfy(\.isWhitespace) { continue }
        do {
          try answer(line, in: conversation)
          if !hasTold { tell(of: conversation, source.format) }
          hasTold = true
        } catch let error as GenerationError {
          // A turn that does not fit leaves the conversation as it was.
          Terminal.report(error.diagnostics)
        }
      }
    }
  }

  private var sampling: SamplingSettings {
    SamplingSettings(
      temperature: temperature, topK: topK, topP: topP, minP: minP, repetitionPenalty: repetitionPenalty, seed: seed)
  }

  /// The template of a file, else the one that the model was trained with, else the tokenizer's own.
  private func chatTemplate(of tokenizer: Tokenizer, _ format: ConversationFormat?) throws -> ChatTemplate {
    if template != "auto" { return try ChatTemplate(source: readText(template), name: template) }
    if let format { return try ChatTemplateSet(format).template(hasTools: false) }
    return try ChatTemplateSet(tokenizer).template(hasTools: false)
  }

  /// A date in the prompt is today's, which is another than in training.
  private func tell(of conversation: ChatConversation, _ format: ConversationFormat?) {
    guard let date = conversation.printedDate else { return }
    let trained = format.map { "; in training it printed \($0.date)" } ?? ""
    Terminal.say("The chat template prints today's date, \(date)\(trained)")
  }

  private func answer(_ text: String, in conversation: ChatConversation) throws {
    let answer = try conversation.say(text) { Terminal.stream($0) }
    Terminal.stream("\n")
    var words = "\(answer.ids.count) tokens"
    if let speed = answer.tokensPerSecond { words += String(format: ", %.1f tokens/s", speed) }
    words += String(format: ", the first after %.2f s", answer.secondsToFirstToken)
    if answer.ending == .length { words += ", cut at --max-tokens" }
    if answer.ending == .context { words += ", cut where the model's context ends" }
    Terminal.say(words)
  }
}
