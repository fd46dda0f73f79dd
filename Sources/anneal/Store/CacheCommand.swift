import ArgumentParser

/// `anneal cache`: the store.
struct CacheCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache", abstract: "Looks after the store of results.",
    subcommands: [
      CacheListCommand.self, CacheStatisticsCommand.self, CacheUsageCommand.self, CachePushCommand.self,
      CachePullCommand.self, CacheVerifyCommand.self, CacheCollectCommand.self,
      CachePinCommand.self, CacheUnpinCommand.self, CacheServeCommand.self, CacheKeyCommand.self,
    ])
}
