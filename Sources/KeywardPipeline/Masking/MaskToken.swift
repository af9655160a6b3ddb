/// The text that takes the place of what is masked.
///
/// It must not become part of a secret together with what stands beside it: a value that begins with
/// `*` would be there again after `***` and its rest. So no pattern may begin with what the token
/// ends with, end with what it begins with, or contain it.
enum MaskToken {
  private static let candidates = ["***", "[masked]", "<masked>", "(masked)", "{masked}"]

  static func choose(
    for entries: [PatternPool.Entry],
    in text: UnsafeRawBufferPointer
  ) -> [UInt8] {
    var begins = [Bool](repeating: false, count: 256)
    var ends = begins
    for entry in entries {
      begins[Int(text[entry.offset])] = true
      ends[Int(text[entry.offset + entry.count - 1])] = true
    }
    func fits(_ token: [UInt8]) -> Bool {
      guard let first = token.first, let last = token.last else { return false }
      return !ends[Int(first)] && !begins[Int(last)]
        && !entries.contains { contains($0, token, in: text) }
    }
    for candidate in candidates where fits(Array(candidate.utf8)) { return Array(candidate.utf8) }
    // With very many secrets each of those begins or ends one: any two bytes that do not.
    let printable = Array(0x21...0x7e as ClosedRange<UInt8>)
    let others = (0...255 as ClosedRange<UInt8>).filter { !printable.contains($0) }
    for bytes in [printable, others] {
      guard let first = bytes.first(where: { !ends[Int($0)] }),
        let last = bytes.first(where: { !begins[Int($0)] })
      else { continue }
      let token = [first] + Array("masked".utf8) + [last]
      if fits(token) { return token }
    }
    return Array("***".utf8)
  }

  private static func contains(
    _ entry: PatternPool.Entry,
    _ token: [UInt8],
    in text: UnsafeRawBufferPointer
  ) -> Bool {
    guard entry.count >= token.count else { return false }
    for start in entry.offset...entry.offset + entry.count - token.count
    where text[start] == token[0] {
      if text[start..<start + token.count].elementsEqual(token) { return true }
    }
    return false
  }
}
