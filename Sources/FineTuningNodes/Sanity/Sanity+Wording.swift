import Diagnostics
import Pipeline
import TensorFiles
import Training

extension EmptyRows {
  package var words: SanityWords {
    guard verdict != .fine else { return SanityWords("every row has something to learn") }
    let (part, whole) = leftOut > 0 ? (leftOut, records) : (seenEmpty, seen)
    return SanityWords(
      "\(part) of \(whole) rows (\(percent(share))) teach nothing",
      reason: "none of their tokens is a label: there is no answer to learn in them, or `max_length` cut it off",
      advice: "look at some of them with `anneal render`, raise `max_length`, or leave them out of the dataset")
  }
}

extension StopToken {
  package var words: SanityWords {
    let names = stops.map { "`\($0.text)` (\($0.id))" }.joined(separator: ", ")
    let summary = "\(ended) of \(answers) answers end with a stop token, \(names)"
    guard verdict != .fine else { return SanityWords(summary) }
    return SanityWords(
      ended == 0 ? "No answer ends with a stop token, \(names)" : summary,
      reason: "a model says what it has learned: this one learns to go on after its answer",
      advice: "use a chat template that ends answers with one of them and marks it as part of the answer, and raise "
        + "`max_length` where it cuts ends off")
  }
}

extension AdapterEffect {
  package var words: SanityWords {
    guard verdict != .fine else { return SanityWords("the adapter changes all of its \(updates.count) linear maps") }
    return SanityWords(
      "The adapter changes nothing at \(without.count) of its \(updates.count) linear maps: \(listed(without))",
      reason: "the product of its two matrices is zero there",
      advice:
        "train longer or with a higher `learning_rate`; maps that stay without effect can be left out of `targets`")
  }
}

extension AdapterStart {
  package var words: SanityWords {
    switch verdict {
    case .fine: SanityWords("the adapter changes all of its \(effect.updates.count) linear maps")
    case .warning where effect.dead.isEmpty:
      SanityWords(
        "The adapter changes nothing yet at \(effect.without.count) of its \(effect.updates.count) linear maps: "
          + listed(effect.without),
        reason: "the product of its two matrices is zero there", advice: "name the folder of the trained adapter")
    case .warning, .error:
      SanityWords(
        "The adapter can never learn at \(effect.dead.count) of its \(effect.updates.count) linear maps: "
          + listed(effect.dead),
        reason: "both of its matrices are zero there, so that neither has a gradient",
        advice: "attach a fresh adapter, or name the folder of the trained one")
    }
  }
}

extension FirstLoss {
  package var words: SanityWords {
    let value = number(loss)
    switch expectation {
    case .tokens(let vocabulary) where loss > range.upperBound:
      return SanityWords(
        "The training starts with a loss of \(value), worse than guessing",
        reason: "a uniform guess among \(vocabulary) tokens has \(number(range.upperBound - Self.aboveGuessing))",
        advice: "make sure that the tokens come from the model's own tokenizer, and that its weights are whole")
    case .tokens where loss < range.lowerBound:
      return SanityWords(
        "The training starts with a loss of \(value): there is hardly anything to learn",
        reason: "the model knows the answers by heart, or they stand in what it is given",
        advice: "look at the labels with `anneal render`")
    case .tokens: return SanityWords("the training starts with a loss of \(value)")
    case .ownReference where verdict == .fine:
      return SanityWords("the training starts with a loss of \(value), which is ln 2 as it should be")
    case .ownReference:
      return SanityWords(
        "The training starts with a loss of \(value) and not with ln 2, \(number(0.693_147))",
        reason: "the model is its own reference, so that all rewards are zero at first; "
          + "rounding leaves \(number(range.lowerBound)) to \(number(range.upperBound))",
        advice: "do not trust the rewards; compare the reference with the model by `evaluate`")
    }
  }
}

extension MeasuredLoss {
  package var words: SanityWords {
    guard verdict != .fine else {
      return SanityWords("the loss is \(number(loss)), guessing has \(number(ofGuessing))")
    }
    return SanityWords(
      "The loss is \(number(loss)), worse than guessing",
      reason: "a uniform guess among \(vocabulary) tokens has \(number(ofGuessing))",
      advice: "make sure that the tokens come from the model's own tokenizer, and that its weights are whole")
  }
}

extension GradientCourse {
  package var words: SanityWords {
    let range =
      "the gradient's norm starts at \(number(watch.firstNorm)) and is at most \(number(watch.largestNorm)), "
      + "in step \(watch.largestStep)"
    if watch.grownSteps > 0, let usual = watch.usualNorm {
      return SanityWords(
        "The gradient's norm was above \(number(TrainingWatch.growthLimit)) times the usual one in \(watch.grownSteps) "
          + "steps, at most \(number(watch.largestNorm)) in step \(watch.largestStep)",
        reason:
          "its mean over the first \(TrainingWatch.usualSteps) steps is \(number(usual)); clipping hides such growth "
          + "from the loss",
        advice: "lower `learning_rate`, lengthen the warm-up, or look at the rows of that step")
    }
    guard watch.zeroSteps > 0 else { return SanityWords(range) }
    return SanityWords(
      "The gradient was exactly zero in \(watch.zeroSteps) steps",
      reason: "what is trained had no effect on the loss of their rows",
      advice: "look at the adapter's and the model's weights with `anneal inspect`")
  }
}

extension MovedParameters {
  package var words: SanityWords {
    if verdict == .error {
      return SanityWords(
        "\(movement.notFinite.count) trained parameters hold values that are no finite numbers: "
          + listed(movement.notFinite), advice: "lower `learning_rate`")
    }
    guard verdict == .warning else {
      return SanityWords(
        "all \(movement.parameters) trained parameters moved, by \(percent(movement.relativeChange)) together")
    }
    let summary =
      unmoved.count == movement.parameters
      ? "None of the \(movement.parameters) trained parameters moved"
      : "\(unmoved.count) of \(movement.parameters) trained parameters never moved: \(listed(unmoved))"
    return movingSteps == 0
      ? SanityWords(
        summary, reason: "the learning rate was 0 in every step",
        advice: "raise `learning_rate`, or train for more steps than the warm-up has")
      : SanityWords(
        summary, reason: "they got no gradient, or changes too small for their values",
        advice: "raise `learning_rate`, or leave them out of what is trained")
  }
}

extension DiskSpace {
  package var words: SanityWords {
    guard verdict == .error else {
      // What is free is another number the next time, and these words are kept.
      return SanityWords(
        "\(byteCount(needed)) are needed, and "
          + (free == nil ? "the file system does not say what is free" : "free"))
    }
    return SanityWords(
      "The store's file system has no room for the result: \(byteCount(needed)) are needed, "
        + "\(byteCount(free ?? 0)) are free",
      reason: "checkpoints and result are written there",
      advice: "free some space (`anneal cache gc` removes what no recent run uses), or put the store elsewhere with "
        + "`ANNEAL_STORE`")
  }
}

extension FiniteTensors {
  package var words: SanityWords {
    guard verdict == .error else { return SanityWords("all \(tensors) tensors hold finite numbers") }
    return SanityWords(
      "\(notFinite.count) of \(tensors) tensors hold values that are no finite numbers: \(listed(notFinite))",
      reason: "a model with such weights says nothing but nonsense",
      advice: "train again with a lower `learning_rate`, or store the weights as `f32`")
  }
}

extension MergedModel {
  package var words: SanityWords {
    guard case .measured(let numbers) = outcome else { return unmeasured }
    let differs = "the log-probabilities of \(numbers.tokens) tokens differ by \(number(numbers.difference)) nats"
    let most =
      "rounding to \(stored.rawValue.lowercased()) explains \(number(bound)); the adapter changes "
      + "\(number(numbers.effect))"
    switch verdict {
    case .fine: return SanityWords("merged and unmerged, \(differs); \(most)")
    case .warning where isLostInRounding:
      return SanityWords(
        "Merging loses most of what was learned: \(differs), and the adapter changes no more than "
          + number(numbers.effect),
        reason: "the changes are smaller than the steps between two numbers of \(stored.rawValue.lowercased())",
        advice: "merge with `dtype: f32`, or keep the adapter beside its base")
    case .warning:
      return SanityWords(
        "The merged model differs from the base with its adapter: \(differs)", reason: most,
        advice: "merge with `dtype: f32`, and compare both with `evaluate`")
    case .error:
      return SanityWords(
        "The merged model is not the base with its adapter: \(differs)", reason: most,
        advice: "this is a defect of the program or of the memory it ran in: please report it")
    }
  }

  private var unmeasured: SanityWords {
    SanityWords(
      "The merged model was not compared with the base and its adapter",
      reason: "the models do not fit into the memory that was free",
      advice: "compare them with `evaluate` where there is more memory")
  }
}

extension VocabularyFit {
  package var words: SanityWords {
    guard verdict == .error else {
      return SanityWords("the tokenizer has \(tokens) tokens, the embedding \(embedding) rows")
    }
    return SanityWords(
      "The tokenizer has \(tokens) tokens, the model's embedding only \(embedding) rows",
      reason: "ids above that would read past its end", advice: "export the model with its own tokenizer")
  }
}

extension ChatSettings {
  package var words: SanityWords {
    if !hasTemplate {
      return SanityWords(
        "The folder has no chat template", reason: "the tokenizer has none",
        advice: "name the tokenizer that the training's rows were rendered with")
    }
    if tokenizerStops.isEmpty {
      return SanityWords(
        "Nothing says where an answer ends", reason: "the tokenizer has no end-of-sequence token",
        advice: "give its `tokenizer_config.json` an `eos_token`")
    }
    if !hasStops {
      return SanityWords(
        "The model's `eos_token_id` \(modelStops ?? []) leaves out where its answers end: \(trainedStops.isEmpty ? tokenizerStops : trainedStops)",
        reason: "programs that read `generation_config.json` go on past the end of an answer",
        advice: "write the tokenizer's ids into `generation_config.json` beside the base")
    }
    return SanityWords("the folder has a chat template and stops at \(modelStops ?? tokenizerStops)")
  }
}

/// A number with four digits.
private func number(_ value: Double) -> String { EventWords.value(value, .plain) }

private func percent(_ share: Double) -> String { EventWords.value(share, .percent) }

/// The first of some names, and how many more there are.
private func listed(_ names: [String]) -> String {
  names.prefix(4).map { "`\($0)`" }.joined(separator: ", ")
    + (names.count > 4 ? ", and \(names.count - 4) more" : "")
}
