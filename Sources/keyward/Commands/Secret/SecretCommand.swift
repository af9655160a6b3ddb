import ArgumentParser

struct SecretCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "secret",
    abstract: "Keep secrets, with a value for each environment.",
    discussion: """
        keyward environment put dev
        keyward secret put payments/db --env dev --field user=user.txt --field password
        keyward secret put payments/token --env dev --generate value=alphanumeric:40
        keyward secret get payments/db --field password --env dev --out password.txt
        keyward secret diff --from dev --to prod-eu

      Values are never arguments, which every user of the machine can read: they come from a file, \
      from standard input (-), from a descriptor (fd:3), from a prompt, or are made by the server.
      """,
    subcommands: [
      SecretPut.self, SecretGet.self, SecretList.self, SecretShow.self, SecretHistory.self,
      SecretRollback.self, SecretDelete.self, SecretUndelete.self, SecretDestroy.self,
      SecretDiff.self, SecretPromote.self, SecretReportCommand.self,
    ]
  )
}

/// `--env`, for every command that is about one environment.
struct EnvironmentOption: ParsableArguments {
  @Option(
    name: .customLong("env"),
    help: ArgumentHelp(
      "The environment. (default: $KEYWARD_ENV, else that of the caller's identity)",
      valueName: "name"
    )
  )
  private var name: String?

  /// What the request names; nil leaves it to the identity.
  var requested: String? {
    name ?? ProcessEnvironment.all["KEYWARD_ENV"].flatMap { $0.isEmpty ? nil : $0 }
  }
}
