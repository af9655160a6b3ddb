import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// What bounds the wrapping keys of imports, and the tries under them.
@Suite
struct ImportBoundsTests {
  private static let name: KeyName = "app/key"
  private static let eve = Caller.named("eve")
  private static let policy = PolicyText.all(
    PolicyText.grant("importer", to: ["eve"], .allow(["key:import"], ["keys/**"])),
    PolicyText.approvers("ann")
  )
  private static let rule = PolicyText.approvalRule(
    "ann",
    ["key:import"],
    ["keys/app/**"],
    of: "ann"
  )

  @Test
  func nobodyTakesTheRoomOfAll() async throws {
    let server = try await TestServer.unsealed()
    try await server.apply(Self.policy)
    for index in 0..<32 {
      let name = try KeyName("app/key-\(index / 4)")
      _ = try await server.wrappingKey(name, ttl: 3600, as: Self.eve)
    }
    await refused(.tooManyRequests) { try await server.wrappingKey("app/next", as: Self.eve) }
    _ = try await server.wrappingKey("app/next")
    try await server.restart()
    await refused(.tooManyRequests) { try await server.wrappingKey("app/next", as: Self.eve) }
    // What has ended takes no room, even before it is swept away.
    server.clock.advance(seconds: 3601)
    _ = try await server.wrappingKey("app/next", as: Self.eve)
  }

  /// More tries than a wrapping key bears: none of them was one.
  @Test
  func nothingIsOpenedWithoutItsApproval() async throws {
    let server = try await TestServer.unsealed()
    try await server.apply(Self.policy)
    let key = try await server.wrappingKey(Self.name, as: Self.eve)
    try await server.apply(PolicyText.all(Self.policy, Self.rule))
    let invented = try #require(ApprovalID(random: [UInt8](repeating: 1, count: 16)))
    for _ in 0..<20 {
      await refused(.approvalRequired) {
        try await server.importBlob(
          [UInt8](repeating: 1, count: 424),
          Self.name,
          under: key.id,
          as: Self.eve.asking("import", invented)
        )
      }
    }
    let blob = try key.blob(of: ImportTests.material)
    let error = await refused(.approvalRequired) {
      try await server.importBlob(blob, Self.name, under: key.id, as: Self.eve.asking("good"))
    }
    let id = try #require(error?.approval)
    _ = try await server.service.vote(.named("ann"), id, isApproval: true)
    let approved = Self.eve.asking("good", id)
    try await server.importBlob(blob, Self.name, under: key.id, as: approved)
  }

  /// Whether a blob opens is not told by the way in which it is not taken.
  @Test
  func nothingIsOpenedForANameThatIsTaken() async throws {
    let server = try await TestServer.unsealed()
    try await server.importKey(Self.name, .aes256)
    let key = try await server.wrappingKey(Self.name)
    let good = try key.blob(of: ImportTests.material)
    let bad = [UInt8](repeating: 1, count: good.count)
    for blob in [good] + Array(repeating: bad, count: 20) {
      await refused(.alreadyExists) {
        try await server.importBlob(blob, Self.name, under: key.id)
      }
    }
    try await server.importNext(good, Self.name, under: key.id)
  }
}
