import Diagnostics

extension GraphBuilder {
  /// Reports folders into which several nodes would put their files, or one inside the other: each would replace or remove
  /// what is the other's.
  ///
  /// Folders that hold a file which the pipeline reads are none to write to either: the next run would read what this one
  /// wrote.
  mutating func checkPlaces(needed: Set<String>) {
    var taken: [(node: String, place: FieldDecoder.LocatedPath, folder: String)] = []
    for draft in drafts where needed.contains(draft.name) {
      for place in draft.places {
        let folder: String
        let source: (node: String, path: String)?
        do {
          folder = try FileSystem().resolved(place.text)
          source = try self.source(in: folder, needed: needed)
        } catch {
          for var diagnostic in diagnostics(of: error) {
            diagnostic.place = place.value.mark.place
            diagnostic.excerpt = place.value.mark.excerpt
            diagnostic.path = place.path
            problems.append(diagnostic)
          }
          continue
        }
        if let source {
          problems.append(
            LanguageProblem.placeOfSource(place.text, source: source.path, node: source.node)
              .diagnostic(at: place.value.mark, path: place.path, related: place.value.origin))
        }
        if let other = taken.first(where: { Self.overlap($0.folder, folder) }) {
          let related = Diagnostic.Related(
            "node `\(other.node)` puts its files into `\(other.place.text)` here", at: other.place.value.mark.place)
          problems.append(
            LanguageProblem.sharedPlace(place.text, other: other.place.text, isSame: other.folder == folder)
              .diagnostic(at: place.value.mark, path: place.path, related: place.value.origin + [related]))
        }
        taken.append((draft.name, place, folder))
      }
    }
  }

  /// A file in a folder that a node reads; by its own name, or by that of what it links to.
  private func source(in folder: String, needed: Set<String>) throws -> (node: String, path: String)? {
    for draft in drafts where needed.contains(draft.name) {
      for request in draft.requests {
        let name = request.path.split(separator: "/").last.map(String.init) ?? ""
        let own = try FileSystem().resolved(parentFolder(of: request.path)) + "/" + name
        let last = try FileSystem().resolved(request.path)
        if liesIn(own, folder) || liesIn(last, folder) { return (draft.name, request.path) }
      }
    }
    return nil
  }

  /// Whether two folders are one, or one lies in the other.
  private static func overlap(_ one: String, _ other: String) -> Bool { liesIn(one, other) || liesIn(other, one) }
}

/// Whether a resolved path is a folder's, or that of something in it.
package func liesIn(_ path: String, _ folder: String) -> Bool {
  path == folder || path.utf8.starts(with: (folder == "/" ? "/" : folder + "/").utf8)
}
