import Diagnostics

extension LLaMAFactoryProblem {
  private static func list(_ names: [String]) -> String { "[\(names.map { "`\($0)`" }.joined(separator: ", "))]" }

  private static func nearest(_ name: String, _ names: [String], others: String) -> String? {
    if let near = nearestName(to: name, among: names) { return "`\(near)`" }
    return names.isEmpty || names.count > 16 ? nil : "\(others) are \(list(names))"
  }

  var words: Words {
    switch self {
    case .unknownKey(let name):
      Words(
        "unknown-key", "LLaMA-Factory has no key `\(name)`",
        try: (ArgumentTable.formerNames[name] ?? nearestName(to: name, among: ArgumentTable.names)).map { "`\($0)`" })
    case .unknownChoice(let text, let names):
      Words(
        "unknown-choice", "`\(text)` is none of \(Self.list(names))",
        try: nearestName(to: text, among: names).map { "`\($0)`" })
    case .unknownTemplate(let name):
      Words(
        "unknown-choice", "LLaMA-Factory has no template `\(name)`",
        try: nearestName(to: name, among: TemplateNames.all.sorted()).map { "`\($0)`" }
          ?? "leave it out: the model's own chat template is taken")
    case .refused(let name, let value, let reason, let advice):
      Words("not-here", "`\(name): \(value)` cannot be honoured", why: reason, try: advice)
    case .missing(let name, let reason, let advice):
      Words("missing-key", "`\(name)` is missing", why: reason, try: advice)
    case .together(let one, let other, let reason):
      Words("not-together", "`\(one)` and `\(other)` do not go together", why: reason, try: "take one of them out")
    case .nothingToDo:
      Words(
        "nothing-to-do", "The file asks for nothing to be done",
        why: "`do_train` is false unless it is given, so LLaMA-Factory would load everything and end",
        try: "`do_train: true`, or `do_predict: true`")
    case .chat(let command):
      Words(
        "chat", "The file says which model to talk with, and asks for nothing to be run",
        why: "there is neither `do_train`, `do_predict` nor `export_dir`", try: "`\(command)`")
    case .benchmark:
      Words(
        "benchmark", "Multiple-choice benchmarks (`task`) are not there",
        why: "LLaMA-Factory withdrew its own evaluator as well",
        try: "measure loss and accuracy of held-out rows: `do_eval: true` and `eval_dataset`")
    case .noPipeline: Words("not-a-pipeline", "The file is neither a pipeline nor one of LLaMA-Factory's")
    default: otherWords
    }
  }

  private var otherWords: Words {
    switch self {
    case .notHere(let name, let kind, let looked):
      Words(
        "no-\(kind)", "There is no \(kind) at `\(name)`",
        why: "neither in this folder nor in \(Self.list(looked))",
        try:
          "`hf download \(name) --local-dir models/\(name.split(separator: "/").last ?? "NAME")`, and name that folder")
    case .checkpoint(let path):
      Words(
        "checkpoint", "Training cannot go on from `\(path)`",
        why: "it is a checkpoint of LLaMA-Factory's; a run here goes on from its own, by itself",
        try:
          "leave it out; `adapter_name_or_path: \(path)` begins with the adapter that lies there, without the state of its optimizer"
      )
    case .onlineDatasets(let folder):
      Words(
        "online-datasets", "`dataset_dir: \(folder)` means datasets of a hub, and nothing is fetched here",
        try:
          "`hf download --repo-type dataset NAME --local-dir data/NAME`, and a `dataset_info.json` that names its file")
    case .noRegistry(let folder):
      Words(
        "no-registry", "There is no `dataset_info.json` in `\(folder)`",
        why: "it says which file a dataset is and what its columns are", try: "name its folder in `dataset_dir`")
    case .unknownDataset(let name, let names, let file):
      Words(
        "unknown-dataset", "`\(file)` has no dataset `\(name)`", try: Self.nearest(name, names, others: "Its datasets"))
    case .entryKind(let name, let found):
      Words("dataset-entry", "Dataset `\(name)` is \(found), not a map")
    case .unknownEntryKey(let name, let names):
      Words(
        "unknown-key", "Datasets have no key `\(name)`",
        why: "LLaMA-Factory passes over it", try: Self.nearest(name, names, others: "Keys")
      ).asWarning()
    case .remoteDataset(let name, let key, let place):
      Words(
        "remote-dataset", "Dataset `\(name)` lies at `\(place)`, and nothing is fetched here",
        why: "`\(key)` goes before `file_name`",
        try: key == "hf_hub_url"
          ? "`hf download --repo-type dataset \(place) --local-dir data/\(name)`, and say `file_name` in place of `hf_hub_url`"
          : "fetch it, and say `file_name` in place of `\(key)`")
    case .noFile(let name):
      Words("dataset-entry", "Dataset `\(name)` names no file", try: "`\"file_name\": \"rows.jsonl\"`")
    case .entryValue(let summary, let reason, let advice):
      Words("dataset-entry", summary, why: reason, try: advice)
    case .wrongRows(let name, let stage, let isRanking):
      Words(
        "wrong-rows",
        isRanking
          ? "Dataset `\(name)` holds pairs, and `stage: \(stage)` learns from single answers"
          : "Dataset `\(name)` holds single answers, and `stage: \(stage)` learns from pairs",
        why: isRanking ? "`ranking` is true" : "`ranking` is not true",
        try: isRanking ? "`stage: dpo` or `rm`, or another dataset" : "`\"ranking\": true` where the rows are pairs")
    case .noTag(let name):
      Words(
        "wrong-rows", "Dataset `\(name)` does not say which answers are good, and `stage: kto` learns from that",
        why: "`columns` has no `kto_tag`", try: "`\"columns\": {…, \"kto_tag\": \"label\"}`")
    case .images(let name, let column):
      Words(
        "multimodal", "Dataset `\(name)` has \(column), and models see text alone here",
        try: "leave the dataset out of `dataset`")
    case .missingColumn(let name, let column, let meaning, let found):
      Words(
        "missing-column", "Rows of dataset `\(name)` have no column `\(column)`, which is its `\(meaning)`",
        why: "the first row has \(Self.list(found))", try: nearestName(to: column, among: found).map { "`\($0)`" })
    case .unreadColumn(let name, let column, let meaning):
      Words(
        "unread-column", "Column `\(column)` of dataset `\(name)` is not read",
        why: "unless `columns` names it, LLaMA-Factory passes over it; `columns` takes the place of all defaults",
        try: "`\"columns\": {…, \"\(meaning)\": \"\(column)\"}` where it belongs to what is learned"
      ).asWarning()
    case .emptyFolder(let folder):
      Words(
        "empty-folder", "There is no file of rows in `\(folder)`", why: "rows lie in `.json`, `.jsonl` and `.txt` files"
      )
    default: Words("invalid", "The file cannot be used")
    }
  }
}
