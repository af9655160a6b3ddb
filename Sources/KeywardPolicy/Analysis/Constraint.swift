import KeywardModel

/// One requirement that a request meets or not; a rule is a list of them.
///
/// Both "it is met" and "it is not met" narrow a ``Region`` to regions of the same kind, which is what
/// makes the analyses exact.
enum Constraint: Hashable, Sendable {
  case operations(OperationSet)
  /// A bit for each kind, in the order of `Principal.Kind.allCases`.
  case kinds(UInt16)
  case value(PolicyAttribute, ValueDomain)
  /// A bit for each number of segments; the highest stands for any number from there on.
  case pathLength(UInt64)
  case nameLength(UInt64)
  /// A segment, given that there is one at that index.
  case segment(Int, ValueDomain)
  case namePart(Int, ValueDomain)
  /// A segment that is exactly the value of an attribute; the attribute is there.
  case segmentIsAttribute(Int, PolicyAttribute)
  /// A segment that is exactly a part of the name.
  case segmentIsNamePart(Int, Int)
  case source(SourceSet)
  case time(IntervalSet<Int64>)
  case week(IntervalSet<Int64>)
  /// Not all of these are met.
  case not([Constraint])
}

/// The addresses that a request can still come from, and whether it can come without one.
struct SourceSet: Hashable, Sendable {
  var mayBeAbsent: Bool
  var ipv4: IntervalSet<UInt32>
  var ipv6: IntervalSet<UInt128>

  /// Every address there is: IPv4-mapped ones are IPv4 addresses, and not IPv6 too.
  static let anything = SourceSet(
    mayBeAbsent: true,
    ipv4: .all,
    ipv6: IntervalSet((0xffff << 32)...(0xffff << 32 | 0xffff_ffff)).complement
  )

  init(mayBeAbsent: Bool, ipv4: IntervalSet<UInt32>, ipv6: IntervalSet<UInt128>) {
    self.mayBeAbsent = mayBeAbsent
    self.ipv4 = ipv4
    self.ipv6 = ipv6
  }

  init(_ networks: [NetworkPrefix]) {
    mayBeAbsent = false
    var four: [ClosedRange<UInt32>] = []
    var six: [ClosedRange<UInt128>] = []
    for network in networks {
      if network.address.isIPv6 {
        six.append(Self.range(network))
      } else {
        four.append(Self.range(network))
      }
    }
    ipv4 = IntervalSet(union: four)
    ipv6 = IntervalSet(union: six)
  }

  private static func range<Word: FixedWidthInteger>(
    _ network: NetworkPrefix
  ) -> ClosedRange<Word> {
    let low = network.address.bytes.reduce(Word(0)) { $0 << 8 | Word($1) }
    let free = Word.bitWidth - network.length
    return low...(free == 0 ? low : low | (Word.max >> Word(Word.bitWidth - free)))
  }

  var isEmpty: Bool { !mayBeAbsent && ipv4.isEmpty && ipv6.isEmpty }

  func intersection(_ other: SourceSet) -> SourceSet {
    SourceSet(
      mayBeAbsent: mayBeAbsent && other.mayBeAbsent,
      ipv4: ipv4.intersection(other.ipv4),
      ipv6: ipv6.intersection(other.ipv6)
    )
  }

  var complement: SourceSet {
    SourceSet(mayBeAbsent: !mayBeAbsent, ipv4: ipv4.complement, ipv6: ipv6.complement)
  }

  /// One address of the set; nil if it can be absent.
  var example: NetworkAddress? {
    if mayBeAbsent { return nil }
    if let word = ipv4.first { return NetworkAddress(Self.bytes(word)) }
    return ipv6.first.flatMap { NetworkAddress(Self.bytes($0)) }
  }

  private static func bytes<Word: FixedWidthInteger>(_ word: Word) -> [UInt8] {
    stride(from: Word.bitWidth - 8, through: 0, by: -8).map {
      UInt8(truncatingIfNeeded: word >> Word($0))
    }
  }
}
