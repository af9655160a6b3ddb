import ArgumentParser
import Glibc
import KeywardCrypto
import KeywardModel
import KeywardSystem

/// The executable: one command for each noun, the server and the offline tools.
@main
struct Keyward: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keyward",
    abstract: "Keep master keys, and encrypt Kubernetes clusters with them.",
    discussion: """
      A first look, with throw-away data:

        keyward server --dev --kms etcd=unix:///tmp/keyward-kms.sock
        keyward kms check --socket unix:///tmp/keyward-kms.sock

      A server for keeps is started by 'keyward server --config FILE', made ready once by \
      'keyward operator init', and opened after each start by 'keyward operator unseal'.

      Commands talk to the server over its admin socket or HTTPS: --addr, or the environment \
      variable KEYWARD_ADDR, or \(ServerOptions.standardAddress). 'keyward login' gets the token \
      that HTTPS needs.

      Exit status: 0 done, 1 failed, 2 wrong usage, 3 server not reached, 4 sealed or not \
      initialized, 5 refused, 6 not found, 7 verification failed, 8 the provider of an export failed, \
      9 its parameters have expired.
      """,
    subcommands: [
      ServerCommand.self, OperatorCommand.self, KeyCommand.self, KMSCommand.self,
      SecretCommand.self, EnvironmentCommand.self,
      LoginCommand.self, LogoutCommand.self, WhoAmICommand.self, PolicyCommand.self,
      RunCommand.self, GetCommand.self, RenderCommand.self, BundleCommand.self,
      ApprovalCommand.self, ExportCommand.self, DestinationCommand.self, AuthCommand.self,
      AuditCommand.self, BackupCommand.self,
      FsckCommand.self, CompletionCommand.self, BenchCommand.self,
      VersionCommand.self,
    ]
  )

  /// Runs the command line; every error ends in words on standard error and a documented status,
  /// since an error that leaves `main` would be a crash.
  static func main() async {
    signal(SIGPIPE, SIG_IGN)
    // Clients and offline tools hold shares, passphrases and keys too. Where the kernel refuses,
    // the server says so and stops; a client goes on.
    try? ProcessHardening.apply(
      forLaunching: CommandLine.arguments.dropFirst().first == RunCommand.configuration.commandName
    )
    try? SecureMemory.activate()
    // Not the parser's own flag: that one would be in every command, where --version is a key's.
    if CommandLine.arguments.dropFirst().elementsEqual(["--version"]) {
      return StandardStream.output("keyward \(ProductVersion.current)")
    }
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      Glibc.exit(report(error))
    }
  }

  private static func report(_ error: any Error) -> CInt {
    if let failure = CommandFailure(error) {
      StandardStream.error("keyward: \(failure.text)\n")
      return failure.status.rawValue
    }
    let code = exitCode(for: error)
    let message = fullMessage(for: error)
    if code == .success {
      if !message.isEmpty { StandardStream.output(message) }
      return ExitStatus.done.rawValue
    }
    if !message.isEmpty { StandardStream.error(message + "\n") }
    return code == .validationFailure ? ExitStatus.usage.rawValue : code.rawValue
  }
}
