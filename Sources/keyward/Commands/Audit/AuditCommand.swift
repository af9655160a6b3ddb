import ArgumentParser

struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Read, prove, export and verify the audit log.",
    discussion: """
      Every operation, allowed or refused, is an entry of a Merkle log with signed checkpoints. \
      Keep the verifier key, and a checkpoint now and then, away from the server: with them an \
      export is checked by anybody, offline.

        keyward audit checkpoint -o json       # keep verifier_key and note
        keyward audit export --out audit.log
        keyward audit verify audit.log --key 'keyward.example+1a2b3c4d+AX…'
      """,
    subcommands: [
      AuditList.self, AuditTail.self, AuditCheckpoint.self, AuditProof.self, AuditExport.self,
      AuditVerify.self,
    ]
  )
}
