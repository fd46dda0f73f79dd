import Pipeline
import TokenShards
import Tokenization

/// What outputs of each type must pass before they are published.
package let fineTuningChecks = PublicationCheck([
  ArtefactName.tokens: { view in
    for member in view.members { _ = try TokenShardReader(path: view.path(of: member)) }
  },
  ArtefactName.model: { view in
    guard view.members.contains(where: { $0.hasPrefix(ModelArtefact.base + "/") }) else {
      throw ModelArtefactError.noBase
    }
  },
])
