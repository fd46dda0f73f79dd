import PreciseJSON

/// Brings the tools of a row to the form that chat templates expect: a list of `{"type": "function", "function": …}`.
///
/// Files hold them as a list, as one tool, as the JSON text of either (Arrow's columns have one type), or as a list of
/// such texts; and each with its wrapper or bare, as `{"name": …, "description": …, "parameters": …}`.
func toolSchemas(_ value: JSON, _ row: SourceRow, field: String) throws -> JSON? {
  if let text = value.string, text.allSatisfy(\.isWhitespace) { return nil }
  let value = try decoded(value, row, field: field, expected: "a list of tools")
  let list = value.array ?? [value]
  if list.isEmpty || value.object?.isEmpty == true { return nil }
  return .array(
    try list.enumerated().map { index, item in
      let place = value.array == nil ? field : "\(field)[\(index)]"
      return try toolSchema(try decoded(item, row, field: place, expected: "a tool"), row, field: place)
    })
}

private func toolSchema(_ tool: JSON, _ row: SourceRow, field: String) throws -> JSON {
  guard let object = tool.object else {
    throw row.error(.wrongColumnType(field, expected: "a tool", found: tool.kind))
  }
  if let function = object["function"], !function.isNull {
    guard function["name"]?.string != nil else {
      throw row.error(.invalidTool(field: "\(field).function", reason: "it has no `name`"))
    }
    return object["type"] != nil ? tool : JSON([(key: "type", value: "function")] + object.members)
  }
  if object["name"]?.string != nil { return ["type": "function", "function": tool] }
  // Tools that a service runs by itself have a type of their own.
  if let type = object["type"]?.string, type != "function" { return tool }
  throw row.error(.invalidTool(field: field, reason: "it has neither `function` nor `name`"))
}

/// A value that may be the JSON text of itself, once or several times over.
func decoded(_ value: JSON, _ row: SourceRow, field: String, expected: String) throws -> JSON {
  var value = value
  var rounds = 0
  while let text = value.string {
    rounds += 1
    do {
      value = try JSON(parsing: text, file: row.file)
    } catch {
      throw row.error(.wrongColumnType(field, expected: expected, found: "text that is not JSON"))
    }
    guard rounds < 4 else { break }
  }
  return value
}
