/// The state of a key version (NIST SP 800-57 part 1 revision 5 §7).
package enum KeyState: String, CaseIterable, Hashable, Sendable, Codable {
  case preActive = "pre-active"
  case active
  case suspended
  case deactivated
  case compromised
  case destroyed

  /// What a version in this state may do: the one table of state and operation.
  ///
  /// - active: everything that key type and attributes allow;
  /// - deactivated and compromised: only process what was protected before;
  /// - suspended: nothing at all. SP 800-57 leaves processing open; Keyward's users suspend a key
  ///   to stop it, so stopped it is;
  /// - pre-active and destroyed: nothing.
  package var operations: KeyOperations {
    switch self {
    case .active:
      [
        .encrypt, .decrypt, .wrap, .unwrap, .sign, .verify, .mac, .macVerify, .derive, .agree,
        .export, .cloudExport,
      ]
    case .deactivated, .compromised: [.decrypt, .unwrap, .verify, .macVerify]
    case .preActive, .suspended, .destroyed: []
    }
  }

  /// The states that a version may go to from here (SP 800-57 part 1 §7, transitions 1 to 13).
  ///
  /// Compromise is never taken back, destruction never undone; an active version is deactivated,
  /// suspended or compromised before it is destroyed.
  package var successors: Set<KeyState> {
    switch self {
    case .preActive: [.active, .compromised, .destroyed]
    case .active: [.suspended, .deactivated, .compromised]
    case .suspended: [.active, .deactivated, .compromised, .destroyed]
    case .deactivated: [.compromised, .destroyed]
    case .compromised: [.destroyed]
    case .destroyed: []
    }
  }
}
