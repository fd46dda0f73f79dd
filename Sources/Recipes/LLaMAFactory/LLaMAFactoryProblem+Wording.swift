import Diagnostics

extension LLaMAFactoryProblem: WordedProblem {
  var words: ProblemWords {
    switch self {
    case .unknownTemplate(let name):
      ProblemWords(
        "unknown-choice", "LLaMA-Factory has no template `\(name)`",
        try: nearestName(to: name, among: TemplateNames.all.sorted()).map { "`\($0)`" }
          ?? "leave it out: the model's own chat template is taken")
    case .nothingToDo:
      ProblemWords(
        "nothing-to-do", "The file asks for nothing to be done",
        why: "`do_train` is false unless it is given, so LLaMA-Factory would load everything and end",
        try: "`do_train: true`, or `do_predict: true`")
    case .chat(let command):
      ProblemWords(
        "chat", "The file says which model to talk with, and asks for nothing to be run",
        why: "there is neither `do_train`, `do_predict` nor `export_dir`", try: "`\(command)`")
    case .benchmark:
      ProblemWords(
        "benchmark", "Multiple-choice benchmarks (`task`) are not there",
        why: "LLaMA-Factory withdrew its own evaluator as well",
        try: "measure loss and accuracy of held-out rows: `do_eval: true` and `eval_dataset`")
    default: otherWords
    }
  }

  private var otherWords: ProblemWords {
    switch self {
    case .checkpoint(let path):
      ProblemWords(
        "checkpoint", "Training cannot go on from `\(path)`",
        why: "it is a checkpoint of LLaMA-Factory's; a run here goes on from its own, by itself",
        try:
          "leave it out; `adapter_name_or_path: \(path)` begins with the adapter that lies there, without the state of its optimizer"
      )
    case .onlineDatasets(let folder):
      ProblemWords(
        "online-datasets", "`dataset_dir: \(folder)` means datasets of a hub, and nothing is fetched here",
        try:
          "`hf download --repo-type dataset NAME --local-dir data/NAME`, and a `dataset_info.json` that names its file")
    case .noRegistry(let folder):
      ProblemWords(
        "no-registry", "There is no `dataset_info.json` in `\(folder)`",
        why: "it says which file a dataset is and what its columns are", try: "name its folder in `dataset_dir`")
    case .unknownDataset(let name, let names, let file):
      ProblemWords(
        "unknown-dataset", "`\(file)` has no dataset `\(name)`",
        try: ProblemWords.nearest(name, names, others: "Its datasets"))
    case .entryKind(let name, let found):
      ProblemWords("dataset-entry", "Dataset `\(name)` is \(found), not a map")
    case .unknownEntryKey(let name, let names):
      ProblemWords(
        "unknown-key", "Datasets have no key `\(name)`",
        why: "LLaMA-Factory passes over it", try: ProblemWords.nearest(name, names, others: "Keys")
      ).asWarning()
    case .remoteDataset(let name, let key, let place):
      ProblemWords(
        "remote-dataset", "Dataset `\(name)` lies at `\(place)`, and nothing is fetched here",
        why: "`\(key)` goes before `file_name`",
        try: key == "hf_hub_url"
          ? "`hf download --repo-type dataset \(place) --local-dir data/\(name)`, and say `file_name` in place of `hf_hub_url`"
          : "fetch it, and say `file_name` in place of `\(key)`")
    case .noFile(let name):
      ProblemWords("dataset-entry", "Dataset `\(name)` names no file", try: "`\"file_name\": \"rows.jsonl\"`")
    case .entryValue(let summary, let reason, let advice):
      ProblemWords("dataset-entry", summary, why: reason, try: advice)
    case .wrongRows(let name, let stage, let isRanking):
      ProblemWords(
        "wrong-rows",
        isRanking
          ? "Dataset `\(name)` holds pairs, and `stage: \(stage)` learns from single answers"
          : "Dataset `\(name)` holds single answers, and `stage: \(stage)` learns from pairs",
        why: isRanking ? "`ranking` is true" : "`ranking` is not true",
        try: isRanking ? "`stage: dpo` or `rm`, or another dataset" : "`\"ranking\": true` where the rows are pairs")
    case .noTag(let name):
      ProblemWords(
        "wrong-rows", "Dataset `\(name)` does not say which answers are good, and `stage: kto` learns from that",
        why: "`columns` has no `kto_tag`", try: "`\"columns\": {…, \"kto_tag\": \"label\"}`")
    case .images(let name, let column):
      ProblemWords(
        "multimodal", "Dataset `\(name)` has \(column), and models see text alone here",
        try: "leave the dataset out of `dataset`")
    case .missingColumn(let name, let column, let meaning, let found):
      ProblemWords(
        "missing-column", "Rows of dataset `\(name)` have no column `\(column)`, which is its `\(meaning)`",
        why: "the first row has \(ProblemWords.list(found))",
        try: nearestName(to: column, among: found).map { "`\($0)`" })
    case .unreadColumn(let name, let column, let meaning):
      ProblemWords(
        "unread-column", "Column `\(column)` of dataset `\(name)` is not read",
        why: "unless `columns` names it, LLaMA-Factory passes over it; `columns` takes the place of all defaults",
        try: "`\"columns\": {…, \"\(meaning)\": \"\(column)\"}` where it belongs to what is learned"
      ).asWarning()
    default: ProblemWords("invalid", "The file cannot be used")
    }
  }
}
