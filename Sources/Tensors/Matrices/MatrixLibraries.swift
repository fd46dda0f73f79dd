import COneDNN

/// The libraries that multiply matrices, in the versions that are loaded.
package enum MatrixLibraries {
  package static var openBLAS: String {
    // `OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …`.
    let words = MatrixLibrary.shared.configuration.split(separator: " ")
    return words.count > 1 ? String(words[1]) : "unknown"
  }

  package static var oneDNN: String {
    var numbers: [Int32] = [0, 0, 0]
    packed_library_version(&numbers)
    return numbers.map(String.init).joined(separator: ".")
  }
}
