import ArgumentParser
import KeywardClient
import KeywardModel

struct AuditProof: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "proof",
    abstract: "Get the proof that an entry is in the log, or that the log only grew.",
    discussion: """
        keyward audit proof --index 1234              # RFC 6962 inclusion proof
        keyward audit proof --from 1000 --to 2000     # RFC 6962 consistency proof
      """
  )

  @Option(help: "The entry.")
  var index: UInt64?
  @Option(help: "The size of the tree to prove inclusion in. (default: the newest)")
  var size: UInt64?
  @Option(help: "The older size.")
  var from: UInt64?
  @Option(help: "The newer size. (default: the newest)")
  var to: UInt64?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard (index == nil) != (from == nil), index != nil || size == nil, from != nil || to == nil
    else {
      throw ValidationError("Give either --index [--size], or --from [--to].")
    }
  }

  func run() throws {
    let client = try server.client()
    let proof: ProofInfo
    if let index {
      proof = try client.auditProof(index: index, size: size)
    } else {
      proof = try client.auditConsistency(from: from ?? 0, to: to)
    }
    try output.print(proof) {
      Table.pairs(
        [
          ("Index", proof.index.map(String.init)),
          ("Leaf hash", proof.leafHash),
          ("From size", proof.from.map(String.init)),
          ("Tree size", String(proof.size)),
          ("Root hash", proof.rootHash),
        ] + proof.hashes.map { ("Hash", $0) }
      )
    }
  }
}
