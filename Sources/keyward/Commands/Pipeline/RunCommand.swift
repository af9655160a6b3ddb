import ArgumentParser
import Glibc
import KeywardClient
import KeywardCrypto
import KeywardModel
import KeywardPipeline
import KeywardSystem

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a command with secrets, and mask its output.",
    discussion: """
        DB_PASSWORD=kw://payments/db#password keyward run -- ./migrate
        keyward run --set DB_PASSWORD=kw://payments/db#password -- ./migrate
        keyward run --file KUBECONFIG=kw://clusters/prod-eu#kubeconfig -- kubectl apply -f -

      References are those of the environment, of 'run' in keyward.yaml, and of the options; all of \
      them are fetched in one round trip before the command starts. What it writes is searched for \
      the values and their usual encodings.

      Exit status: the command's own; 128 and its number for a signal; 126 if the command cannot be \
      started, 127 if there is none. Before that, the statuses of every command of keyward.
      """
  )

  @OptionGroup
  var injection: InjectionOptions
  @OptionGroup
  var launch: LaunchOptions
  @OptionGroup
  var fetch: SecretFetch
  @OptionGroup
  var output: OutputOptions

  @Argument(
    parsing: .postTerminator,
    help: ArgumentHelp("The command and its arguments, after --.", valueName: "command")
  )
  var command: [String] = []

  func validate() throws {
    guard !command.isEmpty || fetch.isPlan else {
      throw ValidationError("Write the command after '--': keyward run -- ./migrate")
    }
    try launch.validate(with: injection)
  }

  func run() throws {
    let inherited = InheritedEnvironment.current()
    let plan = try injection.plan(inherited, launch)
    var secrets: FetchedSecrets?
    if !plan.references.isEmpty {
      // The token ends before the command runs: it is not needed any more, and so no end of this
      // process can leave it behind.
      let revokes = launch.revokesToken && !fetch.isPlan
      let answer = try fetch.server.session(revokesGiven: revokes) { client in
        try fetch.request(plan.references, of: client)
      }
      if fetch.isPlan {
        return try fetch.show(SecretPlan(answer.head, wanted: plan.wanted), output)
      }
      secrets = try SecretFetch.values(answer, wanted: plan.wanted)
    } else if fetch.isPlan {
      return StandardStream.output("Nothing would be fetched: there is no reference.")
    }
    let matcher = try launch.matcher(plan, secrets)
    let injector = try Injector(plan, secrets, temporaryFolder: launch.tmpfsDir)
    let (folder, kept) = (injector.folder, injector.kept)
    secrets = nil
    var program = Program(
      arguments: rawCommand(),
      variables: injector.takeVariables(),
      searchPath: plan.inherited["PATH"]
    )
    program.kept = kept
    program.allowsCore = launch.allowsCoreDumps
    do throws(Supervisor.Failure) {
      if launch.replacesProcess {
        do throws(LaunchError) {
          try program.replaceThisProcess()
        } catch {
          throw .launch(error)
        }
      }
      let supervisor = Supervisor(matcher: matcher, adoptsOrphans: launch.adoptsOrphans)
      let status = try supervisor.run(program)
      folder?.remove()
      Glibc.exit(status)
    } catch {
      folder?.remove()
      try fail(error)
    }
  }

  private func fail(_ failure: Supervisor.Failure) throws {
    switch failure {
    case .launch(let error):
      StandardStream.error("keyward: \(Table.printable(error.message))\n")
      Glibc.exit(error.exitStatus)
    case .system(let error): throw error
    case .memory(let error): throw error
    }
  }

  /// The command as bytes: the parser's texts have lost what is not UTF-8.
  private func rawCommand() -> [[UInt8]] {
    let all = (0..<Int(CommandLine.argc)).compactMap { index -> [UInt8]? in
      CommandLine.unsafeArgv[index].map { text in
        Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
      }
    }
    return Array(all.suffix(command.count))
  }
}
