// swift-tools-version: 6.1
import PackageDescription

// Arrows point down only: a target may import what stands in its `dependencies`, nothing else.
// `scripts/check-layers` compares the imports in the sources with this file.

let hygiene: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A library target with the settings every target of this package shares.
func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: hygiene)
}

/// The test target of a module: `Tests/<module>Tests`.
///
/// Every test may look at values and words.
func tests(_ module: String, _ others: [Target.Dependency] = []) -> Target {
  let own: [Target.Dependency] = ["PreciseJSON", "Diagnostics"].contains(module) ? [] : [.byName(name: module)]
  return .testTarget(
    name: module + "Tests", dependencies: own + ["TestKit", "PreciseJSON", "Diagnostics"] + others,
    swiftSettings: hygiene)
}

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let database = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let network: [Target.Dependency] = [
  .product(name: "AsyncHTTPClient", package: "async-http-client"),
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOHTTP1", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
  .product(name: "NIOSSL", package: "swift-nio-ssl"),
]
let server: [Target.Dependency] = [
  .product(name: "Hummingbird", package: "hummingbird"),
  .product(name: "HummingbirdCore", package: "hummingbird"),
  .product(name: "HummingbirdTLS", package: "hummingbird"),
  .product(name: "HTTPTypes", package: "swift-http-types"),
  .product(name: "Logging", package: "swift-log"),
  .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
  .product(name: "UnixSignals", package: "swift-service-lifecycle"),
]
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "Anneal",
  products: [.executable(name: "anneal", targets: ["anneal"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
  ],
  targets: [
    // The program: commands only.
    .executableTarget(
      name: "anneal",
      dependencies: [
        "FineTuningNodes", "Recipes", "CacheServer", "LanguageServer", "Pipeline", "ModelFolders", "Generation",
        "Decoding",
        "Tokenization",
        "ChatTemplates",
        "Datasets",
        "TokenShards", "TensorFiles", "LanguageModels", "Tensors", "PreciseJSON", "Diagnostics", argumentParser,
      ],
      swiftSettings: hygiene),

    // Where the two worlds meet: one file a node type.
    library(
      "FineTuningNodes",
      [
        "Pipeline", "Rewards", "Training", "Generation", "Decoding", "Datasets", "ModelFolders", "LanguageModels",
        "Tensors", "Tokenization", "ChatTemplates", "TensorFiles", "TokenShards", "PreciseJSON", "Diagnostics",
      ]),

    // Files of other programs that become pipelines.
    library("Recipes", ["Pipeline", "Datasets", "PreciseJSON", "Diagnostics"]),

    // The engine: knows no language model.
    library("Pipeline", ["CYAML", "PreciseJSON", "Diagnostics", "Threads", crypto, database] + network),

    // A server of the engine's results.
    library("CacheServer", ["Pipeline", "Diagnostics"] + network + server),

    // What editors show of pipeline files.
    library("LanguageServer", ["Pipeline", "PreciseJSON", "Diagnostics"]),

    // Fine-tuning.
    library("Rewards", ["Training", "Tokenization", "PreciseJSON", "Diagnostics", "Threads"]),
    library(
      "Training",
      ["Decoding", "LanguageModels", "Tensors", "TokenShards", "TensorFiles", "PreciseJSON", "Diagnostics"]),
    library("Generation", ["Decoding", "LanguageModels", "Tokenization"]),
    library("Decoding", ["LanguageModels", "Tensors", "Diagnostics"]),
    library(
      "ModelFolders",
      ["LanguageModels", "Tensors", "TensorFiles", "Tokenization", "ChatTemplates", "PreciseJSON", "Diagnostics"]),
    library(
      "Datasets",
      [
        "Tokenization", "ChatTemplates", "TokenShards", "TensorFiles", "PreciseJSON", "Diagnostics", "Threads", crypto,
      ]),
    library("LanguageModels", ["Tensors", "PreciseJSON", "Diagnostics"]),
    library("Tensors", ["CTensorKernels", "COpenBLAS", "COneDNN", "Diagnostics", "Threads"]),

    // Text and files.
    library("Tokenization", ["CPCRE2", "TensorFiles", "PreciseJSON", "Diagnostics"]),
    library("ChatTemplates", ["PreciseJSON", "Diagnostics"]),
    library("TokenShards", ["CZstd", "PreciseJSON", "Diagnostics"]),
    library("TensorFiles", ["PreciseJSON", "Diagnostics"]),

    // Leaves.
    library("PreciseJSON", ["Diagnostics"]),
    library("Diagnostics"),
    library("Threads", ["CProcesses"]),

    // C: our inner loops, and system libraries, most through pkg-config.
    .target(
      name: "CTensorKernels",
      cSettings: [.unsafeFlags(["-O3", "-fno-math-errno", "-ffp-contract=off"], .when(configuration: .release))]),
    // oneDNN (libdnnl-dev) has no pkg-config file in Debian; libgomp comes with it.
    .target(name: "COneDNN", linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),
    // Headers only: the library is loaded when the first product wants it.
    .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
    // Headers only: calls of the system that Swift cannot make.
    .systemLibrary(name: "CProcesses"),
    .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),

    // What tests of the engine start in processes of their own: toy nodes, no language model.
    .executableTarget(
      name: "ToyEngine", dependencies: ["TestKit", "Pipeline", "Diagnostics"], swiftSettings: hygiene),

    // What scripts/bench measures, one file a benchmark.
    .executableTarget(
      name: "AnnealBenchmarks",
      dependencies: [
        "TestKit", "Pipeline", "Training", "ModelFolders", "LanguageModels", "Tensors", "CTensorKernels",
        "TokenShards", "Tokenization", "PreciseJSON", argumentParser,
      ],
      path: "Benchmarks", exclude: ["README.md"], swiftSettings: hygiene),

    // Shared by the tests: tiny models, gradient checks, temporary stores, fault injection.
    library(
      "TestKit",
      ["Pipeline", "LanguageModels", "Tensors", "TensorFiles", "PreciseJSON", "Diagnostics"]),

    tests("Diagnostics"),
    tests("PreciseJSON"),
    tests("Threads"),
    tests("TensorFiles"),
    tests("TokenShards"),
    tests("Tokenization", ["TensorFiles"]),
    tests("ChatTemplates"),
    tests("Datasets", ["Tokenization", "ChatTemplates", "TokenShards", "TensorFiles"]),
    tests("Tensors", ["CTensorKernels"]),
    tests("LanguageModels", ["Tensors", "TensorFiles"]),
    tests(
      "Training",
      [
        "LanguageModels", "Tensors", "TensorFiles", "ModelFolders", "TokenShards", "Datasets",
        "Tokenization", "ChatTemplates",
      ]),
    tests("Rewards", ["Training"]),
    tests("ModelFolders", ["LanguageModels", "Tensors", "TensorFiles", "Tokenization"]),
    tests("Generation", ["Decoding", "LanguageModels", "Tensors", "ModelFolders", "Tokenization"]),
    tests("Pipeline", ["ToyEngine"]),
    tests("Recipes", ["FineTuningNodes", "Pipeline"]),
    tests("LanguageServer", ["Pipeline"]),
    tests(
      "FineTuningNodes",
      [
        "Pipeline", "Datasets", "TokenShards", "Tokenization", "Training", "Rewards", "ModelFolders", "LanguageModels",
        "Tensors", "TensorFiles",
      ]),
    .testTarget(
      name: "CommandTests",
      dependencies: ["anneal", "TestKit", "Pipeline", "Tokenization", "PreciseJSON", "Diagnostics"],
      swiftSettings: hygiene),
  ]
)
