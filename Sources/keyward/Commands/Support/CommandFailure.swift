import KeywardClient
import KeywardCrypto
import KeywardKeyring
import KeywardModel
import KeywardPipeline
import KeywardPolicy
import KeywardStore
import KeywardSystem

/// Why a command ends without success: words that say what to do, and an exit status.
struct CommandFailure: Error {
  let status: ExitStatus
  let message: String
  let remedy: String?

  init(_ status: ExitStatus, _ message: String, remedy: String? = nil) {
    self.status = status
    self.message = message
    self.remedy = remedy
  }

  /// The words for standard error: what is wrong, then what to do.
  var text: String {
    guard let remedy else { return message }
    return "\(message)\n  \(remedy)"
  }

  /// Reads the errors that commands meet; nil for those of the argument parser.
  init?(_ error: any Error) {
    switch error {
    case let failure as CommandFailure: self = failure
    case let error as ClientError: self = Self.of(error)
    case let error as SystemError: self.init(.failed, error.message)
    case let error as StoreError: self = Self.of(error)
    case let error as KeyringError:
      self.init(.failed, error.words, remedy: error.remedy.isEmpty ? nil : error.remedy)
    case is CryptoError:
      self.init(
        .failed,
        "There is no locked memory left for secrets, or OpenSSL failed.",
        remedy: "Raise RLIMIT_MEMLOCK (ulimit -l)."
      )
    case let error as PipelineError: self = Self.of(error)
    case let error as ConfigurationError: self.init(.usage, error.description)
    case let error as PolicyError:
      self.init(.usage, "The policy is not taken:\n\(error)")
    case let error as PolicyAnalysisError: self.init(.failed, error.description)
    case let error as ServiceError:
      self.init(.usage, error.message, remedy: error.remedy)
    default: return nil
    }
  }

  private static func of(_ error: ClientError) -> CommandFailure {
    switch error {
    case .unreachable(let address, let reason):
      CommandFailure(
        .unreachable,
        "No server answers at \(address): \(reason).",
        remedy: ServerOptions.hint
      )
    case .untrusted(let address, let reason):
      CommandFailure(
        .verificationFailed,
        "No trusted connection to \(address): \(reason).",
        remedy: "Name the authority of its certificate with --cacert FILE or KEYWARD_CACERT, and"
          + " use a name that is in the certificate. Verification cannot be turned off."
      )
    case .refused(let problem): refusal(problem)
    case .interrupted(let reason):
      CommandFailure(
        .unreachable,
        "The server ended the connection before it answered: \(reason).",
        remedy: "Look at its log: it refuses users that are not in admin.allowed_uids. What was"
          + " asked for may have been done."
      )
    case .unintelligible(let reason):
      CommandFailure(
        .failed,
        "The server's answer is not understood: \(reason).",
        remedy: "Is it a Keyward server of this version? Compare 'keyward version' and its log."
      )
    case .output(let reason):
      CommandFailure(.failed, "The answer could not be kept: \(reason).")
    }
  }

  /// The server's words; for a missing approval the very commands that come next.
  private static func refusal(_ problem: ProblemDocument) -> CommandFailure {
    let code = problem.reason ?? problem.code
    let reference = "(\(code), request \(problem.requestID))"
    var remedy = [problem.remedy, reference].compactMap { $0 }.joined(separator: " ")
    if let approval = problem.approval {
      remedy = """
        Somebody whom the rule names:  keyward approval approve \(approval)
          You, with the same input:      \(CommandLineText.repeated(withApproval: approval))
          \(reference)
        """
    }
    return CommandFailure(
      problem.reason == "parameters_expired" || problem.reason == "import_token_expired"
        ? .expired : status(of: ErrorCode(rawValue: problem.code)),
      problem.detail,
      remedy: remedy
    )
  }

  private static func of(_ error: StoreError) -> CommandFailure {
    let status: ExitStatus =
      switch error {
      case .badBackup, .corrupt, .notADatabase, .rollbackDetected, .tampered: .verificationFailed
      case .notInitialized, .sealed: .sealed
      default: .failed
      }
    return CommandFailure(status, error.words + ".", remedy: error.remedy + ".")
  }

  private static func of(_ error: PipelineError) -> CommandFailure {
    let status: ExitStatus =
      switch error.kind {
      case .input: .usage
      case .value, .failed: .failed
      case .verification: .verificationFailed
      }
    return CommandFailure(status, error.description, remedy: error.remedy)
  }

  private static func status(of code: ErrorCode?) -> ExitStatus {
    switch code {
    case .sealed, .notInitialized: .sealed
    case .forbidden, .unauthenticated, .approvalRequired: .refused
    case .notFound: .notFound
    case .tampered, .rollbackDetected: .verificationFailed
    case .destinationFailed: .destinationFailed
    default: .failed
    }
  }
}
