import KeywardAudit
import KeywardModel

/// Takes the entries of a sealed server into the log, as what they are: unauthenticated.
///
/// The journal is written without a key, so whoever can write the file can put anything there. Only
/// what a sealed server can have done is taken, marked by its rule, within the time that it was
/// sealed; everything else is counted, and stops nothing.
enum JournalFilter {
  /// What the rule of a journaled entry says.
  static let mark = "journal"

  static func events(
    _ entries: [[UInt8]],
    between start: Timestamp,
    and end: Timestamp
  ) -> (events: [AuditEvent], unfit: UInt64) {
    var events: [AuditEvent] = []
    var unfit: UInt64 = 0
    for bytes in entries {
      guard let event = try? AuditEntry(decoding: bytes).event, isPossible(event) else {
        unfit += 1
        continue
      }
      events.append(marked(event, between: start, and: end))
    }
    return (events, unfit)
  }

  private static func isPossible(_ event: AuditEvent) -> Bool {
    guard event.outcome == .allowed else { return true }
    return [ServiceOperation.operatorInit, .operatorUnseal].contains {
      $0.rawValue == event.operation
    }
  }

  private static func marked(
    _ event: AuditEvent,
    between start: Timestamp,
    and end: Timestamp
  ) -> AuditEvent {
    let first = UInt64(clamping: start.milliseconds)
    let last = UInt64(clamping: max(start, end).milliseconds)
    return AuditEvent(
      time: min(max(event.time, first), last),
      request: event.request,
      principal: event.principal,
      source: event.source,
      address: event.address,
      token: event.token,
      approval: event.approval,
      operation: event.operation,
      resource: event.resource,
      key: event.key,
      kmsUID: event.kmsUID,
      outcome: event.outcome,
      reason: event.reason,
      rule: event.rule.map { "\(mark):\($0)" } ?? mark,
      details: event.details
    )
  }
}
