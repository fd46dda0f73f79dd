import ArgumentParser
import Diagnostics

/// Runs a command's work and turns what it throws into words on standard error and an exit code: 2 for a request that
/// is wrong, 1 otherwise.
func reportingProblems(code: Int32 = 2, _ work: () throws -> Void) throws {
  do {
    try work()
  } catch let exit as ExitCode {
    throw exit
  } catch let error as any DiagnosticError {
    Terminal.report(error.diagnostics)
    throw ExitCode(code)
  }
}
