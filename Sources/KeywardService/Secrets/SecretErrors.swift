import KeywardModel

extension ServiceError {
  static func noSecret(_ path: SecretPath) -> ServiceError {
    ServiceError(
      .notFound,
      "There is no secret '\(path.name)' in '\(path.environment)'.",
      remedy: "List secrets with: keyward secret list."
    )
  }

  static func noSecretVersion(_ number: Int, of path: SecretPath) -> ServiceError {
    ServiceError(
      .notFound,
      "The secret '\(path.name)' in '\(path.environment)' has no version \(number).",
      remedy: "See its versions with: keyward secret history \(path.name)."
    )
  }
}
