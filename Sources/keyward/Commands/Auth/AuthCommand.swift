import ArgumentParser

struct AuthCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "auth",
    abstract: "Say who is who: tokens, machine roles, clusters, issuers and authorities.",
    discussion: """
      A cluster is one record; policy that speaks of {cluster} then counts for it as well:

        keyward auth cluster put prod-eu --environment prod \\
          --issuer-url https://kubernetes.default.svc --audience keyward --jwks-file jwks.json \\
          --ca-file ca.pem

      A system without an identity of its own:

        keyward auth role put backup-host --network 10.0.0.0/8 --token-ttl 1h
        keyward auth role secret-id backup-host --out secret-id
      """,
    subcommands: [
      AuthTokenCommand.self, AuthRoleCommand.self, AuthClusterCommand.self,
      AuthIssuerCommand.self, AuthAuthorityCommand.self,
    ]
  )
}
