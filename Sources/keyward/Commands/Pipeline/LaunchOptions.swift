import ArgumentParser
import KeywardCrypto
import KeywardModel
import KeywardPipeline

/// How a command runs: what it inherits, what is masked, and what stays of this process.
struct LaunchOptions: ParsableArguments {
  @Flag(help: "Give the command the variables of keyward itself too.")
  var keepKeywardVariables = false
  @Flag(help: "Give the command only PATH, HOME, TERM, LANG and the like, and what --keep names.")
  var cleanEnv = false
  @Option(help: ArgumentHelp("With --clean-env, keep this variable.", valueName: "NAME"))
  var keep: [String] = []
  @Flag(help: "Leave the command's output alone.")
  var noMasking = false
  @Option(
    help: ArgumentHelp(
      "Do not look for the value of this variable in the output: it is short, or no secret.",
      valueName: "NAME"
    )
  )
  var unmasked: [String] = []
  @Flag(
    name: .customLong("exec"),
    help: "Become the command: nothing of keyward stays, and nothing is masked."
  )
  var replacesProcess = false
  @Flag(
    name: .customLong("adopt-orphans"),
    help: "Reap what the command's children leave behind. As PID 1 that is so without it."
  )
  var adoptsOrphans = false
  @Flag(
    name: .customLong("allow-core-dumps"),
    help: "Leave the command's limit of core files, which would hold its secrets, as it is."
  )
  var allowsCoreDumps = false
  @Option(
    help: ArgumentHelp(
      "Where --tmpfs and --fifo make their folder. (default: $XDG_RUNTIME_DIR, else /dev/shm)",
      valueName: "DIR"
    )
  )
  var tmpfsDir: String?
  @Flag(
    name: .customLong("revoke-token"),
    help: "Revoke the token that was given too, as soon as the values are here."
  )
  var revokesToken = false

  func validate(with injection: InjectionOptions) throws {
    guard !replacesProcess || !injection.usesPipes else {
      throw ValidationError("--exec and --fifo do not go together: keyward fills the pipe.")
    }
    guard !replacesProcess || !adoptsOrphans else {
      throw ValidationError("After --exec there is nobody to adopt orphans.")
    }
    guard (1...1000).contains(injection.fifoReads) else {
      throw ValidationError("--fifo-reads is a number from 1 to 1000.")
    }
    guard keep.isEmpty || cleanEnv else {
      throw ValidationError("--keep goes with --clean-env.")
    }
    guard injection.project == nil || !injection.noProject else {
      throw ValidationError("--project and --no-project do not go together.")
    }
  }

  /// What of our environment the command gets.
  func passedOn(_ inherited: InheritedEnvironment) -> InheritedEnvironment {
    let own = keepKeywardVariables ? inherited : inherited.withoutOwn()
    return cleanEnv ? own.cleaned(keeping: keep) : own
  }

  /// What masks the output; nil for nothing to mask.
  func matcher(_ plan: InjectionPlan, _ secrets: FetchedSecrets?) throws -> MaskMatcher? {
    guard !noMasking, !replacesProcess, let secrets else { return nil }
    for name in unmasked where !plan.injections.contains(where: { $0.name.description == name }) {
      throw CommandFailure(.usage, "--unmasked names \(name), which gets no secret.")
    }
    let masked = plan.injections.filter { !unmasked.contains($0.name.description) }
    var seen: Set<String> = []
    var values: [SecretBox] = []
    for injection in masked {
      guard let value = secrets.value(of: injection.reference) else { continue }
      guard !MaskMatcher.isTooShort(value.bytes) else {
        throw CommandFailure(
          .usage,
          "The value of \(injection.name) has fewer than \(MaskMatcher.minimumValue) bytes:"
            + " masking it would tear other output apart.",
          remedy: "Say --unmasked \(injection.name) to run without masking that one."
        )
      }
      if seen.insert(injection.reference.description).inserted { values.append(value) }
    }
    return values.isEmpty ? nil : try MaskMatcher(values)
  }
}
