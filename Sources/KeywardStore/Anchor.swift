import Glibc
import KeywardCrypto
import KeywardModel

/// The anchor: the state counter in a file of its own, by which an older database is noticed.
///
/// Two slots of 512 bytes, each a record (label `keyward/v1/anchor`, store id, counter) and its MAC,
/// zero-filled. Writes go to the slots in turn by the counter's lowest bit, so that a write cut by
/// a power failure leaves the other slot, one change older. The higher valid slot counts.
final class Anchor {
  static let slotSize = 512

  private let descriptor: Int32
  private let path: String

  /// Opens the file, or makes it empty, 0600.
  init(path: String, creating: Bool = true) throws(StoreError) {
    let made = try StoreFiles.prepare(path, creating: creating)
    let descriptor = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw StoreFiles.failure("open", path) }
    self.descriptor = descriptor
    self.path = path
    guard creating else { return }
    // Both slots get their room on the disk now, so that later writes need none.
    switch posix_fallocate(descriptor, 0, off_t(2 * Anchor.slotSize)) {
    case 0, EOPNOTSUPP, EINVAL: break
    case ENOSPC, EDQUOT, EFBIG: throw .full
    case let code: throw .ioError("posix_fallocate of \(path), errno \(code)")
    }
    if made { try StoreFiles.syncDirectory(StoreFiles.parent(of: path)) }
  }

  deinit { close(descriptor) }

  /// The highest counter that a valid slot of this store holds; nil if there is none.
  func read(store: StoreID, key: HMACKey) throws(StoreError) -> UInt64? {
    var bytes = [UInt8](repeating: 0, count: 2 * Anchor.slotSize)
    let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    guard count >= 0 else { throw .ioError("read of \(path), errno \(errno)") }
    var highest: UInt64?
    for start in [0, Anchor.slotSize] {
      let slot = Array(bytes[start..<start + Anchor.slotSize])
      guard let counter = Anchor.counter(in: slot, store: store, key: key) else { continue }
      highest = max(highest ?? 0, counter)
    }
    return highest
  }

  /// Whether nothing was ever written to the file.
  func isBlank() throws(StoreError) -> Bool {
    var bytes = [UInt8](repeating: 0, count: 2 * Anchor.slotSize)
    let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    guard count >= 0 else { throw .ioError("read of \(path), errno \(errno)") }
    return bytes.allSatisfy { $0 == 0 }
  }

  /// Writes `counter` to its slot; `durably` also waits until it is on the disk.
  func write(_ counter: UInt64, store: StoreID, key: HMACKey, durably: Bool) throws(StoreError) {
    let slot = Anchor.slot(counter, store: store, key: key)
    let offset = off_t(counter & 1) * off_t(Anchor.slotSize)
    let count = slot.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, offset) }
    guard count == slot.count else {
      throw .ioError("write of \(path), errno \(count < 0 ? errno : ENOSPC)")
    }
    guard durably else { return }
    guard fdatasync(descriptor) == 0 else { throw .ioError("sync of \(path), errno \(errno)") }
  }

  private static func slot(_ counter: UInt64, store: StoreID, key: HMACKey) -> [UInt8] {
    let record = record(counter, store: store)
    var slot = record + key.authenticate(record)
    slot += [UInt8](repeating: 0, count: slotSize - slot.count)
    return slot
  }

  private static func record(_ counter: UInt64, store: StoreID) -> [UInt8] {
    var writer = RecordWriter("keyward/v1/anchor")
    writer.add(store.bytes)
    writer.add(counter)
    return writer.bytes
  }

  private static func counter(in slot: [UInt8], store: StoreID, key: HMACKey) -> UInt64? {
    let length = record(0, store: store).count
    let counter = slot[length - 8..<length].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return constantTimeEquals(slot, self.slot(counter, store: store, key: key)) ? counter : nil
  }
}
