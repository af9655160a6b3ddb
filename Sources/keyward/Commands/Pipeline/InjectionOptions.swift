import ArgumentParser
import KeywardModel
import KeywardPipeline

/// Which secrets a command gets, and in which form.
struct InjectionOptions: ParsableArguments {
  enum FileForm: String, ExpressibleByArgument, CaseIterable {
    case memfd
    case tmpfs
    case fifo
  }

  @Option(help: ArgumentHelp("Put the value into a variable.", valueName: "NAME=kw://…"))
  var set: [String] = []
  @Option(
    help: ArgumentHelp(
      "Put the value into a file in memory, and its path into the variable.",
      valueName: "NAME=kw://…"
    )
  )
  var file: [String] = []
  @Option(help: "What --file and 'files' of keyward.yaml make: memfd, tmpfs or fifo.")
  var fileAs = FileForm.memfd
  @Option(
    help: ArgumentHelp("As --file, with a path of its own in a tmpfs.", valueName: "NAME=kw://…")
  )
  var tmpfs: [String] = []
  @Option(
    help: ArgumentHelp("As --file, a pipe that gives the value once.", valueName: "NAME=kw://…")
  )
  var fifo: [String] = []
  @Option(help: ArgumentHelp("How often a pipe gives its value.", valueName: "n"))
  var fifoReads = 1
  @Option(
    help: ArgumentHelp(
      "Let an option win over keyward.yaml, and both over the environment, for this variable.",
      valueName: "NAME"
    )
  )
  var override: [String] = []
  @Option(
    help: ArgumentHelp(
      "The project file. (default: keyward.yaml here or above, up to the repository's root)",
      valueName: "FILE"
    )
  )
  var project: String?
  @Flag(help: "Read no project file.")
  var noProject = false

  var usesPipes: Bool { !fifo.isEmpty || fileAs == .fifo }

  /// All injections, each variable once.
  func plan(_ inherited: InheritedEnvironment, _ launch: LaunchOptions) throws -> InjectionPlan {
    // What does not reach the command is not looked at either.
    var plan = try InjectionPlan(launch.passedOn(inherited))
    for name in plan.platformTexts {
      StandardStream.error(
        "keyward: \(name) begins with kw:// and is the platform's: it stays as it is. If it is "
          + "meant: --set \(name)=kw://…\n"
      )
    }
    let overriding = Set(try override.map { text in try VariableName(text) })
    try plan.add(try ofProject(), overriding: overriding)
    try plan.add(try ofOptions(), overriding: overriding)
    return plan
  }

  private var fileForm: Injection.Form {
    switch fileAs {
    case .memfd: .memfd
    case .tmpfs: .file
    case .fifo: .fifo(reads: fifoReads)
    }
  }

  private func ofOptions() throws -> [Injection] {
    let groups: [(texts: [String], form: Injection.Form, option: String)] = [
      (set, .variable, "--set"), (file, fileForm, "--file"), (tmpfs, .file, "--tmpfs"),
      (fifo, .fifo(reads: fifoReads), "--fifo"),
    ]
    var injections: [Injection] = []
    for group in groups {
      for text in group.texts {
        let next = try InjectionPlan.injection(text, form: group.form, option: group.option)
        guard !injections.contains(where: { $0.name == next.name }) else {
          throw CommandFailure(.usage, "\(next.name) is there twice among the options.")
        }
        injections.append(next)
      }
    }
    return injections
  }

  private func ofProject() throws -> [Injection] {
    guard !noProject, let file = try ValueRequest.projectFile(project) else { return [] }
    func injections(_ bindings: [ProjectFile.Binding], _ form: Injection.Form) throws -> [Injection]
    {
      try bindings.map { binding in
        Injection(
          name: try VariableName(binding.name),
          reference: binding.reference,
          form: form,
          origin: "\(binding.place)"
        )
      }
    }
    return try injections(file.environment, .variable) + injections(file.files, fileForm)
  }
}
