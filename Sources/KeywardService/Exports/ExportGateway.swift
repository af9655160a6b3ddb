package import KeywardExport
package import KeywardModel

/// Who reaches the destinations of exports: a transport with verified TLS, and the credentials of
/// the server's process.
///
/// The executable gives the service one; so it is the server itself that fetches a wrapping key,
/// and nobody else can say that it was fetched.
package protocol ExportGateway: Sendable {
  /// What speaks to the destination, with its credentials read anew.
  func open(
    _ destination: Destination,
    now: @escaping @Sendable () -> Timestamp
  ) throws(CloudFailure) -> (any CloudDestination, CloudSession)
}

extension ServiceError {
  /// What went wrong with a provider, in public words.
  package init(_ failure: CloudFailure) {
    let code: ErrorCode =
      switch failure.code {
      case .unfit, .unsupported, .wrappingKeyUnfit, .replicaOrder, .unvouched: .exportRefused
      case .internalFailure: .internalError
      default: .destinationFailed
      }
    self.init(
      code,
      failure.words,
      remedy: failure.remedy,
      reason: failure.code.rawValue
    )
  }
}
