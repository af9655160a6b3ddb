import Foundation
import KeywardCrypto
import KeywardModel
import Testing

@testable import KeywardPipeline

@Suite
struct BundleFloorTests {
  private static let start = Timestamp(milliseconds: 1_800_000_000_000)
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("floor-\(UUID().uuidString)")
  private let signer: PrivateKey
  private let recipient: AgeRecipient

  init() throws {
    signer = try PrivateKey.generate(.ed25519)
    recipient = try AgeIdentity.generate().recipient
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private var floor: BundleFloor { BundleFloor(path: folder.appendingPathComponent("floor").path) }

  private func bundle(
    _ references: [String],
    after seconds: Int64,
    of environment: String = "prod-eu",
    by key: PrivateKey? = nil
  ) throws -> KeywardPipeline.Bundle {
    let key = key ?? signer
    let draft = try BundleDraft(
      environment: EnvironmentName(environment),
      created: Self.start.adding(seconds: seconds),
      expires: Self.start.adding(seconds: 86_400),
      recipients: [.age(recipient)],
      values: references.map {
        (try SecretReference($0), SecretBox(try SecretBytes.fixture([1])))
      }
    )
    let file = try draft.write(
      after: nil,
      signer: .init(publicKey: try key.publicKey().raw(), name: nil),
      wrap: { _, _ in [] },
      sign: { try key.sign(.ed25519, $0) }
    )
    return try KeywardPipeline.Bundle(parsing: file, named: "b")
  }

  private func isAdmitted(
    _ bundle: KeywardPipeline.Bundle,
    only reference: String? = nil,
    allowingOlder: Bool = false
  ) throws -> Bool {
    let entries = bundle.entries.filter { reference == nil || "\($0.reference)" == reference }
    try #require(!entries.isEmpty)
    do {
      let problem = try floor.admit(
        bundle,
        named: "b.bundle",
        for: entries,
        allowingOlder: allowingOlder
      )
      #expect(problem == nil)
      return true
    } catch let error as PipelineError {
      #expect(error.kind == .verification && error.message.contains("b.bundle"))
      #expect(error.message.contains("kw://") && error.remedy?.contains("--allow-older") == true)
      return false
    }
  }

  @Test
  func anOlderBundleIsRefusedOnceANewerOneWasOpened() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let old = try bundle(["kw://a/b?version=1#c", "kw://a/gone?version=1#c"], after: 0)
    let new = try bundle(["kw://a/b?version=2#c", "kw://a/b?version=2#d"], after: 60)
    #expect(try isAdmitted(old))
    #expect(try isAdmitted(old))
    // One value of it taken: the floor of all of them rises.
    #expect(try isAdmitted(new, only: "kw://a/b?version=2#d"))
    let kept = try Data(contentsOf: URL(fileURLWithPath: floor.path))
    #expect(try !isAdmitted(old))
    #expect(try !isAdmitted(old, only: "kw://a/b?version=1#c"))
    // What no newer bundle has was replaced by none.
    #expect(try isAdmitted(old, only: "kw://a/gone?version=1#c"))
    #expect(try isAdmitted(old, allowingOlder: true))
    #expect(try !isAdmitted(old))
    #expect(try isAdmitted(new))
    #expect(try Data(contentsOf: URL(fileURLWithPath: floor.path)) == kept)
    let mode = try FileManager.default.attributesOfItem(atPath: floor.path)[.posixPermissions]
    #expect(mode as? Int == 0o600)
  }

  @Test
  func otherSignersEnvironmentsAndValuesHaveTheirOwnFloor() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(try isAdmitted(bundle(["kw://a/b?version=2#c"], after: 60)))
    #expect(try isAdmitted(bundle(["kw://a/b?version=1#c"], after: 0, of: "prod-us")))
    #expect(try isAdmitted(bundle(["kw://a/b?version=1#d"], after: 0)))
    #expect(try isAdmitted(bundle(["kw://a/bb?version=1#c"], after: 0)))
    let other = try PrivateKey.generate(.ed25519)
    #expect(try isAdmitted(bundle(["kw://a/b?version=1#c"], after: 0, by: other)))
    #expect(try !isAdmitted(bundle(["kw://a/b?version=1#c"], after: 59)))
    #expect(try isAdmitted(bundle(["kw://a/b?version=3#c"], after: 61)))
  }

  @Test
  func theHighestFloorOfManyAtOnceIsKept() async throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let bundles = try (0..<40).map { try bundle(["kw://a/b?version=1#c"], after: $0 * 10) }
    let floor = floor
    await withTaskGroup(of: Void.self) { group in
      for bundle in bundles.shuffled() {
        group.addTask { _ = try? floor.admit(bundle, named: "b", for: bundle.entries) }
      }
    }
    #expect(try !isAdmitted(bundles[38]))
    #expect(try isAdmitted(bundles[39]))
  }

  /// What cannot be written is told; what cannot be read, or was changed, stops the opening.
  @Test
  func aFileThatIsNotItsOwnIsSaid() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let new = try bundle(["kw://a/b?version=2#c"], after: 60)
    let nowhere = BundleFloor(path: "/proc/keyward/floor")
    #expect(try nowhere.admit(new, named: "b", for: new.entries) != nil)
    #expect(try isAdmitted(new))
    let whole = try String(contentsOfFile: floor.path, encoding: .utf8)
    let lines = whole.split(separator: "\n").map(String.init)
    let damaged = [
      "", "\n", String(whole.dropLast()), whole + lines[1] + "\n", lines[1] + "\n",
      whole.replacing("v1", with: "v2"), whole.replacing("#c", with: "?version=1#c"),
      whole.replacing("prod-eu", with: "Prod"), whole.replacing("Z ", with: " "), whole + "\n",
    ]
    for text in damaged {
      try Data(text.utf8).write(to: URL(fileURLWithPath: floor.path))
      #expect(throws: PipelineError.self, "\(text)") {
        try floor.admit(new, named: "b", for: new.entries)
      }
    }
    try FileManager.default.removeItem(atPath: floor.path)
    try FileManager.default.createDirectory(atPath: floor.path, withIntermediateDirectories: false)
    #expect(throws: PipelineError.self) { try floor.admit(new, named: "b", for: new.entries) }
    // Read-only, and older than what is there: refused although nothing can be locked.
    try FileManager.default.removeItem(atPath: floor.path)
    try Data(whole.utf8).write(to: URL(fileURLWithPath: floor.path))
    try FileManager.default.removeItem(atPath: floor.path + ".lock")
    try FileManager.default.createDirectory(
      atPath: floor.path + ".lock",
      withIntermediateDirectories: false
    )
    #expect(try !isAdmitted(bundle(["kw://a/b?version=1#c"], after: 59)))
  }
}
