import KeywardModel
import Yams

/// Conditions of rules and bindings.
extension PolicyParser {
  func conditions(_ node: Node?) throws(PolicyProblem) -> [PolicyCondition] {
    guard let node else { return [] }
    var conditions: [PolicyCondition] = []
    for item in try fields.list(node, "conditions", most: 64) {
      conditions.append(try condition(item))
    }
    return conditions
  }

  private func condition(_ node: Node) throws(PolicyProblem) -> PolicyCondition {
    let fields = try fields.mapping(
      node,
      "a condition",
      known: ["attribute", "in", "not_in", "source_network", "time"]
    )
    if let networks = fields["source_network"] {
      guard fields.count == 1 else { throw alone(node) }
      return .source(try self.networks(networks))
    }
    if let time = fields["time"] {
      guard fields.count == 1 else { throw alone(node) }
      return try self.time(time)
    }
    let attributeNode = try self.fields.required(fields, "attribute", in: node)
    guard let attribute = PolicyAttribute(try self.fields.text(attributeNode, "attribute")) else {
      throw self.fields.wrong(
        attributeNode,
        "attribute is one of cluster, environment, issuer, kind, name, claim:NAME"
      )
    }
    switch (fields["in"], fields["not_in"]) {
    case (let list?, nil): return .isIn(attribute, try values(list, attribute))
    case (nil, let list?): return .isNotIn(attribute, try values(list, attribute))
    default: throw self.fields.wrong(node, "a condition on an attribute has 'in' or 'not_in'")
    }
  }

  private func alone(_ node: Node) -> PolicyProblem {
    fields.wrong(node, "a condition says one thing; write two, and both must hold")
  }

  private func values(
    _ node: Node,
    _ attribute: PolicyAttribute
  ) throws(PolicyProblem) -> [String] {
    var values: [String] = []
    for item in try fields.list(node, "the list", most: Self.mostItems) {
      let text = try fields.text(item, "a value", longest: 512)
      if attribute == .kind, Principal.Kind(rawValue: text) == nil {
        throw fields.wrong(
          item,
          "kind is one of certificate, jwt, kms-socket, machine-role, token, unix-peer"
        )
      }
      guard !text.utf8.contains(UInt8(ascii: "*")) else {
        throw fields.wrong(item, "values of conditions are written in full, without '*'")
      }
      values.append(text)
    }
    return values
  }

  private func networks(_ node: Node) throws(PolicyProblem) -> [NetworkPrefix] {
    var networks: [NetworkPrefix] = []
    for item in try fields.list(node, "source_network", most: Self.mostItems) {
      guard let network = NetworkPrefix(try fields.plain(item, "a network")) else {
        throw fields.wrong(
          item,
          "a network is an address and a length, such as 10.0.0.0/8, with zeros after the length"
        )
      }
      networks.append(network)
    }
    return networks
  }

  private func time(_ node: Node) throws(PolicyProblem) -> PolicyCondition {
    let time = try fields.mapping(
      node,
      "time",
      known: ["not_before", "not_after", "days", "from", "to"]
    )
    if time["not_before"] != nil || time["not_after"] != nil {
      guard time["days"] == nil, time["from"] == nil, time["to"] == nil else {
        throw alone(node)
      }
      let notBefore = try time["not_before"].map { node throws(PolicyProblem) in
        try fields.time(node, "not_before")
      }
      let notAfter = try time["not_after"].map { node throws(PolicyProblem) in
        try fields.time(node, "not_after")
      }
      if let notBefore, let notAfter, notBefore >= notAfter {
        throw fields.wrong(node, "not_before is earlier than not_after")
      }
      return .period(notBefore: notBefore, notAfter: notAfter)
    }
    let daysNode = try fields.required(time, "days", in: node)
    var days: [WeeklyWindow.Day] = []
    for item in try fields.list(daysNode, "days", most: 7) {
      let text = try fields.plain(item, "a day")
      guard let day = WeeklyWindow.Day.allCases.first(where: { $0.spelling == text }),
        !days.contains(day)
      else { throw fields.wrong(item, "days are mon, tue, wed, thu, fri, sat, sun, each once") }
      days.append(day)
    }
    let from = try minutes(fields.required(time, "from", in: node), "from")
    let to = try minutes(fields.required(time, "to", in: node), "to")
    guard from < to else {
      throw fields.wrong(node, "from is earlier than to; write two rules for a time over midnight")
    }
    return .weekly(WeeklyWindow(days: days, from: from, to: to))
  }

  /// Minutes after midnight of `HH:MM`; `24:00` is the end of the day.
  private func minutes(_ node: Node, _ what: String) throws(PolicyProblem) -> Int {
    let text = try fields.plain(node, what)
    let bytes = Array(text.utf8)
    // Unquoted, YAML 1.1 reads 18:00 as the number 1080.
    guard node.scalar?.style != .plain, bytes.count == 5, bytes[2] == UInt8(ascii: ":"),
      let hour = Int(text.prefix(2)), let minute = Int(text.suffix(2)),
      bytes[0] != UInt8(ascii: "+"), bytes[0] != UInt8(ascii: "-"),
      bytes[3] != UInt8(ascii: "+"), bytes[3] != UInt8(ascii: "-"),
      minute < 60, hour < 24 || (hour == 24 && minute == 0)
    else {
      throw fields.wrong(node, "\(what) is a time of day in UTC in quotes, such as \"08:00\"")
    }
    return hour * 60 + minute
  }
}
