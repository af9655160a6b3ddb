import KeywardModel
import KeywardService
import KeywardTesting

extension ChokePointTests {
  static let record: RegistryName? = RegistryName("one")

  /// The use cases about policy, approvals and identities.
  static let accessUseCases: [UseCase] =
    [
      UseCase(operation: .policyRead) { server, caller in
        _ = try await server.service.policyText(caller, revision: nil)
      },
      UseCase(operation: .policyRead) { server, caller in
        _ = try await server.service.policyRevisions(caller)
      },
      UseCase(operation: .policyRead) { server, caller in
        _ = try await server.service.applyPolicy(
          caller,
          PolicyApplyRequest(files: [], dryRun: true)
        )
      },
      UseCase(operation: .policyApply) { server, caller in
        _ = try await server.service.applyPolicy(caller, PolicyApplyRequest(files: []))
      },
      UseCase(operation: .policyExplain) { server, caller in
        _ = try await server.service.decide(
          caller,
          DecisionRequest(
            operation: "key:show",
            resource: "keys/k",
            principal: DecisionRequest.Subject(issuer: "github", name: "x")
          ),
          explaining: true
        )
      },
      UseCase(operation: .approvalList) { server, caller in
        _ = try await server.service.listApprovals(caller, limit: 10, cursor: nil)
      },
      UseCase(operation: .approvalShow) { server, caller in
        _ = try await server.service.showApproval(caller, try approval())
      },
      UseCase(operation: .approvalApprove) { server, caller in
        _ = try await server.service.vote(caller, try approval(), isApproval: true)
      },
      UseCase(operation: .approvalDeny) { server, caller in
        _ = try await server.service.vote(caller, try approval(), isApproval: false)
      },
      UseCase(operation: .tokenCreate) { server, caller in
        _ = try await server.service.createToken(caller, TokenRequest(name: "ci"))
      },
      UseCase(operation: .tokenList) { server, caller in
        _ = try await server.service.listTokens(caller, limit: 10, cursor: nil)
      },
      UseCase(operation: .tokenShow) { server, caller in
        _ = try await server.service.showToken(caller, accessor: "acc-x")
      },
      UseCase(operation: .tokenRenew) { server, caller in
        _ = try await server.service.renewToken(caller, accessor: "acc-x", increment: nil)
      },
      UseCase(operation: .tokenRevoke) { server, caller in
        _ = try await server.service.revokeToken(caller, accessor: "acc-x")
      },
      UseCase(operation: .authSecretID) { server, caller in
        _ = try await server.service.createSecretID(caller, try recordName(), networks: [])
      },
      UseCase(operation: .authShow) { server, caller in
        _ = try await server.service.listSecretIDs(caller, try recordName())
      },
      UseCase(operation: .authSecretID) { server, caller in
        _ = try await server.service.revokeSecretID(caller, try recordName(), accessor: "sid-x")
      },
      UseCase(operation: .authShow) { server, caller in
        _ = try await server.service.cluster(caller, try recordName())
      },
      UseCase(operation: .authShow) { server, caller in
        _ = try await server.service.issuer(caller, try recordName())
      },
      UseCase(operation: .authShow) { server, caller in
        _ = try await server.service.authority(caller, try recordName())
      },
      UseCase(operation: .authShow) { server, caller in
        _ = try await server.service.role(caller, try recordName())
      },
      UseCase(operation: .authWrite) { server, caller in
        _ = try await server.service.writeRole(caller, try recordName(), MachineRoleDocument())
      },
      UseCase(operation: .authWrite) { server, caller in
        _ = try await server.service.writeCluster(caller, try recordName(), ClusterDocument())
      },
    ]
    + RegistryKind.allCases.flatMap { kind in
      [
        UseCase(operation: .authList) { server, caller in
          _ = try await server.service.listRegistry(caller, kind, limit: 10, cursor: nil)
        },
        UseCase(operation: .authDelete) { server, caller in
          _ = try await server.service.deleteRegistered(caller, kind, try recordName())
        },
      ]
    }

  private struct Missing: Error {}

  private static func recordName() throws -> RegistryName {
    guard let record else { throw Missing() }
    return record
  }

  private static func approval() throws -> ApprovalID {
    guard let id = ApprovalID(random: [UInt8](repeating: 7, count: 16)) else { throw Missing() }
    return id
  }
}
