package import KeywardModel

/// One question to the policy: whether a principal may do that to this, now and from there.
package struct PolicyRequest: Hashable, Sendable {
  package let principal: Principal
  package let operation: ServiceOperation
  package let resource: ResourcePath
  package let time: Timestamp
  /// The address of the peer; nil on Unix sockets.
  package let source: NetworkAddress?

  package init(
    principal: Principal,
    operation: ServiceOperation,
    resource: ResourcePath,
    time: Timestamp,
    source: NetworkAddress? = nil
  ) {
    self.principal = principal
    self.operation = operation
    self.resource = resource
    self.time = time
    self.source = source
  }

  package init(
    principal: Principal,
    operation: ServiceOperation,
    resource: Resource,
    time: Timestamp,
    source: NetworkAddress? = nil
  ) {
    self.init(
      principal: principal,
      operation: operation,
      resource: ResourcePath(resource),
      time: time,
      source: source
    )
  }

  /// The same question about another resource.
  func about(_ resource: ResourcePath) -> PolicyRequest {
    PolicyRequest(
      principal: principal,
      operation: operation,
      resource: resource,
      time: time,
      source: source
    )
  }

  /// What the service is asked by `caller`.
  package init(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ resource: Resource,
    time: Timestamp
  ) {
    self.init(
      principal: caller.principal,
      operation: operation,
      resource: ResourcePath(resource),
      time: time,
      source: caller.source
    )
  }
}
