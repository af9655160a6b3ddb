import NIOCore

/// Runs the parts of a task on the event loop of its connection.
///
/// A handler that does little beside waiting for the disk then costs no hop to a thread of the
/// pool and none back: the commit wakes the loop, and the loop writes the answer.
final class LoopExecutor: TaskExecutor {
  private let eventLoop: any EventLoop

  init(_ eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
