/// The exit statuses of every command; `docs/reference/cli.md` documents them.
enum ExitStatus: CInt {
  case done = 0
  case failed = 1
  case usage = 2
  /// Nobody answers at the address.
  case unreachable = 3
  /// Sealed, or not initialized.
  case sealed = 4
  /// Not allowed.
  case refused = 5
  case notFound = 6
  /// A signature, MAC, audit log, store or plugin that does not hold what it promises.
  case verificationFailed = 7
  /// The provider of an export refused, failed or could not be reached.
  case destinationFailed = 8
  /// What a provider gave for an export has come to its end.
  case expired = 9
}
