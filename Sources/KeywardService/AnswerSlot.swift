import Synchronization

/// Carries an answer from the writing thread's transaction to its reply.
final class AnswerSlot<Answer: Sendable>: Sendable {
  private let answer = Mutex<Answer?>(nil)

  func put(_ answer: Answer) {
    self.answer.withLock { $0 = answer }
  }

  func take() -> Answer? {
    answer.withLock { answer in
      defer { answer = nil }
      return answer
    }
  }
}
