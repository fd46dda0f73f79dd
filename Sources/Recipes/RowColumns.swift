import Datasets
import Diagnostics
import Pipeline
import PreciseJSON

/// How another program reads rows: which columns, under which names.
struct RowColumns {
  /// A column that is read.
  struct Read {
    var column: Column
    /// The names that it may have; the first one that the file has is it.
    var names: [String]
    var isRequired: Bool
    /// The key that gives the name; nil for the program's own.
    var place: LocatedValue?
  }

  var format: RowFormat
  var reads: [Read]

  init(_ format: RowFormat, _ reads: [Read]) {
    self.format = format
    self.reads = reads
  }
}

extension RowColumns.Read {
  /// A column that a row has to have.
  static func needed(_ column: Column, _ names: String..., at place: LocatedValue? = nil) -> Self {
    Self(column: column, names: names, isRequired: true, place: place)
  }

  /// A column that a row may have.
  static func optional(_ column: Column, _ names: String..., at place: LocatedValue? = nil) -> Self {
    Self(column: column, names: names, isRequired: false, place: place)
  }

  /// The same column under the name that a key gives; as it is where the key is not given.
  func named(_ value: LocatedValue?) -> Self {
    guard let value, let text = value.scalarText else { return self }
    return Self(column: column, names: [text], isRequired: isRequired, place: value)
  }
}

extension Expander {
  /// Adds a node that reads a file as another program does; nil where it cannot.
  ///
  /// What the program passes over and this one would ask about is named in `ignore_columns`.
  func loadNode(
    _ name: String, _ file: LocatedValue, _ rows: RowColumns, origin: String, comment: String
  ) -> Sketch.Node? {
    guard let path = file.scalarText, !file.isBroken else { return nil }
    var load = Sketch.Node(name: free(name), type: "load_dataset", mark: file.mark)
    load.set("from", file, origin)
    load.set("format", text: rows.format.rawValue, at: file, comment)
    var found: [String] = []
    // A file that cannot be read is `load_dataset`'s to report.
    _ = try? RowReader.read(path: path, format: rows.format == .text ? .text : nil, limit: 1) {
      found = $0.columns.keys
    }
    var read: Set<String> = []
    for column in rows.reads {
      let name = column.names.first { found.contains($0) } ?? (found.isEmpty ? column.names.first : nil)
      guard let name else {
        if column.isRequired {
          report(
            .missingColumn(column.names[0], path, among: found), at: column.place ?? file, nil)
        }
        continue
      }
      read.insert(name)
      // A column that the file has under its usual name is found by itself.
      if name != column.column.names.first, column.isRequired || !found.isEmpty {
        load.set("columns.\(column.column.rawValue)", text: name, at: column.place ?? file)
      }
    }
    let ignored = found.filter { !read.contains($0) && Layout.hasMeaning($0) }
    if !ignored.isEmpty {
      load.set(
        "ignore_columns", file.with(list: ignored.map { file.with(text: $0) }), "they are passed over there")
    }
    return load
  }

  /// How many rows files have; nil where one cannot be read.
  func rowCount(of paths: [String]) -> Int? {
    var count = 0
    for path in paths {
      guard (try? RowReader.read(path: path) { _ in count += 1 }) != nil else { return nil }
    }
    return count
  }

  /// The share of rows that a number of them is, for what holds rows out by a share.
  ///
  /// - Parameter limit: Most rows that are taken of each file.
  func share(of size: Double, files: [String], limit: Int? = nil) -> (share: Double, rows: Int)? {
    var rows = 0
    for path in files {
      guard let count = rowCount(of: [path]) else { return nil }
      rows += min(count, limit ?? count)
    }
    return rows > 0 ? (size / Double(rows), rows) : nil
  }
}
