import Diagnostics
import PreciseJSON

/// Which caches a command asks, from all who name some: the command line first, then the pipeline file, then the user's own
/// configuration.
package struct CacheChoice: Sendable {
  package private(set) var caches: [LocatedCache] = []
  package private(set) var warnings: [Diagnostic] = []

  /// - Parameters:
  ///   - user: What of it is left alone is empty there.
  ///   - project: The folder that relative paths of the command line and of pipeline files start in.
  package init(arguments: [CacheSettings], pipeline: [LocatedCache], user: UserConfiguration, project: String) {
    let configured = (pipeline + user.caches).map { cache in
      var cache = cache
      cache.settings.anchor(in: project)
      return cache
    }
    for argument in arguments {
      var named = LocatedCache(argument)
      named.settings.anchor(in: project)
      // Whoever names a place again means the one whose credentials are configured.
      if let known = configured.first(where: { $0.settings.place == named.settings.place }) {
        named = known
        named.settings.mode = argument.mode
      }
      add(named)
    }
    for cache in configured { add(cache) }
    for index in caches.indices {
      caches[index].settings.trustedKeys = caches[index].settings.trustedKeys ?? user.trustedKeys
      caches[index].settings.signingKey = caches[index].settings.signingKey ?? user.signingKey
    }
  }

  /// The caches as another process of this user's reads them, with the places of keys and the names of variables.
  package var json: JSON { .array(caches.map { AnyFields($0.settings).json }) }

  /// Reads what ``json`` wrote.
  package init(json: JSON) throws {
    for settings in try FieldTransportError.require(json.array, "a list of caches", json) {
      add(LocatedCache(try AnyFields.read(CacheSettings.self, json: settings)))
    }
  }

  /// The first who names a place says how it is used.
  private mutating func add(_ cache: LocatedCache) {
    guard !caches.contains(where: { $0.settings.place == cache.settings.place }) else { return }
    caches.append(cache)
  }

  /// Makes the caches, and warns of those whose credentials are not there.
  ///
  /// - Throws: `Diagnostic` for a folder to take from that is not there, and for a file that is not.
  package mutating func remotes(files: FileSystem = FileSystem()) throws -> RemoteCaches {
    var made: [any RemoteCache] = []
    var trust: [RemoteTrust] = []
    for cache in caches {
      let settings = cache.settings
      let own = RemoteTrust(keys: settings.trustedKeys ?? [], signing: try cache.signing(files))
      if let folder = settings.folder {
        if try !settings.isWritable && files.status(folder.text)?.kind != .folder {
          throw cache.problem(
            "no-cache", "There is no folder `\(folder.text)` to take results from",
            advice: "name the one that others fill, or leave `ro:` out to make it")
        }
        made.append(FolderRemote(name: settings.name, path: folder.text, isWritable: settings.isWritable, files: files))
        trust.append(own)
        continue
      }
      for path in [settings.ca, settings.certificate, settings.key] {
        guard let path, try files.status(path.text)?.kind != .file else { continue }
        throw cache.problem("no-cache", "There is no file `\(path.text)`, which a cache's settings name")
      }
      guard let address = settings.url else { continue }
      do {
        made.append(try HTTPRemote(settings, at: address))
        trust.append(own)
      } catch {
        var warning = cache.problem(
          "cache-left-out", "The cache `\(settings.name ?? settings.place)` is left out", reason: error.words)
        warning.severity = .warning
        warnings.append(warning)
      }
    }
    return RemoteCaches(made, trust: trust)
  }
}

extension LocatedCache {
  /// The key that signs what is put there; nil where nothing is signed.
  fileprivate func signing(_ files: FileSystem) throws -> SigningKey? {
    guard settings.isWritable, let path = settings.signingKey?.text else { return nil }
    return try SigningKey.read(path, at: mark?.place, files)
  }

  fileprivate func problem(
    _ code: String, _ summary: String, reason: String? = nil, advice: String? = nil
  ) -> Diagnostic {
    Diagnostic(code: code, summary, at: mark?.place, reason: reason, advice: advice)
  }
}
