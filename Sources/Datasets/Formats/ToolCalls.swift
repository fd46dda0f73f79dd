import PreciseJSON

/// The calls of an assistant message in the form that chat templates expect: each with `type`, `function`, its `name`
/// and `arguments` as an object.
///
/// Files hold `arguments` as an object or as a string of JSON, sometimes twice over; a string passed through would come
/// out quoted and escaped. Whatever else a call has (its `id`) stays.
func toolCalls(_ value: JSON, _ row: SourceRow, field: String) throws -> JSON {
  guard let list = value.array else {
    throw row.error(.invalidToolCall(field: field, reason: "it is \(value.kind), not a list"))
  }
  return .array(
    try list.enumerated().map { index, item in try toolCall(item, row, field: "\(field)[\(index)]") })
}

private func toolCall(_ item: JSON, _ row: SourceRow, field: String) throws -> JSON {
  guard var call = item.object else {
    throw row.error(.invalidToolCall(field: field, reason: "it is \(item.kind), not an object"))
  }
  if let function = call["function"] {
    guard let function = function.object else {
      throw row.error(.invalidToolCall(field: "\(field).function", reason: "it is \(function.kind), not an object"))
    }
    call["function"] = try called(function, row, field: "\(field).function")
    return call["type"] != nil ? .object(call) : JSON([(key: "type", value: "function")] + call.members)
  }
  // A bare call: only its `id` belongs outside.
  let id = call.members.filter { $0.key == "id" }
  call["id"] = nil
  if call["type"] == "function" { call["type"] = nil }
  return JSON(id + [(key: "type", value: "function"), (key: "function", value: try called(call, row, field: field))])
}

/// A function's name and arguments, the latter decoded.
private func called(_ function: JSONObject, _ row: SourceRow, field: String) throws -> JSON {
  guard let name = function["name"]?.string, !name.isEmpty else {
    throw row.error(.invalidToolCall(field: field, reason: "it has no `name`"))
  }
  // Llama's own calls say `parameters`.
  let key = function["arguments"] == nil && function["parameters"] != nil ? "parameters" : "arguments"
  var arguments = function[key] ?? .null
  let place = "\(field).\(key)"
  if arguments.isNull || arguments.string?.allSatisfy(\.isWhitespace) == true { arguments = .object(JSONObject()) }
  do {
    arguments = try decoded(arguments, row, field: place, expected: "an object")
  } catch {
    throw row.error(.invalidToolCall(field: place, reason: "the text is not JSON"))
  }
  guard arguments.object != nil else {
    throw row.error(.invalidToolCall(field: place, reason: "it is \(arguments.kind), not an object"))
  }
  var members: [(key: String, value: JSON)] = []
  for member in function.members {
    members.append(member.key == key ? (key: "arguments", value: arguments) : member)
  }
  if function[key] == nil { members.append((key: "arguments", value: arguments)) }
  return JSON(members)
}

/// What a turn of ShareGPT's `function_call` says: its calls, and the thought that some sets write before them.
///
/// The text is JSON: a call with `name` and `arguments`, or a list of them; each may stand in `<tool_call>` tags.
func functionTurn(_ text: String, _ row: SourceRow, field: String) throws -> (content: String, calls: JSON) {
  var (thought, rest) = ("", Substring(text))
  if let end = text.firstRange(of: "</think>") {
    (thought, rest) = (String(text[..<end.upperBound]), text[end.upperBound...])
  }
  var calls: [JSON] = []
  let parts = rest.replacing("</tool_call>", with: "<tool_call>").split(separator: "<tool_call>")
  for part in parts where !part.allSatisfy(\.isWhitespace) {
    let value: JSON
    do {
      value = try JSON(parsing: String(part), file: row.file)
    } catch {
      throw row.error(.invalidToolCall(field: field, reason: "the text is not JSON"))
    }
    calls += value.array ?? [value]
  }
  guard !calls.isEmpty else { throw row.error(.invalidToolCall(field: field, reason: "there is no call in it")) }
  return (thought, try toolCalls(.array(calls), row, field: field))
}
