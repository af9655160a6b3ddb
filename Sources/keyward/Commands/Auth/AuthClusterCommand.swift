import ArgumentParser
import KeywardModel

struct AuthClusterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cluster",
    abstract: "Kubernetes clusters: who vouches for their workloads and nodes.",
    discussion: """
        keyward auth cluster put -f prod-eu.yaml
        keyward auth cluster get prod-eu -o yaml

      A file has the fields of the API, and key_set_file, certificates_file and
      revocation_lists_file for what is in files beside it:

        name: prod-eu
        environment: prod
        issuers:
          - {name: kubernetes, preset: kubernetes, url: "https://kubernetes.default.svc",
             audiences: [keyward], key_set_file: jwks.json}
        authorities:
          - {name: node-ca, identity: dns-san, certificates_file: ca.pem}
      """,
    subcommands: [
      AuthClusterPut.self, RegistryGet<ClusterNoun>.self, RegistryList<ClusterNoun>.self,
      RegistryDelete<ClusterNoun>.self,
    ]
  )
}

enum ClusterNoun: RegistryNoun {
  static let kind = RegistryKind.clusters
  static let word = "cluster"

  static func details(_ document: ClusterDocument) -> String {
    let head = Table.pairs([("Cluster", document.name), ("Environment", document.environment)])
    let parts =
      (document.issuers ?? []).map(IssuerNoun.details)
      + (document.authorities ?? []).map(AuthorityNoun.details)
    return ([head] + parts).joined(separator: "\n\n")
  }
}

struct AuthClusterPut: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Register a cluster, or replace its record.",
    discussion: """
        keyward auth cluster put prod-eu --environment prod \\
          --issuer-url https://kubernetes.default.svc --audience keyward --jwks-file jwks.json \\
          --ca-file ca.pem --names 'kms-plugin'

      The key set of a cluster: kubectl get --raw /openid/v1/jwks > jwks.json
      """,
    aliases: ["write"]
  )

  @OptionGroup
  var record: RecordOptions
  @Option(help: "The environment of its identities.")
  var environment: String?
  @Option(help: "Exactly the iss of its service account tokens.")
  var issuerURL: String?
  @Option(help: "What policy calls that issuer.")
  var issuerName = "kubernetes"
  @Option(help: "An audience of its tokens (may be given several times).")
  var audience: [String] = []
  @OptionGroup
  var keys: KeySetOptions
  @Option(help: "What policy calls its authority.")
  var caName = "node-ca"
  @OptionGroup
  var authority: AuthorityOptions
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    try record.check(
      hasOptions: environment != nil || issuerURL != nil || !audience.isEmpty || keys.isGiven
        || authority.isGiven
    )
    guard record.file != nil || issuerURL != nil || !authority.caFile.isEmpty else {
      throw ValidationError("Give --issuer-url, --ca-file or a file with -f.")
    }
    guard issuerURL != nil || (audience.isEmpty && !keys.isGiven) else {
      throw ValidationError("--audience and the keys go with --issuer-url.")
    }
  }

  func run() throws {
    guard let file = record.file else {
      var document = ClusterDocument(environment: environment)
      if let issuerURL {
        var issuer = IssuerDocument(
          name: issuerName,
          preset: "kubernetes",
          url: issuerURL,
          audiences: audience
        )
        try keys.apply(to: &issuer)
        document.issuers = [issuer]
      }
      if !authority.caFile.isEmpty {
        document.authorities = [try authority.document(named: caName)]
      }
      return try ClusterNoun.put(
        [RecordFile.Record(name: try record.named(), document: document)],
        server,
        output
      )
    }
    let records = try RecordFile.records(file, named: record.name?.name) {
      (file, node) throws(ConfigurationError) in try file.cluster(node)
    }
    try ClusterNoun.put(records, server, output)
  }
}
