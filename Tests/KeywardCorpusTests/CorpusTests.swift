import Foundation
import KeywardAuthn
import KeywardExport
import KeywardGRPC
import KeywardKMSPlugin
import KeywardKeyring
import KeywardPipeline
import Testing

/// Replays what the fuzzers kept (scripts/fuzz): every input that reached new code.
@Suite
struct CorpusTests {
  static let targets = readers + ExportFuzzTargets.all.map { ($0.name, $0.target) }

  private static let readers: [(String, @Sendable ([UInt8]) -> Void)] = [
    ("share", { FuzzTargets.share($0) }),
    ("envelope", { FuzzTargets.envelope($0) }),
    ("seal-record", { FuzzTargets.sealRecord($0) }),
    ("jwt", { AuthnFuzzTargets.token($0) }),
    ("key-set", { AuthnFuzzTargets.keySet($0) }),
    ("certificate", { AuthnFuzzTargets.certificate($0) }),
    ("identity-record", { AuthnFuzzTargets.record($0) }),
    ("secret-reference", { PipelineFuzzTargets.reference($0) }),
    ("secret-record", { PipelineFuzzTargets.secretRecord($0) }),
    ("secret-frame", { PipelineFuzzTargets.secretFrame($0) }),
    ("project-file", { PipelineFuzzTargets.project($0) }),
    ("template", { PipelineFuzzTargets.template($0) }),
    ("bundle", { PipelineFuzzTargets.bundle($0) }),
    ("kms-message", { _ = KMSFuzzTargets.messages($0) }),
    ("grpc-framing", { _ = GRPCFuzzTargets.framing($0) }),
    ("grpc-frames", { _ = GRPCFuzzTargets.frames($0) }),
  ]

  @Test("The corpus of each reader runs without a trap", arguments: targets.indices)
  func replay(index: Int) throws {
    let (name, target) = Self.targets[index]
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Corpus/\(name)")
    let files = try FileManager.default.contentsOfDirectory(
      at: folder,
      includingPropertiesForKeys: nil
    )
    #expect(!files.isEmpty, "the corpus of \(name) is missing")
    for file in files { target([UInt8](try Data(contentsOf: file))) }
  }
}
