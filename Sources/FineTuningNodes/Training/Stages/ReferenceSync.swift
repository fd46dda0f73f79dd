import Pipeline
import Training

/// `sync_reference`: a reference that follows the model.
struct ReferenceSync: FieldGroup {
  var every = 512
  var share = 0.6

  static let fields: [Field<Self>] = [
    Field("every", \.every, in: 1...1_000_000_000, unit: "steps", doc: "How often the reference moves"),
    Field(
      "share", \.share, in: .above(0, atMost: 1),
      doc: "What the model counts in a move; the reference as it was has the rest"),
  ]

  static let fieldDoc =
    "Lets the reference follow: it starts as the model comes in and moves towards it every so many steps (TR-DPO, "
    + "arXiv:2404.09656). Held-out rows are measured against where it started"

  var moves: ReferenceMoves { ReferenceMoves(every: every, share: share) }

  /// A reference that cannot follow: it is another model.
  static func conflicts(_ sync: ReferenceSync?, _ inputs: InputTypes) -> [Inference.Conflict] {
    guard sync != nil, inputs["reference"] != nil else { return [] }
    return [
      .init(
        port: "reference", "A reference that follows the model cannot be another one",
        reason: "`sync_reference` starts from the model as it comes in", advice: "leave out one of the two")
    ]
  }
}
