import ArgumentParser
import ChatTemplates
import Decoding
import Diagnostics
import FineTuningNodes
import Foundation
import Generation
import Glibc
import Pipeline
import Recipes
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
      "A model folder, a .gguf file, a PEFT folder, RUN:NODE such as last:sft, or a file of LLaMA-Factory's.",
      valueName: "model"))
  var target: String

  @Option(help: "The base of an adapter: a model folder or a .gguf file.")
  var base: String?

  @Option(help: "Answer this once and end.")
  var prompt: String?

  @Option(help: "The system text of the conversation.")
  var system: String?

  @Option(help: "`auto` for the model's own chat template, or a Jinja file. (default: auto)")
  var template: String?

  @Option(help: "0 always takes the likeliest token; 1 samples as the model says. (default: 0)")
  var temperature: Float?

  @Option(help: "Sample from this many of the likeliest tokens only.")
  var topK: Int?

  @Option(help: "Sample from the likeliest tokens that together reach this probability.")
  var topP: Float?

  @Option(help: "Sample from tokens at least this fraction as likely as the likeliest.")
  var minP: Float?

  @Option(help: "Above 1 makes tokens that stand in the text already less likely. (default: 1)")
  var repetitionPenalty: Float?

  @Option(help: "Decides what is sampled.")
  var seed: UInt64 = 42

  @Option(help: "The longest answer, in tokens. (default: 512)")
  var maxTokens: Int?

  @Option(help: "Threads to compute with.")
  var threads = RunOptions.machineCores

  func validate() throws {
    func check(_ option: String, _ wanted: String, _ holds: Bool) throws {
      guard holds else { throw ValidationError("`--\(option)` must be \(wanted).") }
    }
    try check("temperature", "at least 0", temperature.map { $0 >= 0 && $0.isFinite } ?? true)
    try check("top-k", "above 0", topK.map { $0 > 0 } ?? true)
    try check("top-p", "above 0 and at most 1", topP.map { $0 > 0 && $0 <= 1 } ?? true)
    try check("min-p", "from 0 to 1", minP.map { $0 >= 0 && $0 <= 1 } ?? true)
    try check("repetition-penalty", "above 0", repetitionPenalty.map { $0 > 0 && $0.isFinite } ?? true)
    try check("max-tokens", "above 0", maxTokens.map { $0 > 0 } ?? true)
    try check("threads", "from 1 to 128", (1...128).contains(threads))
  }

  func run() throws {
    try reportingProblems {
      let request = try request()
      let source = try ChatSource.find(
        request.map { $0.adapter ?? $0.model } ?? target,
        base: base ?? request.flatMap { $0.adapter == nil ? nil : $0.model }, workplace)
      let tokenizer = try source.tokenizer()
      let conversation = ChatConversation(
        template: try chatTemplate(of: tokenizer, source.format, template ?? request?.template ?? "auto"),
        generator: TextGenerator(try source.model(threads: threads), tokenizer: tokenizer),
        sampling: sampling(request), maximumTokens: maxTokens ?? request?.maximumTokens ?? 512,
        stops: Set(tokenizer.endOfTurnIDs).union(source.format?.stops ?? []), system: system ?? request?.system)
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

  /// What a file of LLaMA-Factory's asks for, where the target is one; options go before it.
  private func request() throws -> ChatRequest? {
    guard [".yaml", ".yml", ".json"].contains(where: { target.hasSuffix($0) }), try pathKind(target) == .file else {
      return nil
    }
    let text = try YAMLText(path: target)
    guard RecipeFile.kind(of: text) == .llamaFactory else { return nil }
    return try LLaMAFactoryFile.chat(text, hub: HubCache(environment: ProcessInfo.processInfo.environment))
  }

  private func sampling(_ request: ChatRequest?) -> SamplingSettings {
    SamplingSettings(
      temperature: temperature ?? request.map { Float($0.temperature) } ?? 0, topK: topK ?? request?.topK,
      topP: topP ?? request?.topP.map { Float($0) }, minP: minP,
      repetitionPenalty: repetitionPenalty ?? request.map { Float($0.repetitionPenalty) } ?? 1, seed: seed)
  }

  /// The template of a file, else the one that the model was trained with, else the tokenizer's own.
  private func chatTemplate(
    of tokenizer: Tokenizer, _ format: ConversationFormat?, _ template: String
  ) throws -> ChatTemplate {
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
