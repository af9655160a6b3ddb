// swift-tools-version: 6.3
import PackageDescription

// The floors of docs/overview.md, lowest first. An arrow goes down only: the build passes
// `--explicit-target-dependency-import-check error`, so an undeclared import does not compile.

let settings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("ImmutableWeakCaptures"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// For targets that have no business with pointers: every unsafe use must be spelled out.
let safeSettings = settings + [.strictMemorySafety()]

let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
]

let dependencies: [Package.Dependency] = [
  .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
  .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
  .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
  .package(url: "https://github.com/apple/swift-nio-http2.git", exact: "1.46.0"),
  .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
  .package(url: "https://github.com/jpsim/Yams.git", exact: "6.2.2"),
]

var targets: [Target] = [
  // Floor 0: system libraries and C shims.
  .systemLibrary(
    name: "COpenSSL",
    pkgConfig: "libcrypto",
    providers: [.apt(["libssl-dev"])]
  ),
  .systemLibrary(
    name: "CSQLite",
    pkgConfig: "sqlite3",
    providers: [.apt(["libsqlite3-dev"])]
  ),
  .systemLibrary(
    name: "CCurl",
    pkgConfig: "libcurl",
    providers: [.apt(["libcurl4-openssl-dev"])]
  ),
  .target(name: "CKeywardShims"),

  // Floor 1: values.
  .target(name: "KeywardModel", swiftSettings: safeSettings),

  // Floor 2: cryptography and decisions.
  .target(
    name: "KeywardCrypto",
    dependencies: ["COpenSSL", "CKeywardShims"],
    swiftSettings: settings
  ),
  .target(
    name: "KeywardPolicy",
    dependencies: ["KeywardModel", .product(name: "Yams", package: "Yams")],
    swiftSettings: safeSettings
  ),

  // Floor 3: domain logic without I/O.
  .target(
    name: "KeywardKeyring",
    dependencies: ["KeywardCrypto", "KeywardModel"],
    swiftSettings: settings
  ),
  .target(
    name: "KeywardAudit",
    dependencies: ["KeywardCrypto", "KeywardModel"],
    swiftSettings: safeSettings
  ),
  .target(
    name: "KeywardAuthn",
    dependencies: ["KeywardCrypto", "KeywardModel"],
    swiftSettings: safeSettings
  ),

  // Floor 4: the outside world.
  .target(
    name: "KeywardSystem",
    dependencies: ["CKeywardShims", "KeywardCrypto", "KeywardModel"],
    swiftSettings: settings
  ),
  .target(
    name: "KeywardStore",
    dependencies: [
      "CSQLite", "CKeywardShims", "KeywardAudit", "KeywardCrypto", "KeywardKeyring", "KeywardModel",
    ],
    swiftSettings: settings
  ),
  .target(
    name: "KeywardGRPC",
    dependencies: nio + [
      .product(name: "NIOHTTP2", package: "swift-nio-http2"),
      .product(name: "NIOHPACK", package: "swift-nio-http2"),
    ],
    swiftSettings: settings
  ),
  .target(
    name: "KeywardHTTPClient",
    dependencies: ["CCurl", "KeywardCrypto"],
    swiftSettings: settings
  ),

  .target(
    name: "KeywardExport",
    dependencies: ["KeywardCrypto", "KeywardModel"],
    swiftSettings: settings
  ),

  // Floor 5: use cases.
  .target(
    name: "KeywardService",
    dependencies: [
      "KeywardAudit", "KeywardAuthn", "KeywardCrypto", "KeywardExport", "KeywardKeyring",
      "KeywardModel", "KeywardPolicy", "KeywardStore", "KeywardSystem",
      .product(name: "Logging", package: "swift-log"),
    ],
    swiftSettings: settings
  ),

  .target(
    name: "KeywardCloud",
    dependencies: [
      "KeywardCrypto", "KeywardExport", "KeywardHTTPClient", "KeywardModel", "KeywardSystem",
    ],
    swiftSettings: settings
  ),

  // Floor 6: transports and clients.
  .target(
    name: "KeywardKMSPlugin",
    dependencies: nio + [
      "KeywardCrypto", "KeywardGRPC", "KeywardModel", "KeywardService", "KeywardSystem",
    ],
    swiftSettings: settings
  ),
  .target(
    name: "KeywardHTTPAPI",
    dependencies: nio + [
      "KeywardAudit", "KeywardCrypto", "KeywardModel", "KeywardService", "KeywardSystem",
      .product(name: "NIOHTTP1", package: "swift-nio"),
      .product(name: "NIOSSL", package: "swift-nio-ssl"),
      .product(name: "NIOTLS", package: "swift-nio"),
    ],
    swiftSettings: settings
  ),
  .target(
    name: "KeywardClient",
    dependencies: ["KeywardCrypto", "KeywardHTTPClient", "KeywardModel"],
    swiftSettings: settings
  ),

  .target(
    name: "KeywardPipeline",
    dependencies: [
      "CKeywardShims", "KeywardCrypto", "KeywardModel", "KeywardSystem",
      .product(name: "Yams", package: "Yams"),
    ],
    swiftSettings: settings
  ),

  // Floor 7: the executable.
  .executableTarget(
    name: "keyward",
    dependencies: nio + [
      "KeywardAudit", "KeywardClient", "KeywardCloud", "KeywardExport", "KeywardCrypto",
      "KeywardGRPC", "KeywardHTTPAPI",
      "KeywardHTTPClient",
      "KeywardKMSPlugin", "KeywardKeyring", "KeywardModel", "KeywardPipeline", "KeywardPolicy",
      "KeywardService", "KeywardStore", "KeywardSystem",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
      .product(name: "Logging", package: "swift-log"),
      .product(name: "Yams", package: "Yams"),
    ],
    swiftSettings: settings
  ),

  // Tests.
  .target(
    name: "KeywardTesting",
    dependencies: [
      "KeywardAudit", "KeywardCrypto", "KeywardExport", "KeywardKeyring", "KeywardModel",
      "KeywardPolicy", "KeywardService", "KeywardStore",
      .product(name: "Logging", package: "swift-log"),
    ],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardCorpusTests",
    dependencies: [
      "KeywardAuthn", "KeywardExport", "KeywardGRPC", "KeywardKMSPlugin", "KeywardKeyring",
      "KeywardPipeline",
    ],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardCloudTests",
    dependencies: [
      "KeywardCloud", "KeywardCrypto", "KeywardExport", "KeywardHTTPClient", "KeywardModel",
      "KeywardService", "KeywardSystem", "KeywardTesting",
    ],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardPolicyTests",
    dependencies: ["KeywardModel", "KeywardPolicy"],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardServiceTests",
    dependencies: [
      "KeywardAudit", "KeywardAuthn", "KeywardCrypto", "KeywardExport", "KeywardKeyring",
      "KeywardModel", "KeywardPolicy", "KeywardService", "KeywardStore", "KeywardTesting",
    ],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardExportTests",
    dependencies: ["KeywardCrypto", "KeywardExport", "KeywardModel"],
    swiftSettings: settings
  ),
  .testTarget(name: "KeywardModelTests", dependencies: ["KeywardModel"], swiftSettings: settings),
  .testTarget(
    name: "KeywardCryptoTests",
    dependencies: ["KeywardCrypto"],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardKeyringTests",
    dependencies: ["KeywardCrypto", "KeywardKeyring", "KeywardModel"],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardAuthnTests",
    dependencies: ["KeywardAuthn", "KeywardCrypto", "KeywardModel"],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardAuditTests",
    dependencies: ["KeywardAudit", "KeywardCrypto", "KeywardModel"],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardStoreTests",
    dependencies: [
      "KeywardAudit", "KeywardCrypto", "KeywardKeyring", "KeywardModel", "KeywardStore",
    ],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardSystemTests",
    dependencies: ["KeywardCrypto", "KeywardSystem"],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardGRPCTests",
    dependencies: nio + ["KeywardGRPC", "KeywardSystem"],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardClientTests",
    dependencies: ["KeywardClient", "KeywardCrypto", "KeywardModel"],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardHTTPAPITests",
    dependencies: nio + [
      "KeywardClient", "KeywardCrypto", "KeywardHTTPAPI", "KeywardHTTPClient", "KeywardModel",
      "KeywardSystem",
      .product(name: "Yams", package: "Yams"),
    ],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardPipelineTests",
    dependencies: [
      "CKeywardShims", "KeywardCrypto", "KeywardModel", "KeywardPipeline", "KeywardSystem",
      .product(name: "Yams", package: "Yams"),
    ],
    swiftSettings: settings
  ),
  .testTarget(
    name: "KeywardKMSPluginTests",
    dependencies: nio + [
      "KeywardCrypto", "KeywardGRPC", "KeywardKMSPlugin", "KeywardModel", "KeywardSystem",
    ],
    swiftSettings: settings
  ),
]

if Context.environment["KEYWARD_FUZZ"] != nil {
  targets.append(
    .executableTarget(
      name: "keyward-fuzz",
      dependencies: [
        "KeywardAuthn", "KeywardExport", "KeywardGRPC", "KeywardKMSPlugin", "KeywardKeyring",
        "KeywardPipeline",
      ],
      swiftSettings: settings
    )
  )
}

let package = Package(
  name: "keyward",
  products: [.executable(name: "keyward", targets: ["keyward"])],
  dependencies: dependencies,
  targets: targets,
  swiftLanguageModes: [.v6]
)
