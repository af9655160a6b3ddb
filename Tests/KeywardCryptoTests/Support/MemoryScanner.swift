import Foundation
import Testing

/// Searches all readable memory of this process.
enum MemoryScanner {
  /// Canaries are kept XORed with this.
  static let mask: UInt8 = 0xA5

  struct Hit {
    let canary: Int
    let address: UInt
    let place: String
  }

  private struct Mapping {
    let range: Range<UInt>
    let place: String
  }

  /// Where the masked canaries lie in the clear.
  ///
  /// memfd_secret memory cannot be read through /proc, so the arena is read in place.
  static func hits(_ masked: [[UInt8]], arena: [Range<UInt>]) throws -> [Hit] {
    var starts: [UInt16: [Int]] = [:]
    for (index, canary) in masked.enumerated() {
      starts[UInt16(canary[0] ^ mask) << 8 | UInt16(canary[1] ^ mask), default: []].append(index)
    }
    let file = open("/proc/self/mem", O_RDONLY)
    defer { close(file) }
    let room = 1 << 20
    let overlap = 64
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
    defer {
      buffer.initializeMemory(as: UInt8.self, repeating: 0)
      buffer.deallocate()
    }
    let ownBuffer =
      UInt(bitPattern: buffer.baseAddress)..<UInt(bitPattern: buffer.baseAddress) + UInt(room)
    var hits: [Hit] = []
    for mapping in try mappings() {
      var at = mapping.range.lowerBound
      while at < mapping.range.upperBound {
        let count = min(room, Int(mapping.range.upperBound - at))
        let secret = arena.contains { $0.contains(at) }
        let bytes: UnsafeRawBufferPointer
        if secret {
          bytes = UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: at), count: count)
        } else {
          let got = pread(file, buffer.baseAddress, count, off_t(at))
          guard got > 0 else { break }
          bytes = UnsafeRawBufferPointer(rebasing: buffer[..<got])
        }
        search(bytes, masked, starts) { canary, offset in
          let address = at + UInt(offset)
          guard secret || !ownBuffer.contains(address) else { return }
          hits.append(Hit(canary: canary, address: address, place: mapping.place))
        }
        guard bytes.count == room else { break }
        at += UInt(room - overlap)
      }
    }
    return hits
  }

  private static func search(
    _ bytes: UnsafeRawBufferPointer,
    _ masked: [[UInt8]],
    _ starts: [UInt16: [Int]],
    _ found: (Int, Int) -> Void
  ) {
    guard bytes.count > 64 else { return }
    var table = [Bool](repeating: false, count: 65_536)
    for key in starts.keys { table[Int(key)] = true }
    table.withUnsafeBufferPointer { table in
      for offset in 0..<bytes.count - 1 {
        let pair = UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
        guard table[Int(pair)] else { continue }
        for canary in starts[pair] ?? [] where offset + masked[canary].count <= bytes.count {
          let expected = masked[canary]
          if expected.indices.allSatisfy({ bytes[offset + $0] ^ mask == expected[$0] }) {
            found(canary, offset)
          }
        }
      }
    }
  }

  private static func mappings() throws -> [Mapping] {
    let maps = try procFile("maps")
    return maps.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
      let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      guard ends.count == 2, fields[1].hasPrefix("r"), ends[1] < UInt(Int.max) else { return nil }
      return Mapping(range: ends[0]..<ends[1], place: String(fields.last ?? ""))
    }
  }
}

/// The text of a file below /proc/self, read to its end: Foundation stops after one read.
private func procFile(_ name: String) throws -> String {
  let file = open("/proc/self/\(name)", O_RDONLY)
  try #require(file >= 0)
  defer { close(file) }
  var text: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = read(file, &buffer, buffer.count)
    try #require(count >= 0)
    if count == 0 { return String(decoding: text, as: UTF8.self) }
    text += buffer[..<count]
  }
}

/// The flags that the kernel keeps of the mapping that starts at `address` (proc(5), VmFlags).
func vmFlags(of address: UInt) throws -> Set<String> {
  let maps = try procFile("smaps")
  let start = String(address, radix: 16) + "-"
  let lines = maps.split(separator: "\n").drop { !$0.hasPrefix(start) }
  let flags = try #require(lines.first { $0.hasPrefix("VmFlags:") })
  return Set(flags.split(separator: " ").dropFirst().map(String.init))
}
