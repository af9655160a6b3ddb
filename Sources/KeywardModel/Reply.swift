/// What a use case ends with that does not return its result.
///
/// Called once, on the thread that has the result: the writing thread after a commit, or the caller's
/// own at once.
package typealias Reply<Value> = @Sendable (Result<Value, ServiceError>) -> Void
