/// A Python dictionary: any hashable keys, in the order of insertion.
struct ValueDictionary: Sendable {
  private(set) var entries: [(key: Value, value: Value)] = []
  /// The places of the keys once there are many of them.
  private var places: [HashKey: Int] = [:]
  private static let indexedFrom = 12

  init() {}

  var count: Int { entries.count }

  /// - Throws: ``Fault`` when Python could not hash `key`.
  func value(for key: Value) throws -> Value? {
    let key = try HashKey(key)
    return place(of: key).map { entries[$0].value }
  }

  func value(named name: Text) -> Value? { place(of: .text(name.scalars)).map { entries[$0].value } }

  /// - Throws: ``Fault`` when Python could not hash `key`.
  mutating func set(_ key: Value, _ value: Value) throws {
    let hash = try HashKey(key)
    if let place = place(of: hash) {
      entries[place].value = value
      return
    }
    entries.append((key, value))
    if entries.count == Self.indexedFrom {
      for (index, entry) in entries.enumerated() { places[try HashKey(entry.key)] = index }
    } else if entries.count > Self.indexedFrom {
      places[hash] = entries.count - 1
    }
  }

  /// Sets a member whose key is a string.
  mutating func set(name: String, _ value: Value) { set(name: Text(name), value) }

  /// Sets a member whose key is a text, which keeps its notes.
  mutating func set(name text: Text, _ value: Value) {
    let hash = HashKey.text(text.scalars)
    if let place = place(of: hash) {
      entries[place].value = value
      return
    }
    entries.append((.string(text), value))
    if entries.count == Self.indexedFrom {
      for (index, entry) in entries.enumerated() {
        if let key = try? HashKey(entry.key) { places[key] = index }
      }
    } else if entries.count > Self.indexedFrom {
      places[hash] = entries.count - 1
    }
  }

  private func place(of key: HashKey) -> Int? {
    if entries.count >= Self.indexedFrom { return places[key] }
    if case .text(let scalars) = key {
      return entries.firstIndex { if case .string(let text) = $0.key { text.scalars == scalars } else { false } }
    }
    return entries.firstIndex { (try? HashKey($0.key)) == key }
  }
}

/// What makes two values one key of a Python dictionary or one element of a set: `1`, `1.0` and `True` are one.
enum HashKey: Hashable {
  case none
  case undefined
  case number(Double)
  case whole(Int)
  case wide(String)
  case text([Unicode.Scalar])
  case tuple([HashKey])
  case range(ValueRange)
  case object(ObjectIdentifier)

  /// - Throws: ``Fault`` for lists, dictionaries and what holds them.
  init(_ value: Value) throws {
    try Budget.charge(value.breadth)
    switch value {
    case .none: self = .none
    case .undefined: self = .undefined
    case .bool(let value): self = .whole(value ? 1 : 0)
    case .int(let value): self = .whole(value)
    case .wideInt(let digits): self = .wide(digits)
    case .float(let value): self = Int(exactly: value).map { .whole($0) } ?? .number(value)
    case .string(let text): self = .text(text.scalars)
    case .tuple(let values): self = .tuple(try values.map { try HashKey($0) })
    case .range(let range): self = .range(range)
    case .iterator(let object): self = .object(ObjectIdentifier(object))
    case .namespace(let object): self = .object(ObjectIdentifier(object))
    case .function(let object): self = .object(ObjectIdentifier(object))
    case .loop(let object): self = .object(ObjectIdentifier(object))
    case .list, .dictionary, .view: throw Fault("Unhashable type: `\(value.typeName)`")
    }
  }
}
