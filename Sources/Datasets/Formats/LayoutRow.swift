import Diagnostics
import PreciseJSON

/// A row as its layout sees it: the columns that the layout states, under whatever name they stand.
struct LayoutRow {
  let source: SourceRow
  let layout: Layout
  let map: ColumnMap

  /// A column that is there and not null, with its name; nil for one that the layout does not read.
  ///
  /// - Throws: ``DatasetError`` when two of the column's names are there.
  func find(_ column: Column) throws -> (name: String, value: JSON)? {
    guard layout.columns.contains(column) else { return nil }
    var found: (name: String, value: JSON)?
    for name in map.candidates(column) {
      guard let value = source.columns[name], !value.isNull else { continue }
      if let found, found.value != value {
        throw source.error(.ambiguousColumn(column.rawValue, names: [found.name, name]))
      }
      found = found ?? (name, value)
    }
    return found
  }

  /// A column that must be there and not be null.
  func column(_ column: Column) throws -> (name: String, value: JSON) {
    if let found = try find(column) { return found }
    let names = map.candidates(column)
    if let empty = names.first(where: { source.columns[$0] != nil }) { throw source.error(.emptyColumn(empty)) }
    // ShareGPT's list has the second of the names.
    let usual = layout.format == .sharegpt && column == .messages && names.count > 1 ? names[1] : names[0]
    throw source.error(
      .missingColumn(
        usual, format: layout.format.rawValue, columns: source.columns.keys,
        nearest: nearestName(to: usual, among: source.columns.keys)))
  }

  /// A column of text that must not be empty.
  func text(_ column: Column) throws -> (name: String, text: String) {
    let (name, value) = try self.column(column)
    guard let text = value.string else {
      throw source.error(.wrongColumnType(name, expected: "a string", found: value.kind))
    }
    guard !text.isEmpty else { throw source.error(.emptyColumn(name)) }
    return (name, text)
  }

  /// A column of text that may be absent, null or empty.
  func optionalText(_ column: Column) throws -> String? {
    guard let (name, value) = try find(column) else { return nil }
    guard let text = value.string else {
      throw source.error(.wrongColumnType(name, expected: "a string", found: value.kind))
    }
    return text.isEmpty ? nil : text
  }

  func tools() throws -> JSON? {
    try find(.tools).flatMap { try toolSchemas($0.value, source, field: $0.name) }
  }
}
