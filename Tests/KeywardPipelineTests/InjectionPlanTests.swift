import KeywardModel
import KeywardPipeline
import Testing

@Suite("What is injected")
struct InjectionPlanTests {
  private func environment(_ pairs: [(String, String)]) -> InheritedEnvironment {
    InheritedEnvironment(pairs.map { .init(name: Array($0.0.utf8), value: Array($0.1.utf8)) })
  }

  private func names(_ environment: InheritedEnvironment) -> [String] {
    environment.variables.map { String(decoding: $0.name, as: UTF8.self) }
  }

  @Test("references of the environment are taken out of it, and nothing else")
  func references() throws {
    let plan = try InjectionPlan(
      environment([
        ("HOME", "/root"), ("DB", "kw://payments/db#password"),
        ("TEXT", "see kw://payments/db#password"),
        ("PIN", "kw://payments/db?version=3#pin"), ("DB", "second"),
      ])
    )
    #expect(plan.injections.map(\.name.description) == ["DB", "PIN"])
    #expect(names(plan.inherited) == ["HOME", "TEXT"])
    #expect(plan.references == ["kw://payments/db#password", "kw://payments/db?version=3#pin"])
    #expect(plan.wanted["kw://payments/db#password"] == ["DB (the environment)"])
  }

  @Test(
    "text of outsiders in a platform's variables is no reference",
    arguments: [
      "CI_COMMIT_TITLE", "GITHUB_HEAD_REF", "BUILD_SOURCEVERSIONMESSAGE", "CHANGE_TITLE",
      "ghprbPullTitle", "gitlabMergeRequestTitle",
    ]
  )
  func platformTexts(_ name: String) throws {
    for value in ["kw://payments/db#password", "kw://x"] {
      let plan = try InjectionPlan(environment([(name, value), ("DB", "kw://payments/db#pin")]))
      #expect(plan.injections.map(\.name.description) == ["DB"])
      #expect(plan.inherited[name] == Array(value.utf8))
      #expect(plan.platformTexts == [name])
    }
  }

  @Test("a reference that is none is an error at its character")
  func misspelled() {
    let error = #expect(throws: PipelineError.self) {
      try InjectionPlan(environment([("DB", "kw://payments/db")]))
    }
    #expect(error?.message.contains("expected '#'") == true)
    #expect(error?.message.contains("\n                  ^") == true)
  }

  @Test(
    "names",
    arguments: [
      ("DB_PASSWORD", true), ("_x9", true), ("", false), ("9X", false), ("A-B", false),
      ("A=B", false), ("KEYWARD_TOKEN", false), ("LD_PRELOAD", false), ("PATH", false),
      ("BASH_ENV", false), ("PYTHONSTARTUP", false), ("NODE_OPTIONS", false), ("GIT_TOKEN", true),
      ("HTTPS_PROXY", true), ("\u{e9}", false), (String(repeating: "A", count: 129), false),
    ]
  )
  func names(_ text: String, _ isGood: Bool) {
    let isTaken = (try? VariableName(text)) != nil
    #expect(isTaken == isGood)
  }

  @Test("a clash is an error, whichever two say the name, unless one is told to win")
  func clashes() throws {
    func option(_ text: String) throws -> Injection {
      try InjectionPlan.injection(text, form: .variable, option: "--set")
    }
    let mine = try option("DB=kw://a/b#c")
    for inherited in [("DB", "plain"), ("DB", "kw://x/y#z")] {
      var plan = try InjectionPlan(environment([inherited, ("A", "1")]))
      let error = #expect(throws: PipelineError.self) { try plan.add([mine]) }
      #expect(error?.message == "DB comes from --set and from the environment.")
      try plan.add([mine], overriding: [try VariableName("DB")])
      #expect(plan.injections == [mine])
      #expect(names(plan.inherited) == ["A"])
    }
    var plan = try InjectionPlan(environment([]))
    try plan.add([mine])
    #expect(throws: PipelineError.self) { try plan.add([try option("DB=kw://a/b#d")]) }
  }

  @Test(
    "options take references, never values",
    arguments: ["DB", "DB=secret", "=kw://a/b#c", "DB=kw://"]
  )
  func options(_ text: String) {
    let error = #expect(throws: PipelineError.self) {
      try InjectionPlan.injection(text, form: .memfd, option: "--file")
    }
    #expect(error?.description.contains("secret") != true)
  }

  @Test("Keyward's own variables stay behind, and all but the common ones on request")
  func inheriting() throws {
    let all = environment([
      ("PATH", "/bin"), ("KEYWARD_TOKEN", "kwt_x"), ("KEYWARD_ADDR", "unix:///x"), ("CI", "true"),
    ])
    #expect(names(all.withoutOwn()) == ["PATH", "CI"])
    #expect(names(all.cleaned(keeping: [])) == ["PATH"])
    #expect(names(all.cleaned(keeping: ["CI"])) == ["PATH", "CI"])
  }
}
