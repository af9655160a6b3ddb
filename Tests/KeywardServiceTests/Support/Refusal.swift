import KeywardModel
import Testing

/// Expects `body` to be refused with `code`; returns the error for more to be said about it.
@discardableResult
func refused<Result>(
  _ code: ErrorCode,
  _ comment: @autoclosure () -> Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () async throws -> Result
) async -> ServiceError? {
  do {
    _ = try await body()
    Issue.record(comment() ?? "was not refused", sourceLocation: sourceLocation)
  } catch let error as ServiceError {
    #expect(error.code == code, comment() ?? "\(error)", sourceLocation: sourceLocation)
    return error
  } catch {
    Issue.record("\(error)", sourceLocation: sourceLocation)
  }
  return nil
}
