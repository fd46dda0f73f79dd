import AsyncHTTPClient
import NIOHTTP1

/// Puts one file into a registry: an upload is begun, its pieces follow one after the other, and its digest ends it.
///
/// A piece that breaks off goes on where the registry says that it stopped.
struct RegistryUpload {
  private static let piece = 64 << 20
  private static let tries = 3

  let connection: RegistryConnection
  let transfer: RemoteTransfer

  func callAsFunction(_ path: String, as blob: BlobReference) throws {
    let begun = try connection.ask(.POST, "blobs/uploads/", transfer)
    guard begun.status == .accepted else { throw HTTPRemoteError(begun) }
    var place = try Self.place(begun)
    var sent = 0
    var failures = 0
    while sent < blob.size {
      let count = min(Self.piece, blob.size - sent)
      do {
        let head = try connection.ask(.PATCH, place, transfer) { exchange in
          exchange.headers.add(name: "Content-Type", value: "application/octet-stream")
          exchange.headers.add(name: "Content-Range", value: "\(sent)-\(sent + count - 1)")
          exchange.body = try FileUpload.body(of: path, from: sent, count: count)
        }
        if head.status == .rangeNotSatisfiable { throw HTTPRemoteError.wrongRange }
        guard (200..<300).contains(head.status.code) else { throw HTTPRemoteError(head) }
        place = try Self.place(head)
        sent += count
        transfer.moved(count)
      } catch let error as HTTPRemoteError where error.isWorthAnotherTry && failures < Self.tries {
        failures += 1
        let head = try connection.ask(.GET, place, transfer)
        guard (200..<300).contains(head.status.code), let come = Self.bytes(head), come <= blob.size else {
          throw error
        }
        place = try Self.place(head)
        sent = come
      }
    }
    let head = try connection.ask(
      .PUT, place + (place.contains("?") ? "&" : "?") + "digest=sha256:" + blob.digest.hex, transfer
    ) { $0.headers.add(name: "Content-Length", value: "0") }
    guard head.status == .created else { throw HTTPRemoteError(head) }
  }

  private static func place(_ head: HTTPResponseHead) throws -> String {
    guard let place = head.headers.first(name: "Location") else {
      throw RegistryError.unclear("it does not say where to put a file")
    }
    return place
  }

  /// How many bytes have come: `Range: 0-LAST`.
  private static func bytes(_ head: HTTPResponseHead) -> Int? {
    guard let range = head.headers.first(name: "Range") else { return 0 }
    return range.split(separator: "-").last.flatMap { Int($0) }.map { $0 == 0 ? 0 : $0 + 1 }
  }
}
