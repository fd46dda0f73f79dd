import AsyncHTTPClient
import Glibc

/// The proxy that the environment names for an address: `http_proxy`, `https_proxy`, `all_proxy`, and `no_proxy`, in small
/// letters or large ones (`HTTP_PROXY` in small ones only, since servers set it from a header).
struct HTTPProxy: Hashable {
  let host: String
  let port: Int
  /// `USER:PASSWORD`.
  let credentials: String?

  init?(for address: CacheAddress) {
    self.init(for: address) { name in getenv(name).map { String(cString: $0) } }
  }

  /// Nil where there is none to use.
  init?(for address: CacheAddress, variable: (String) -> String?) {
    func named(_ names: [String]) -> String? { names.lazy.compactMap(variable).first { !$0.isEmpty } }
    let own = address.isSecure ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy"]
    guard let text = named(own + ["all_proxy", "ALL_PROXY"]) else { return nil }
    let exceptions = named(["no_proxy", "NO_PROXY"]) ?? ""
    for exception in exceptions.split(whereSeparator: { $0 == "," || $0 == " " }) {
      let name = exception.hasPrefix(".") ? String(exception.dropFirst()) : String(exception)
      if name == "*" || address.host == name || address.host.hasSuffix("." + name) { return nil }
      if "\(address.host):\(address.port)" == name { return nil }
    }
    self.init(text)
  }

  /// `[http://][USER:PASSWORD@]HOST[:PORT]`; nil for another kind of proxy.
  private init?(_ text: String) {
    var rest = text[...]
    if let end = rest.firstRange(of: "://") {
      guard rest[..<end.lowerBound] == "http" else { return nil }
      rest = rest[end.upperBound...]
    }
    var credentials: String?
    if let at = rest.lastIndex(of: "@") {
      credentials = String(rest[..<at])
      rest = rest[rest.index(after: at)...]
    }
    guard let address = try? CacheAddress("http://" + rest) else { return nil }
    let hasPort = rest.prefix { $0 != "/" }.contains(":")
    host = address.host
    port = hasPort ? address.port : 3128
    self.credentials = credentials
  }

  var configuration: HTTPClient.Configuration.Proxy {
    guard let credentials else { return .server(host: host, port: port) }
    let parts = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    return .server(
      host: host, port: port,
      authorization: .basic(username: String(parts[0]), password: parts.count > 1 ? String(parts[1]) : ""))
  }
}
