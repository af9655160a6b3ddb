import KeywardPipeline

extension SecretFetch {
  /// Prints a plan; one that cannot be carried out is a failure too.
  func show(_ plan: SecretPlan, _ output: OutputOptions) throws {
    try output.print(plan) { Self.text(plan) }
    guard plan.isComplete else { throw Self.refusal(plan) }
  }
}
