/// The rows that operations of a ``RowProgram`` make and read: [rows, …] floats, row-major.
///
/// Memory for all rows is taken when the program runs and only if somebody will want them then: an owner that is alive,
/// or a backward pass that they were kept for. The others exist for one tile of rows at a time, in memory of the thread.
final class RowArray {
  let shape: [Int]
  /// The number of elements of a row.
  let columns: Int
  /// Whoever may ask for all rows as long as it lives.
  weak var owner: AnyObject?
  private var isKept = false
  private var place = Place.undecided

  private enum Place {
    case undecided
    case whole(Tensor)
    /// Behind so many columns of the tile's memory, while the program runs.
    case tile(Int)
    case gone
  }

  var rows: Int { shape.first ?? 1 }

  /// Rows that a program will make.
  init(_ shape: [Int]) {
    self.shape = shape
    columns = shape.dropFirst().reduce(1, *)
  }

  /// Rows that are there.
  convenience init(_ tensor: Tensor) {
    self.init(tensor.shape)
    place = .whole(tensor)
  }

  /// This array, whose rows will stay as long as it lives: for what a backward pass reads.
  func kept() -> RowArray {
    isKept = true
    return self
  }

  /// All rows: for an owner, or after ``kept()``, once the program has run.
  ///
  /// Those that no program makes are not set.
  var tensor: Tensor {
    switch place {
    case .whole(let tensor): return tensor
    case .undecided:
      let tensor = Tensor(uninitialized: shape)
      place = .whole(tensor)
      return tensor
    case .tile, .gone: preconditionFailure("The rows were wanted for one tile at a time")
    }
  }

  /// The first row of a tile, inside of the program that makes or reads them.
  func first(of tile: RowTile) -> UnsafeMutablePointer<Float> {
    switch place {
    case .whole(let tensor): return tensor.pointer + tile.rows.lowerBound * columns
    case .tile(let before): return tile.memory + before * tile.height
    case .undecided, .gone: preconditionFailure("The part does not say that it uses these rows")
    }
  }

  /// The rows of a tile, as ``first(of:)``.
  func view(_ tile: RowTile) -> MatrixView { MatrixView(first(of: tile), stride: columns) }

  /// Whether a tile's rows will do; otherwise memory for all of them is there now.
  func isForTiles() -> Bool {
    switch place {
    case .whole: return false
    case .tile, .gone: preconditionFailure("The rows went away with an earlier program")
    case .undecided:
      if !isKept && owner == nil { return true }
      place = .whole(Tensor(uninitialized: shape))
      return false
    }
  }

  /// Says where a program's tiles have the rows, or that they have gone.
  func lie(behind columns: Int?) { place = columns.map(Place.tile) ?? .gone }
}

/// Some rows that a thread takes through a program, and its memory for those that nobody wants later.
struct RowTile {
  let rows: Range<Int>
  let memory: UnsafeMutablePointer<Float>
  /// The most rows of a tile of the program.
  let height: Int
}
