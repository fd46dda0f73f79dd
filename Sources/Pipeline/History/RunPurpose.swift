/// What a run was made for by another command than `anneal run`.
///
/// Such runs are experiments about other runs: they are kept and can be asked for by name, and are no `last` run.
package enum RunPurpose: String, Sendable, CaseIterable {
  case blame
  case reproduce
}
