import Diagnostics
import Recipes
import TestKit
import Testing

/// What is refused, in the words that people read.
@Suite struct RefusalTests {
  /// Keys, and the words of the one problem that they are.
  private struct Case {
    var keys: String
    var summary: String
    var reason: String?
    var advice: String?

    init(_ keys: String, _ summary: String, _ reason: String?, _ advice: String?) {
      self.keys = keys
      self.summary = summary
      self.reason = reason
      self.advice = advice
    }
  }

  private static let cases: [Case] = [
    Case("lora_rnk: 8", "LLaMA-Factory has no key `lora_rnk`", nil, "`lora_rank`"),
    Case("evaluation_strategy: steps", "LLaMA-Factory has no key `evaluation_strategy`", nil, "`eval_strategy`"),
    Case("completely_other: 8", "LLaMA-Factory has no key `completely_other`", nil, nil),
    Case("lora_rank: eight", "`eight` is not a whole number", nil, nil),
    Case("stage: sfx", "`sfx` is none of [`pt`, `sft`, `rm`, `ppo`, `dpo`, `kto`]", nil, "`sft`"),
    Case(
      "shift_attn: true", "`shift_attn: true` cannot be honoured",
      "attention in shifted groups (LongLoRA) is not there; transformers dropped what LLaMA-Factory's needs as well",
      "leave it out; long texts are trained with whole attention"
    ),
    Case(
      "tool_format: glm4", "`tool_format: glm4` cannot be honoured",
      "tools are written by the model's own chat template",
      "leave it out"
    ),
    Case(
      "train_on_prompt: true\nmask_history: true", "`train_on_prompt` and `mask_history` do not go together",
      "one lets everything be learned, the other the last answer", "take one of them out"
    ),
    Case(
      "stage: dpo\ndataset: pairs\nmask_history: true", "`mask_history: true` cannot be honoured",
      "it is for `stage: sft`, as in LLaMA-Factory: of other rows the answer alone counts", "leave it out"
    ),
    Case(
      "rope_scaling: yarn", "`rope_scaling: yarn` cannot be honoured",
      "how positions turn is read from the model's own `config.json`",
      "write the block `rope_scaling` into it, as transformers reads it"
    ),
    Case(
      "dataset: rows,more\nmix_strategy: interleave_over\ninterleave_probs: 0.5",
      "`interleave_probs: 0.5` cannot be honoured", "2 sets have a share each, above 0",
      "as many numbers as there are sets"
    ),
    Case(
      "interleave_probs: 0.5,0.5\ndataset: rows,more",
      "`interleave_probs` and `mix_strategy: concat` do not go together",
      "sets that are put one after the other have no shares", "take one of them out"
    ),
    Case(
      "quantization_bit: 3", "`quantization_bit: 3` cannot be honoured",
      "frozen weights are held in 4 bits (`nf4`) or 8 (`int8`)", "`quantization_bit: 4` or `8`"
    ),
    Case(
      "quantization_bit: 4\nquantization_method: gptq", "`quantization_method: gptq` cannot be honoured",
      "it names what files of such a base hold, and those are not read",
      "take the base without it, and `quantization_method: bnb`"
    ),
    Case(
      "quantization_bit: 4\nfinetuning_type: full", "`quantization_bit` and `finetuning_type: full` do not go together",
      "weights that are rounded stay as they are", "take one of them out"
    ),
    Case(
      "use_galore: true", "`use_galore` and `finetuning_type: lora` do not go together",
      "it is for matrices that are trained whole, as in LLaMA-Factory", "take one of them out"
    ),
    Case(
      "resume_from_checkpoint: saves/checkpoint-500", "Training cannot go on from `saves/checkpoint-500`",
      "it is a checkpoint of LLaMA-Factory's; a run here goes on from its own, by itself",
      "leave it out; `adapter_name_or_path: saves/checkpoint-500` begins with the adapter that lies there, without the state of its optimizer"
    ),
    Case(
      "template: qwen3_vl", "`template: qwen3_vl` cannot be honoured",
      "it is for models that see or hear, and models see text alone here",
      "a model of texts, such as the language model of the same family"
    ),
    Case(
      "template: alpaca", "`template: alpaca` cannot be honoured",
      "it is no model's own, and prompts are laid out by the model's own chat template or a Jinja file",
      "leave it out, or write the layout as a Jinja file: `template: alpaca.jinja`"
    ),
    Case("template: lama3", "LLaMA-Factory has no template `lama3`", nil, "`llama3`"),
    Case(
      "template: qwen3\nenable_thinking: false", "`enable_thinking: false` cannot be honoured",
      "what stands before an answer without a thought is the model's own chat template's to say", "leave it out"
    ),
    Case(
      "dataset: rws", "`data/dataset_info.json` has no dataset `rws`", nil, "`rows`"
    ),
    Case(
      "dataset_dir: ONLINE", "`dataset_dir: ONLINE` means datasets of a hub, and nothing is fetched here", nil,
      "`hf download --repo-type dataset NAME --local-dir data/NAME`, and a `dataset_info.json` that names its file"
    ),
    Case(
      "dataset_dir: nowhere", "There is no `dataset_info.json` in `nowhere`",
      "it says which file a dataset is and what its columns are", "name its folder in `dataset_dir`"
    ),
    Case(
      "dataset: pairs", "Dataset `pairs` holds pairs, and `stage: sft` learns from single answers", "`ranking` is true",
      "`stage: dpo` or `rm`, or another dataset"
    ),
    Case(
      "stage: dpo", "Dataset `rows` holds single answers, and `stage: dpo` learns from pairs", "`ranking` is not true",
      "`\"ranking\": true` where the rows are pairs"
    ),
    Case(
      "stage: kto", "Dataset `rows` does not say which answers are good, and `stage: kto` learns from that",
      "`columns` has no `kto_tag`", "`\"columns\": {…, \"kto_tag\": \"label\"}`"
    ),
    Case(
      "stage: ppo", "`stage: ppo` cannot be honoured",
      "a reward model is known here by what a node `train` of `stage: rm` made, and not by a folder",
      "write the pipeline by hand: `docs/stages.md` has `stage: ppo` with `reward_model:`"
    ),
    Case(
      "stage: dpo\ndataset: pairs\npref_loss: kto_pair", "`pref_loss: kto_pair` cannot be honoured",
      "TRL dropped it, and LLaMA-Factory trains `sigmoid` in its place", "`stage: kto`, or `pref_loss: sigmoid`"
    ),
    Case(
      "optim: rmsprop",
      "`rmsprop` is none of [`adafactor`, `adamw_8bit`, `adamw_apex_fused`, `adamw_bnb_8bit`, `adamw_hf`, `adamw_torch`, `adamw_torch_fused`, `adamw_torch_npu_fused`, `adamw_torch_xla`, `lion`, `lion_32bit`, `lomo`, `paged_adamw`, `paged_adamw_32bit`, `paged_adamw_8bit`, `paged_lion`, `paged_lion_32bit`, `schedule_free_adamw`, `sgd`]",
      nil, nil
    ),
    Case(
      "do_train: false", "The file asks for nothing to be done",
      "`do_train` is false unless it is given, so LLaMA-Factory would load everything and end",
      "`do_train: true`, or `do_predict: true`"
    ),
    Case(
      "do_train: null\ndataset: null\nadapter_name_or_path: adapter\ntop_p: 0.9",
      "The file says which model to talk with, and asks for nothing to be run",
      "there is neither `do_train`, `do_predict` nor `export_dir`", "`anneal chat train.yaml`"
    ),
    Case(
      "task: mmlu_test", "Multiple-choice benchmarks (`task`) are not there",
      "LLaMA-Factory withdrew its own evaluator as well",
      "measure loss and accuracy of held-out rows: `do_eval: true` and `eval_dataset`"
    ),
    Case("dataset: null", "`dataset` is missing", "there is nothing to learn from", "`dataset: NAME`"),
    Case(
      "eval_strategy: steps", "`eval_dataset` is missing", "there are no rows to measure on",
      "`val_size: 0.1`, or `eval_dataset: NAME`"),
    Case(
      "val_size: 0.1\neval_dataset: more", "`val_size` and `eval_dataset` do not go together",
      "rows are held out, or lie in a set of their own", "take one of them out"
    ),
  ]

  @Test("what cannot be honoured is refused with the reason and what to do", arguments: cases.indices)
  func refusals(index: Int) throws {
    let wanted = Self.cases[index]
    let outcome = try Recipe(wanted.keys).expanded()
    #expect(outcome.problems.count == 1, "\(wanted.keys): \(outcome.rendered)")
    let problem = try #require(outcome.problems.first)
    #expect(problem.summary == wanted.summary, "\(outcome.rendered)")
    #expect(problem.reason == wanted.reason && problem.advice == wanted.advice, "\(outcome.rendered)")
    #expect(problem.severity == .error && problem.place != nil)
  }

  @Test("all problems come at once, each at its line and column")
  func allAtOnce() throws {
    let outcome = try Recipe("lora_rnk: 8\nshift_attn: true\nlearning_rate: fast\ndataset: rws").expanded()
    #expect(
      outcome.rendered == """
        train.yaml:3:1: error: LLaMA-Factory has no key `lora_rnk`
            lora_rnk: 8
            ^
          at `lora_rnk`
          try: `lora_rank`
        train.yaml:4:13: error: `shift_attn: true` cannot be honoured
            shift_attn: true
                        ^
          at `shift_attn`
          why: attention in shifted groups (LongLoRA) is not there; transformers dropped what LLaMA-Factory's needs as well
          try: leave it out; long texts are trained with whole attention
        train.yaml:5:16: error: `fast` is not a number
            learning_rate: fast
                           ^
          at `learning_rate`
        train.yaml:6:10: error: `data/dataset_info.json` has no dataset `rws`
            dataset: rws
                     ^
          at `dataset`
          try: `rows`
        """, "\(outcome.rendered)")
  }

  @Test("what holds in any case is taken, and told")
  func defaultsOfRefusedKeys() throws {
    let outcome = try Recipe("shift_attn: false\nmix_strategy: concat\nnum_beams: 1\nexport_legacy_format: no")
      .expanded()
    #expect(outcome.problems.isEmpty, "\(outcome.rendered)")
    #expect(outcome.text.contains("shift_attn: false (it says what holds in any case)"))
  }
}
