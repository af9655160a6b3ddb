import ArgumentParser

struct KMSCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kms",
    abstract: "Talk to a Kubernetes KMS v2 plugin, ours or another's, as a kube-apiserver does.",
    discussion: """
        keyward kms status --socket unix:///run/keyward/etcd.sock
        keyward kms check  --socket unix:///run/keyward/etcd.sock
        keyward kms bench  --socket unix:///run/keyward/etcd.sock --concurrency 64
      """,
    subcommands: [KMSStatusCommand.self, KMSCheck.self, KMSBench.self]
  )
}
