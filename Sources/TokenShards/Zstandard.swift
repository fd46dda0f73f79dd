import CZstd

/// Compresses to one zstd frame that carries its content size and a checksum.
///
/// The same bytes and library version give the same frame.
package func compressZstandard(_ bytes: [UInt8], level: Int32 = 3) throws(ZstandardError) -> [UInt8] {
  guard let context = ZSTD_createCCtx() else { throw ZstandardError(detail: "no memory for the compressor") }
  defer { ZSTD_freeCCtx(context) }
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
  var frame = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
  let size = ZSTD_compress2(context, &frame, frame.count, bytes, bytes.count)
  if ZSTD_isError(size) != 0 { throw ZstandardError(detail: String(cString: ZSTD_getErrorName(size))) }
  frame.removeLast(frame.count - size)
  return frame
}

/// Expands one zstd frame, checking its checksum.
///
/// - Parameter limit: The most bytes the content may have, so that a hostile frame cannot fill the memory.
package func decompressZstandard(
  _ frame: UnsafeRawBufferPointer, limit: Int
) throws(ZstandardError) -> [UInt8] {
  let declared = ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
  // The two highest values mean "unknown" and "not a frame".
  guard declared < UInt64.max - 1 else { throw ZstandardError(detail: "this is not a whole zstd frame") }
  guard declared <= UInt64(limit) else {
    throw ZstandardError(detail: "the content claims \(declared) bytes, the limit is \(limit)")
  }
  var content = [UInt8](repeating: 0, count: Int(declared))
  let size = ZSTD_decompress(&content, content.count, frame.baseAddress, frame.count)
  if ZSTD_isError(size) != 0 { throw ZstandardError(detail: String(cString: ZSTD_getErrorName(size))) }
  guard size == content.count else { throw ZstandardError(detail: "the content is shorter than its header says") }
  return content
}

/// The version of the zstd library that is loaded.
package var zstandardVersion: String { String(cString: ZSTD_versionString()) }

/// What the zstd library says is wrong.
package struct ZstandardError: Error, Sendable, Hashable {
  package var detail: String
}
