import ArgumentParser

struct PolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy",
    abstract: "Say who may do what, see why, and change it with a plan first.",
    discussion: """
        keyward policy apply -f policy/ --prune --dry-run     # what would change
        keyward policy apply -f policy/ --prune
        keyward policy can-i key:encrypt keys/etcd/prod-eu --as node-ca/kms-plugin \\
          --cluster prod-eu
        keyward policy explain key:destroy keys/etcd/prod-eu
        keyward policy diff current policy/
        keyward policy test -f policy/ --tests policy-tests/
        keyward policy simulate -f policy/ --since 30d

      The language is in docs/policy.md.
      """,
    subcommands: [
      PolicyApply.self, PolicyGet.self, PolicyList.self, PolicyDelete.self, PolicyCanI.self,
      PolicyExplain.self, PolicyDiff.self, PolicyLintCommand.self, PolicyTestCommand.self,
      PolicySimulate.self, PolicyTighten.self, PolicyLift.self,
    ]
  )
}
