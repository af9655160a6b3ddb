import Glibc
import KeywardSystem
import Testing

@Suite
struct SystemNotifyTests {
  private let directory: TemporaryDirectory
  private let receiver: CInt
  private let notify: SystemNotify

  init() throws {
    directory = try TemporaryDirectory()
    let path = directory.file("notify")
    receiver = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let descriptor = receiver
    let code = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
        bind(descriptor, rebound, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(code == 0)
    notify = SystemNotify(environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000"])
  }

  @Test
  func tellsReadiness() {
    #expect(notify.ready())
    #expect(received() == "READY=1")
    #expect(notify.ready(status: "sealed"))
    #expect(received() == "READY=1\nSTATUS=sealed")
    #expect(notify.stopping())
    #expect(received() == "STOPPING=1")
    #expect(notify.watchdog())
    #expect(received() == "WATCHDOG=1")
  }

  @Test
  func aReloadCarriesTheMonotonicTime() throws {
    #expect(notify.reloading())
    let lines = received().split(separator: "\n")
    #expect(lines.first == "RELOADING=1")
    let time = try #require(lines.last?.split(separator: "=").last.flatMap { UInt64($0) })
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    #expect(abs(Int64(time) / 1_000_000 - Int64(now.tv_sec)) <= 2)
  }

  @Test
  func wordsCannotAddAssignments() {
    #expect(notify.status("a\nREADY=1\r\nMAINPID=1"))
    #expect(received() == "STATUS=a READY=1 MAINPID=1")
  }

  @Test
  func isSilentWithoutAManager() {
    #expect(!SystemNotify(environment: [:]).ready())
    #expect(!SystemNotify(environment: ["NOTIFY_SOCKET": "relative"]).ready())
    #expect(!SystemNotify(environment: ["NOTIFY_SOCKET": "/nowhere/at/all"]).ready())
  }

  @Test
  func readsTheWatchdogInterval() {
    #expect(notify.watchdogMicroseconds == 30_000_000)
    let other = SystemNotify(environment: ["WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"])
    #expect(other.watchdogMicroseconds == nil)
  }

  private func received() -> String {
    var buffer = [UInt8](repeating: 0, count: 512)
    let count = recv(receiver, &buffer, buffer.count, CInt(MSG_DONTWAIT))
    return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
  }
}
