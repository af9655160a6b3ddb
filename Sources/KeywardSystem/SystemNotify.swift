import CKeywardShims
import Glibc

/// Messages to systemd about this service's state.
///
/// Source: sd_notify(3). Without `NOTIFY_SOCKET` every call does nothing; a failed send is not an
/// error of the service, and says so by `false`.
package struct SystemNotify: Sendable {
  private let socket: String?

  /// How often systemd wants a sign of life, in microseconds; nil when it wants none.
  package let watchdogMicroseconds: UInt64?

  package init(environment: [String: String]) {
    socket = environment["NOTIFY_SOCKET"].flatMap { name in
      name.hasPrefix("/") || name.hasPrefix("@") ? name : nil
    }
    let isForUs = environment["WATCHDOG_PID"].map { pid_t($0) == getpid() } ?? true
    watchdogMicroseconds = isForUs ? environment["WATCHDOG_USEC"].flatMap { UInt64($0) } : nil
  }

  /// The service answers on all its sockets.
  @discardableResult
  package func ready(status: String = "") -> Bool {
    send("READY=1" + statusLine(status))
  }

  /// A reload began; send `ready` when it is done.
  @discardableResult
  package func reloading() -> Bool {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    let microseconds = Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
    return send("RELOADING=1\nMONOTONIC_USEC=\(microseconds)")
  }

  /// The service is going down.
  @discardableResult
  package func stopping(status: String = "") -> Bool {
    send("STOPPING=1" + statusLine(status))
  }

  /// One line for `systemctl status`.
  @discardableResult
  package func status(_ words: String) -> Bool {
    send("STATUS=" + singleLine(words))
  }

  /// A sign of life.
  @discardableResult
  package func watchdog() -> Bool {
    send("WATCHDOG=1")
  }

  private func statusLine(_ words: String) -> String {
    words.isEmpty ? "" : "\nSTATUS=" + singleLine(words)
  }

  /// A line break in the words would start another assignment.
  private func singleLine(_ words: String) -> String {
    String(words.map { $0.isNewline ? " " : $0 })
  }

  private func send(_ message: String) -> Bool {
    guard let socket else { return false }
    return kw_unix_send_datagram(socket, socket.utf8.count, message, message.utf8.count) == 0
  }
}
