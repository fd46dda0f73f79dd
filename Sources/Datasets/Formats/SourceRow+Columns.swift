import Diagnostics
import PreciseJSON

extension SourceRow {
  /// A column that must be there and not be null.
  func column(_ name: String, format: RowFormat) throws -> JSON {
    guard let value = columns[name] else {
      throw error(
        .missingColumn(
          name, format: format.rawValue, columns: columns.keys,
          nearest: nearestName(to: name, among: columns.keys)))
    }
    if value.isNull { throw error(.emptyColumn(name)) }
    return value
  }

  /// A column of text that must not be empty.
  func text(_ name: String, format: RowFormat) throws -> String {
    let value = try column(name, format: format)
    guard let text = value.string else {
      throw error(.wrongColumnType(name, expected: "a string", found: value.kind))
    }
    guard !text.isEmpty else { throw error(.emptyColumn(name)) }
    return text
  }

  /// A column of text that may be absent, null or empty.
  func optionalText(_ name: String) throws -> String? {
    guard let value = columns[name], !value.isNull else { return nil }
    guard let text = value.string else {
      throw error(.wrongColumnType(name, expected: "a string", found: value.kind))
    }
    return text.isEmpty ? nil : text
  }

  /// A column with tool schemas: a list, or a string of JSON that holds one.
  func tools(_ name: String) throws -> JSON? {
    guard var value = columns[name], !value.isNull else { return nil }
    if let text = value.string {
      if text.allSatisfy(\.isWhitespace) { return nil }
      do {
        value = try JSON(parsing: text, file: file)
      } catch {
        throw self.error(.wrongColumnType(name, expected: "a list of tools", found: "text that is not JSON"))
      }
    }
    guard let list = value.array else {
      throw error(.wrongColumnType(name, expected: "a list of tools", found: value.kind))
    }
    return list.isEmpty ? nil : value
  }
}
