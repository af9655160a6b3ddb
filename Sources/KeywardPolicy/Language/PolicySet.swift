import KeywardModel

/// All documents of a policy, whole and consistent: each kind and name once, every role known.
package struct PolicySet: Hashable, Sendable {
  /// Sorted by kind and name; the order in which they were given is of no account.
  package let documents: [PolicyDocument]

  package static let empty = PolicySet(unchecked: [])

  private init(unchecked documents: [PolicyDocument]) {
    self.documents = documents
  }

  /// Takes documents together; throws if two have one kind and name, or a role is not there.
  package init(_ documents: [PolicyDocument]) throws(PolicyError) {
    var problems: [PolicyProblem] = []
    if documents.count > PolicyParser.mostDocuments {
      problems.append(
        PolicyProblem(nil, "a policy has at most \(PolicyParser.mostDocuments) documents")
      )
    }
    var seen: [Identity: PolicyDocument] = [:]
    for document in documents {
      if let first = seen.updateValue(document, forKey: document.identity) {
        let place = first.place.map { "; it is also at \($0)" } ?? ""
        problems.append(
          PolicyProblem(
            document.place,
            "\(document.kind.rawValue) '\(document.name)' is here twice\(place); keep one"
          )
        )
      }
    }
    for document in documents {
      guard case .binding(let binding) = document.body,
        BuiltInRole(rawValue: binding.role) == nil,
        seen[Identity(kind: .role, name: binding.role)] == nil
      else { continue }
      problems.append(
        PolicyProblem(
          binding.rolePlace ?? document.place,
          "there is no Role '\(YAMLFields.shown(binding.role))'; "
            + "add its document, or name one that is there"
        )
      )
    }
    guard problems.isEmpty else { throw PolicyError(problems) }
    self.documents = documents.sorted { $0.identity < $1.identity }
  }

  /// Reads files of documents; throws everything that is wrong in any of them.
  package static func parse(
    _ files: [(name: String, text: String)]
  ) throws(PolicyError) -> PolicySet {
    try PolicySet(parseDocuments(files))
  }

  /// Reads documents that need not be whole: a role may be in other documents that are stored.
  package static func parseDocuments(
    _ files: [(name: String, text: String)]
  ) throws(PolicyError) -> [PolicyDocument] {
    var documents: [PolicyDocument] = []
    var problems: [PolicyProblem] = []
    for file in files {
      do throws(PolicyProblem) {
        let source = try YAMLSource(file: file.name, text: file.text)
        let parser = PolicyParser(source)
        for node in source.documents {
          do throws(PolicyProblem) {
            documents.append(try parser.document(node))
          } catch {
            problems.append(error)
          }
          guard documents.count <= PolicyParser.mostDocuments else {
            throw PolicyProblem(
              source.place(node),
              "a policy has at most \(PolicyParser.mostDocuments) documents"
            )
          }
        }
      } catch {
        problems.append(error)
      }
    }
    guard problems.isEmpty else { throw PolicyError(problems) }
    return documents
  }

  package func document(_ kind: PolicyDocument.Kind, _ name: String) -> PolicyDocument? {
    documents.first { $0.kind == kind && $0.name == name }
  }

  /// The rules of a role, built in or of a document; empty if there is none of that name.
  package func rules(ofRole name: String) -> [PolicyRule] {
    if let role = BuiltInRole(rawValue: name) { return role.rules }
    guard case .role(let role)? = document(.role, name)?.body else { return [] }
    return role.rules
  }

  /// The canonical text of all documents.
  package var canonicalText: String {
    documents.map(\.canonicalText).joined(separator: "---\n")
  }
}

extension PolicySet {
  /// What makes a document the one it is.
  package struct Identity: Hashable, Comparable, Sendable {
    package let kind: PolicyDocument.Kind
    package let name: String

    package init(kind: PolicyDocument.Kind, name: String) {
      self.kind = kind
      self.name = name
    }

    package static func < (left: Identity, right: Identity) -> Bool {
      (left.kind.rawValue, left.name) < (right.kind.rawValue, right.name)
    }
  }

  /// What applying documents does.
  package struct Change: Hashable, Sendable {
    package enum Action: String, Sendable {
      case create
      case change
      case remove
    }

    package let action: Action
    package let identity: Identity
  }

  /// This set with `documents` in place of those of the same kind and name; with `prune`, `documents`
  /// alone.
  package func applying(
    _ documents: [PolicyDocument],
    prune: Bool
  ) throws(PolicyError) -> PolicySet {
    let given = Set(documents.map(\.identity))
    let set = try PolicySet(
      documents + (prune ? [] : self.documents.filter { !given.contains($0.identity) })
    )
    try set.checkCanonicalText()
    return set
  }

  /// Refuses a set whose canonical text, which is what is stored, would not be read back as the same set.
  ///
  /// The bounds of a text hold for each file, and all documents together may pass them: more than 4 MiB,
  /// an anchor in one description and an alias in another. What is stored must open at the next unsealing.
  private func checkCanonicalText() throws(PolicyError) {
    let again: PolicySet
    do {
      again = try PolicySet.parse([(name: "all documents together", text: canonicalText)])
    } catch {
      throw PolicyError(
        [PolicyProblem(nil, "the policy could not be stored as a whole, in its canonical form:")]
          + error.problems
      )
    }
    guard again == self else {
      throw PolicyError([
        PolicyProblem(nil, "the policy would be another one when it is read back; report this")
      ])
    }
  }

  /// What it takes to come from `old` to this set, by kind and name; empty if nothing changes.
  package func changes(from old: PolicySet) -> [Change] {
    let before = Dictionary(uniqueKeysWithValues: old.documents.map { ($0.identity, $0) })
    let after = Dictionary(uniqueKeysWithValues: documents.map { ($0.identity, $0) })
    var changes: [Change] = []
    for document in documents {
      switch before[document.identity] {
      case nil: changes.append(Change(action: .create, identity: document.identity))
      case document?: break
      default: changes.append(Change(action: .change, identity: document.identity))
      }
    }
    for document in old.documents where after[document.identity] == nil {
      changes.append(Change(action: .remove, identity: document.identity))
    }
    return changes
  }
}

extension PolicyDocument {
  package var identity: PolicySet.Identity { PolicySet.Identity(kind: kind, name: name) }
}
