/// Something that failed in the store while a result was brought into it: no fault of the remote cache.
package struct LocalFailure: Error {
  package var error: any Error

  /// Marks what `body` throws as the store's own.
  static func mark<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as RemoteError { throw error } catch let error as LocalFailure {
      throw error
    } catch { throw LocalFailure(error: error) }
  }
}
